import type { Job } from '@dispatchoor/api-contract';
import type { LedgerRun } from '@dispatchoor/forge-sim';
import { type AttemptRow, listAttempts } from '../rows.ts';
import type { Site } from '../site.ts';

/** All that is known once a scenario is over, from every side. */
export interface Evidence {
  /** What each 201 has promised. */
  readonly promised: readonly Job[];
  /** As the API shows them: those in the queue and those in the history. */
  readonly shown: readonly Job[];
  readonly attempts: readonly AttemptRow[];
  /** Those of our actor, by the forge's ledger. */
  readonly runs: readonly LedgerRun[];
  /** When each request reached the forge. */
  readonly askedAt: readonly number[];
  readonly objections: readonly string[];
  /** Log lines that hold a secret. */
  readonly leaks: readonly string[];
}

/**
 * Waits until no job is open, no run goes on, each attempt has ended (a cancelled job ends before its run), and each
 * runner is shown as it is.
 */
export async function gather(site: Site, promised: readonly Job[]): Promise<Evidence> {
  const ended = await site.allEnded();
  await site.allRunsEnded();
  await site.runnersAreShownAsTheyAre();
  const attempts = await site.until(
    'no attempt is open',
    () => listAttempts(site.database),
    (rows) => rows.every(({ ended_at: endedAt }) => endedAt !== null),
  );
  return {
    promised,
    shown: [...(await site.api.queue('linux')), ...ended],
    attempts,
    runs: site.ourRuns(),
    askedAt: site.sim.ledger().requests.map(({ at }) => at),
    objections: site.sim.schemaViolations,
    leaks: site.leaks(),
  };
}

/** All that is known of one job. */
export interface JobFile {
  readonly promised: Job;
  /** In the queue and in the history: exactly one is right. */
  readonly shown: readonly Job[];
  readonly attempts: readonly AttemptRow[];
  /** Runs that one of its attempts has, and those that bear its note. */
  readonly runs: readonly LedgerRun[];
}

export function fileOf(promised: Job, evidence: Evidence): JobFile {
  const attempts = evidence.attempts.filter(({ job_id: jobId }) => jobId === promised.id);
  const runIds = attempts.map(({ run_id: runId }) => runId);
  const isOwn = (run: LedgerRun): boolean =>
    runIds.includes(String(run.id)) || noteOf(run) === noteOf(promised);
  return {
    promised,
    shown: evidence.shown.filter(({ id }) => id === promised.id),
    attempts,
    runs: evidence.runs.filter(isOwn),
  };
}

/** Each job has one of its own, which its run bears. */
export function noteOf({ inputs }: Pick<Job, 'inputs'>): string {
  return inputs?.['note'] ?? '?';
}

/** Whether a run was started with all inputs of a job; the forge adds defaults, and the attempt its id. */
export function hasInputsOf(
  run: Pick<LedgerRun, 'inputs'>,
  { inputs }: Pick<Job, 'inputs'>,
): boolean {
  return Object.entries(inputs ?? {}).every(([name, value]) => run.inputs[name] === value);
}
