import type { LedgerRun } from '@dispatchoor/forge-sim';
import { busiest } from '../busiest.ts';
import type { Allowed } from './allowed.ts';
import { type Evidence, fileOf, noteOf } from './evidence.ts';
import { hasLateRun, isAmbiguous, type JobVerdict, verifyJob } from './verify-job.ts';

export interface Verification {
  readonly counts: Counts;
  /** All that is wrong. */
  readonly faults: readonly string[];
}

/** As they are shown. Failed are those whose run was not found, as their dispatches got lost twice, and those refused. */
export type Counts = Readonly<
  Record<
    | ('jobs' | 'completed' | 'failed' | 'cancelled' | 'run not found' | 'refused' | 'ambiguous')
    | ('attempts' | 'runs' | 'late runs' | 'forge calls' | 'forge calls a minute')
    | ('jobs lost' | 'jobs doubled' | 'runs without an attempt')
    | 'runs whose inputs are not their job’s'
    | ('schema violations' | 'secrets logged'),
    number
  >
>;

/** Pure: the forge's ledger, the API and the attempts against each other. */
export function verifyAll(evidence: Evidence, allowed: Allowed): Verification {
  const files = evidence.promised.map((job) => fileOf(job, evidence));
  const verdicts = files.map((file) => verifyJob(file, allowed));
  const counts = {
    ...countShown(evidence),
    ...countVerdicts(verdicts),
    'jobs lost': count(files, ({ shown }) => shown.length === 0),
    ...countViolations(evidence),
  };
  const faults = [
    ...verdicts.flatMap(({ faults: each }) => each),
    ...listOrphans(evidence).map((run) => `run ${run.id} (${noteOf(run)}) is not of one attempt`),
    ...listUnmade(evidence),
    ...listStrangers(evidence),
    ...evidence.objections.map((objection) => `the schema validator objects: ${objection}`),
    ...evidence.leaks.map((line) => `a secret is logged: ${line}`),
    ...listExcesses(counts, allowed),
  ];
  return { counts, faults };
}

function countShown({ promised, shown }: Evidence) {
  return {
    jobs: promised.length,
    completed: count(shown, ({ status }) => status === 'completed'),
    failed: count(shown, ({ status }) => status === 'failed'),
    cancelled: count(shown, ({ status }) => status === 'cancelled'),
  };
}

function countVerdicts(verdicts: readonly JobVerdict[]) {
  return {
    'run not found': count(verdicts, ({ failure }) => failure === 'run not found'),
    refused: count(verdicts, ({ failure }) => failure === 'refused'),
    ambiguous: count(verdicts, ({ failure }) => failure === 'ambiguous'),
    'runs whose inputs are not their job’s': count(verdicts, (one) => one.hasOtherInputs),
    'jobs doubled': count(verdicts, ({ isDoubled }) => isDoubled),
  };
}

function countViolations(evidence: Evidence) {
  const { attempts, runs, askedAt, objections, leaks } = evidence;
  return {
    attempts: attempts.length,
    runs: runs.length,
    'late runs': count(attempts, hasLateRun),
    'forge calls': askedAt.length,
    'forge calls a minute': busiest(askedAt, 60_000),
    'runs without an attempt': listOrphans(evidence).length,
    'schema violations': objections.length,
    'secrets logged': leaks.length,
  };
}

/** Each run of ours belongs to exactly one attempt. */
function listOrphans({ runs, attempts, shown }: Evidence): LedgerRun[] {
  const owned = attempts.map(({ run_id: runId }) => runId);
  const unclear = new Set(shown.filter(isAmbiguous).map(noteOf));
  return runs.filter((run) => {
    const owners = count(owned, (runId) => runId === String(run.id));
    return owners !== 1 && !(owners === 0 && unclear.has(noteOf(run)));
  });
}

/** Runs that an attempt has, and that the forge never made for us. */
function listUnmade({ runs, attempts }: Evidence): string[] {
  const made = new Set<string | null>(runs.map(({ id }) => String(id)));
  return attempts
    .filter(({ run_id: runId }) => runId !== null && !made.has(runId))
    .map(({ id, run_id: runId }) => `attempt ${id} has run ${runId ?? ''}, which is none of ours`);
}

/** Jobs that nobody asked for: an enqueue that was repeated must not add a second one. */
function listStrangers({ promised, shown }: Evidence): string[] {
  const known = new Set(promised.map(({ id }) => id));
  return shown
    .filter(({ id }) => !known.has(id))
    .map((job) => `job ${job.id} (${noteOf(job)}) was never promised`);
}

function listExcesses(
  counts: Counts,
  { notFound = 0, refused = 0, ambiguous = 0, forgeCallsPerMinute = Infinity }: Allowed,
): string[] {
  const limits = {
    ...{ 'run not found': notFound, refused, ambiguous },
    'forge calls a minute': forgeCallsPerMinute,
  };
  return (['run not found', 'refused', 'ambiguous', 'forge calls a minute'] as const)
    .filter((what) => counts[what] > limits[what])
    .map((what) => `${what}: ${counts[what]}, at most ${limits[what]} are allowed`);
}

function count<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.filter(holds).length;
}
