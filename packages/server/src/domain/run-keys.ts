import type { Attempt, Run } from './attempt.ts';

/** Forges take the names of owners and repositories in any case. */
export function repoKeyOf({ owner, repo }: Pick<Attempt, 'owner' | 'repo'>): string {
  return `${owner}/${repo}`.toLowerCase();
}

/**
 * By what a listing can tell apart: workflow and ref. The actor is compared run by run: it may not be known.
 *
 * @param attempts of one repository
 * @param runs its listing, which tells that two spellings are one workflow
 */
export function groupByKey(attempts: readonly Attempt[], runs: readonly Run[]): Attempt[][] {
  // Looked up once for each spelling: thousands of attempts share a few, and there may be as many runs.
  const spellings = new Set(attempts.map(({ workflowId }) => workflowId));
  const workflows = new Map<string, string>();
  for (const spelling of spellings) {
    const ofIt = runs.find((run) => isWorkflow(run, spelling));
    workflows.set(spelling, ofIt?.workflowId ?? spelling);
  }
  const keyOf = ({ workflowId, ref }: Attempt): string =>
    JSON.stringify([workflows.get(workflowId), plainRefOf(ref)]);
  return [...Map.groupBy(attempts, keyOf).values()];
}

/** The runs that an attempt of this key could have made. One whose branch or path is not told may be of any. */
export function runsOfKey(
  attempt: Pick<Attempt, 'ref' | 'workflowId'>,
  runs: readonly Run[],
): Run[] {
  const ref = plainRefOf(attempt.ref);
  return runs.filter(
    ({ branch, ...run }) =>
      (branch === '' || plainRefOf(branch) === ref) &&
      (run.path === '' || isWorkflow(run, attempt.workflowId)),
  );
}

/**
 * Runs of another file or branch that bear one of these ids: they were handed it on, or their workflow was renamed since it was
 * sent.
 *
 * @param ids of attempts of this key
 */
export function runsElsewhere(
  attempt: Pick<Attempt, 'ref' | 'workflowId'>,
  runs: readonly Run[],
  ids: readonly string[],
): Run[] {
  const bearing = runs.filter(({ name }) => ids.some((id) => name.includes(id)));
  const ofKey = new Set(runsOfKey(attempt, bearing));
  return bearing.filter((run) => !ofKey.has(run));
}

/** It tells both. */
export function isOfSureKey({ branch, path }: Pick<Run, 'branch' | 'path'>): boolean {
  return branch !== '' && path !== '';
}

/** `workflow_id` may be GitHub's number, the file's name, or its path. */
function isWorkflow(run: Pick<Run, 'workflowId' | 'path'>, workflowId: string): boolean {
  return (
    run.workflowId === workflowId || run.path === workflowId || run.path.endsWith(`/${workflowId}`)
  );
}

/**
 * The branch or tag that a ref names, and a run shows: forges take `main` and `refs/heads/main`, and may take `heads/main`. All
 * prefixes go, of a branch that is called `heads/main` too: to take it for `main` costs a wait at most, a run that is
 * overlooked a second start.
 */
export function plainRefOf(ref: string): string {
  return ref.replace(/^(?:(?:refs\/)?(?:heads|tags)\/)+/, '');
}
