import type { Attempt, Run } from './attempt.ts';

/** What a listing can tell apart: repository, workflow, ref. The actor is compared run by run: it may not be known. */
function keyOf({ owner, repo, workflowId, ref }: Attempt): string {
  return JSON.stringify([owner.toLowerCase(), repo.toLowerCase(), workflowId, plainRef(ref)]);
}

export function groupByKey(attempts: readonly Attempt[]): Attempt[][] {
  return [...Map.groupBy(attempts, keyOf).values()];
}

/** The runs that an attempt of this key could have made. */
export function runsOfKey(attempt: Attempt, runs: readonly Run[]): Run[] {
  const ref = plainRef(attempt.ref);
  return runs.filter((run) => run.branch === ref && isWorkflow(run, attempt.workflowId));
}

/** `workflow_id` may be GitHub's number, the file's name, or its path. */
function isWorkflow(run: Run, workflowId: string): boolean {
  return (
    run.workflowId === workflowId || run.path === workflowId || run.path.endsWith(`/${workflowId}`)
  );
}

/** A run tells the short name of its branch or tag, whichever way the dispatch wrote it. */
function plainRef(ref: string): string {
  return ref.replace(/^refs\/(?:heads|tags)\//, '');
}
