import type { JobConclusion, RunConclusion } from './spec.ts';
import type { Run, WorkflowJob } from './state.ts';

/** The first of these that any job ended with decides; GitHub shows the worst. */
const worstFirst: readonly JobConclusion[] = [
  'failure',
  'timed_out',
  'action_required',
  'cancelled',
  'success',
  'neutral',
  'skipped',
];

export function concludeRun(run: Run): RunConclusion {
  if (run.forcedConclusion !== null) return run.forcedConclusion;
  if (run.cancelRequestedAt !== null) return 'cancelled';
  if (run.plannedConclusion !== null) return run.plannedConclusion;
  const seen = new Set(run.jobs.map((job) => job.conclusion));
  return worstFirst.find((conclusion) => seen.has(conclusion)) ?? 'success';
}

/** These end a run before any of its jobs is made. */
export function endsAtOnce(conclusion: RunConclusion | null): boolean {
  return conclusion === 'startup_failure' || conclusion === 'action_required';
}

/** How the open jobs of a run end that is forced to `conclusion`. */
export function jobConclusionFor(conclusion: RunConclusion): JobConclusion {
  if (conclusion === 'stale') return 'cancelled';
  return conclusion === 'startup_failure' ? 'failure' : conclusion;
}

/** `undefined`: not all that it needs is done. */
export function needsOf(job: WorkflowJob): 'met' | 'failed' | undefined {
  const needed = (job.spec.needs ?? []).map((name) => job.run.jobs.find((j) => j.name === name));
  const open = needed.some((other) => other?.status !== 'completed');
  if (open) return undefined;
  return needed.every((other) => other?.conclusion === 'success') ? 'met' : 'failed';
}
