import type { Job } from '@dispatchoor/api-contract';
import type { LedgerRun } from '@dispatchoor/forge-sim';
import { type AttemptRow, listAttempts } from '../processes/rows.ts';
import type { Site } from '../processes/site.ts';
import { busiest } from './busiest.ts';
import type { ChaosCounts } from './chaos.ts';
import { judgeJob } from './judge-job.ts';

/** What may have happened, beyond what must. Nothing by default. */
export interface Allowed {
  /** Jobs that failed because no run was found for them, twice: at most one for each death of a server. */
  readonly notFound?: number;
  /** Runs that turned up when their dispatch had been given up; each must have been cancelled. */
  readonly lateRuns?: number;
  /** Requests to the forge within any minute; default: not judged. */
  readonly forgeCallsPerMinute?: number;
}

/** All that is known of one job, from every side. */
export interface JobFile {
  readonly id: string;
  /** As the API shows it: in the queue and in the history. Exactly one is right. */
  readonly shown: readonly Job[];
  readonly attempts: readonly AttemptRow[];
  /** Runs that bear its note, or that one of its attempts has. */
  readonly runs: readonly LedgerRun[];
}

/**
 * The judgement of a chaos scenario, once all is over: the forge's ledger, the API and the attempts against each
 * other. Waits until no job is open and no run goes on. Throws one error that lists all that is wrong.
 *
 * @param jobs All that a 201 promised; each has a `note` of its own among its inputs, which its run bears.
 */
export async function judge(
  site: Site,
  jobs: readonly Job[],
  allowed: Allowed = {},
): Promise<ChaosCounts> {
  const ended = await site.allEnded();
  await site.allRunsEnded();
  const queued = await site.api.queue('linux');
  const attempts = await listAttempts(site.database);
  const runs = site.ourRuns();
  const files = jobs.map((job) => fileOf(job, [...queued, ...ended], attempts, runs));
  const verdicts = files.map(judgeJob);
  const lateRuns = attempts.filter(({ state, run_id: id }) => state === 'absent' && id !== null);
  const counts = {
    jobs: jobs.length,
    completed: count(ended, ({ status }) => status === 'completed'),
    failed: count(ended, ({ status }) => status === 'failed'),
    cancelled: count(ended, ({ status }) => status === 'cancelled'),
    attempts: attempts.length,
    runs: runs.length,
    'run not found': count(verdicts, ({ isNotFound }) => isNotFound),
    'late runs': lateRuns.length,
    'forge calls a minute': busiest(
      site.sim.ledger().requests.map(({ at }) => at),
      60_000,
    ),
    'jobs lost': count(files, ({ shown }) => shown.length === 0),
    'jobs doubled': count(verdicts, ({ isDoubled }) => isDoubled),
    'runs without an attempt': listOrphans(runs, attempts).length,
    'referee objections': site.sim.refereeViolations.length,
    'secrets logged': site.leaks().length,
  };
  const faults = [
    ...verdicts.flatMap(({ faults: each }) => each),
    ...listOrphans(runs, attempts).map(({ id, inputs }) => {
      return `run ${id} (${inputs['note'] ?? ''}) belongs to no attempt`;
    }),
    ...listStrangers(jobs, [...queued, ...ended]),
    ...site.sim.refereeViolations.map((violation) => `the referee objects: ${violation}`),
    ...site.leaks().map((line) => `a secret is logged: ${line}`),
    ...listExcesses(counts, allowed),
  ];
  if (faults.length === 0) return counts;
  const known = attempts.map((attempt) => JSON.stringify(attempt));
  throw new Error(['not as it must be:', ...faults, JSON.stringify(counts), ...known].join('\n'));
}

function fileOf(
  { id, inputs }: Job,
  shown: readonly Job[],
  attempts: readonly AttemptRow[],
  runs: readonly LedgerRun[],
): JobFile {
  const own = attempts.filter((attempt) => attempt.job_id === id);
  const runIds = own.map((attempt) => attempt.run_id);
  const isOwn = (run: LedgerRun): boolean =>
    run.inputs['note'] === inputs?.['note'] || runIds.includes(String(run.id));
  return {
    id,
    shown: shown.filter((job) => job.id === id),
    attempts: own,
    runs: runs.filter(isOwn),
  };
}

function listOrphans(runs: readonly LedgerRun[], attempts: readonly AttemptRow[]): LedgerRun[] {
  const owned = attempts.map(({ run_id: id }) => id);
  return runs.filter(({ id }) => owned.filter((runId) => runId === String(id)).length !== 1);
}

/** Jobs that nobody asked for: an enqueue that was repeated must not add a second one. */
function listStrangers(jobs: readonly Job[], shown: readonly Job[]): string[] {
  const known = new Set(jobs.map(({ id }) => id));
  return shown
    .filter(({ id }) => !known.has(id))
    .map(({ id, inputs }) => `job ${id} (${inputs?.['note'] ?? ''}) was never promised`);
}

function listExcesses(
  counts: Readonly<Record<'run not found' | 'late runs' | 'forge calls a minute', number>>,
  { notFound = 0, lateRuns = 0, forgeCallsPerMinute = Infinity }: Allowed,
): string[] {
  const limits = {
    'run not found': notFound,
    'late runs': lateRuns,
    'forge calls a minute': forgeCallsPerMinute,
  };
  return (['run not found', 'late runs', 'forge calls a minute'] as const)
    .filter((what) => counts[what] > limits[what])
    .map((what) => `${what}: ${counts[what]}, at most ${limits[what]} are allowed`);
}

function count<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.filter(holds).length;
}
