import { countDeliveries } from '../hooks/delivery-counts.ts';
import type { Run, Runner, WorkflowJob, WorldState } from '../world/state.ts';
import type {
  Ledger,
  LedgerDelivery,
  LedgerJob,
  LedgerRequest,
  LedgerRun,
  LedgerRunner,
} from './entries.ts';

/** What the ledger is read from. */
export interface LedgerSources {
  requests: readonly LedgerRequest[];
  deliveries: readonly LedgerDelivery[];
  state: WorldState;
}

/** A view that reads each part only when asked for, for predicates that run on every change. */
export function ledgerView({ requests, deliveries, state }: LedgerSources): Ledger {
  let runs: LedgerRun[] | undefined;
  let runners: LedgerRunner[] | undefined;
  return {
    requests,
    deliveries,
    get runs() {
      runs ??= [...state.runs.values()].map(ledgerRun);
      return runs;
    },
    get runners() {
      runners ??= [...state.runners.values()].map(ledgerRunner);
      return runners;
    },
    get deliveryCounts() {
      return countDeliveries(deliveries);
    },
  };
}

export function ledgerSnapshot(sources: LedgerSources): Ledger {
  const { requests, runs, runners, deliveries, deliveryCounts } = ledgerView(sources);
  return structuredClone({ requests, runs, runners, deliveries, deliveryCounts });
}

function ledgerRun(run: Run): LedgerRun {
  const { workflow } = run;
  return {
    id: run.id,
    owner: workflow.repo.owner.login,
    repo: workflow.repo.name,
    workflow: workflow.file,
    ref: run.ref,
    inputs: { ...run.inputs },
    title: run.title,
    actor: run.actor.login,
    createdAt: run.createdAt,
    visibleAt: run.visibleAt,
    createdByRequest: run.createdByRequest,
    runAttempt: run.runAttempt,
    status: run.status,
    conclusion: run.conclusion,
    jobs: [...run.earlierJobs, ...run.jobs].map(ledgerJob),
    ...(run.cancelRequestedAt === null ? {} : { cancelRequestedAt: run.cancelRequestedAt }),
    ...(run.deletedAt === null ? {} : { deleted: true }),
  };
}

function ledgerJob(job: WorkflowJob): LedgerJob {
  return {
    id: job.id,
    name: job.name,
    runAttempt: job.runAttempt,
    labels: [...job.labels],
    status: job.status,
    conclusion: job.conclusion,
    runnerId: job.runner?.id ?? null,
    runnerName: job.runner?.name ?? null,
    createdAt: job.createdAt,
    startedAt: job.startedAt,
    completedAt: job.completedAt,
  };
}

function ledgerRunner(runner: Runner): LedgerRunner {
  return {
    id: runner.id,
    scope: runner.scope,
    name: runner.name,
    labels: [...runner.labels],
    os: runner.os,
    onlineAt: runner.onlineAt,
    ...(runner.goneAt === null ? {} : { goneAt: runner.goneAt }),
    onlineSpans: runner.onlineSpans.map((span) => ({ ...span })),
    busySpans: runner.busySpans.map((span) => ({ ...span })),
  };
}
