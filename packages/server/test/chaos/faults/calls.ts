import type { Job } from '@dispatchoor/api-contract';
import type { EndpointName, FaultSpec, ForgeSim, World as SimWorld } from '@dispatchoor/forge-sim';
import { CORRELATION_INPUT, LONG, template, workflow } from '../../harness/fixtures.ts';
import type { Site } from '../../processes/site.ts';

/** How a server is brought to make one call of the adapter, beyond enqueuing jobs. */
export interface CallScenario {
  readonly endpoint: EndpointName;
  /** Prepares the forge, before the server starts. */
  readonly prepare?: (sim: ForgeSim) => void;
  /** Once the jobs are enqueued, with the fault already armed. @returns the job that it has added */
  readonly act?: (site: Site) => Promise<Job>;
  /** Once the fault is over. */
  readonly settle?: (site: Site) => void;
  /** Keys of the configuration's `waits`. */
  readonly waits?: Readonly<Record<string, string>>;
  /** Keys of its `github` and its `dispatcher`. */
  readonly github?: Readonly<Record<string, string>>;
  readonly dispatcher?: Readonly<Record<string, string>>;
  /** The job that `act` adds is cancelled. */
  readonly isCancelling?: boolean;
  /** Other faults that bring the call about. */
  readonly with?: readonly FaultSpec[];
}

const CANCELLED = 'to be cancelled';
const RERUN = 'to be re-run';

/** A workflow whose jobs go on after a cancel: only force ends them. */
const stubborn = workflow({
  file: 'stubborn.yaml',
  jobs: [{ name: 'build', runsOn: ['linux'], durationMs: 600_000, ignoresCancel: true }],
});

/** Every call that the adapter makes. */
export const callScenarios: readonly CallScenario[] = [
  { endpoint: 'user' },
  // An App's installation is nobody: only then is the limit asked for.
  { endpoint: 'rateLimit', with: [{ on: 'user', kind: 'not-found', times: 'always' }] },
  { endpoint: 'userGet' },
  // Whether a 404 is believed depends on whether the repository can be read.
  { endpoint: 'repoGet', with: [{ on: 'dispatch', kind: 'not-found' }] },
  { endpoint: 'listRunners' },
  { endpoint: 'dispatch' },
  { endpoint: 'listRuns' },
  {
    endpoint: 'getRun',
    prepare: (sim) => {
      // So long that even a server that hardly gets to run finds it missing in a listing.
      sim.setRunVisibility({ delayMs: 10_000 });
    },
    // A listing that does not show it yet is not believed for long.
    waits: { run_visible: '200ms' },
    // On a busy machine too: only a run that an answer has named is asked for, and none is called absent before it can be seen.
    github: { request_timeout: '10s' },
    dispatcher: { run_lookup_timeout: '1m' },
  },
  { endpoint: 'getRunAttempt', act: rerunBeforeSeen, settle: endReruns },
  { endpoint: 'listRunJobs' },
  { endpoint: 'cancel', act: (site) => cancelRunning(site, 'build'), isCancelling: true },
  { endpoint: 'forceCancel', act: (site) => cancelRunning(site, 'stubborn'), isCancelling: true },
];

export const faultsGroups = {
  github: [
    {
      id: 'linux',
      name: 'Linux',
      runner_labels: ['self-hosted', 'linux'],
      workflow_dispatch_templates: [
        template({ id: 'build', correlation_input: CORRELATION_INPUT }),
        template({
          id: 'stubborn',
          workflow_id: 'stubborn.yaml',
          correlation_input: CORRELATION_INPUT,
        }),
      ],
    },
  ],
};

export function withStubborn(world: SimWorld): SimWorld {
  return { ...world, workflows: [...(world.workflows ?? []), stubborn] };
}

async function cancelRunning(site: Site, templateId: string): Promise<Job> {
  const inputs = { ...LONG, note: CANCELLED };
  const job = await site.api.enqueue('linux', { template_id: templateId, inputs });
  await site.job(job.id, 'running');
  const { status, text } = await site.api.cancel(job.id);
  if (status >= 300) throw new Error(`not cancelled: ${status} ${text}`);
  return job;
}

/** By the time anybody looks, the run is on its second attempt: only the first is the job's. */
async function rerunBeforeSeen(site: Site): Promise<Job> {
  const inputs = { ...LONG, note: RERUN };
  const job = await site.api.enqueue('linux', { template_id: 'build', inputs });
  const { run_id: runId } = await site.job(job.id, 'running');
  site.sim.completeRun(runId ?? 0, 'success');
  site.sim.rerun(runId ?? 0);
  return job;
}

function endReruns({ sim }: Site): void {
  for (const { id, runAttempt, conclusion } of sim.ledger().runs) {
    if (runAttempt > 1 && conclusion === null) sim.completeRun(id, 'success');
  }
}
