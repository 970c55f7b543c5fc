import type { Repo, Runner, WorkflowJob } from './state.ts';

/** GitHub compares labels without regard to case; the runner must have all that are asked for. */
export function runnerHasLabels(runner: Runner, job: WorkflowJob): boolean {
  return job.wantedLabels.every((label) => runner.labelSet.has(label));
}

/** An enterprise covers every repository of the forge. */
export function scopeCoversRepo(scope: string, repo: Repo): boolean {
  const wanted = scope.toLowerCase();
  if (wanted.startsWith('enterprise:')) return true;
  const owner = repo.owner.login.toLowerCase();
  return wanted === `org:${owner}` || wanted === `repo:${owner}/${repo.name.toLowerCase()}`;
}

/** Online, without a job of this forge or of anyone else, and not already promised to one. */
export function isRunnerFree(runner: Runner): boolean {
  return (
    runner.goneAt === null &&
    runner.isOnline &&
    !runner.isTakenOutside &&
    runner.job === null &&
    runner.reservedFor === null
  );
}
