import type { DispatchTarget } from '../job.ts';
import type { BlockKind } from '../target-block.ts';
import type { Cause, WaitCode, WaitInput } from './input.ts';
import { sentence } from './sentence.ts';

interface BlockText {
  readonly code: WaitCode;
  readonly what: (target: DispatchTarget) => string;
}

/** What somebody has to mend. */
const LASTING_BLOCKS: Partial<Record<BlockKind, BlockText>> = {
  'no-access': {
    code: 'no-access',
    what: ({ owner, repo }) =>
      `The credential cannot use ${owner}/${repo}: give it access to the repository`,
  },
  archived: {
    code: 'repository-archived',
    what: ({ owner, repo }) =>
      `${owner}/${repo} is archived and starts nothing: unarchive it, or delete the job`,
  },
  'workflow-disabled': {
    code: 'workflow-disabled',
    what: ({ owner, repo, workflowId }) =>
      `${workflowId} of ${owner}/${repo} is disabled: enable it on the forge, or delete the job`,
  },
  'template-broken': {
    code: 'template-broken',
    what: ({ workflowId, ref }) =>
      `The forge refuses ${workflowId} at ${ref}: mend the workflow or the template`,
  },
};

/** What passes by itself, as far as is known yet. */
const PASSING_BLOCKS: Partial<Record<BlockKind, BlockText>> = {
  'not-found': {
    code: 'backoff',
    what: ({ owner, repo, workflowId }) =>
      `The forge did not find ${workflowId} of ${owner}/${repo}: it is asked once more before that counts`,
  },
  failing: {
    code: 'forge-unavailable',
    what: ({ owner, repo, workflowId }) =>
      `The forge fails when it is to start ${workflowId} of ${owner}/${repo}: it is tried again by itself, and other workflows go on`,
  },
};

export function findBlock(input: WaitInput): Cause | undefined {
  return findBlockIn(LASTING_BLOCKS, input);
}

/** Until it may be tried again. From then on what keeps the next try waiting is something else. */
export function findPassingBlock(input: WaitInput): Cause | undefined {
  if (input.block === undefined || input.block.nextProbeAt <= input.now) return undefined;
  return findBlockIn(PASSING_BLOCKS, input);
}

/** It may be tried, and yet is not the next to go: see `letOthersFirst` and `yieldingOf`. */
export function findTurn({ block, target }: WaitInput): Cause | undefined {
  if (block?.kind !== 'failing') return undefined;
  const { owner, repo, workflowId } = target;
  const what =
    `The forge failed when it was to start ${workflowId} of ${owner}/${repo}, or others there: one job at a time is tried, ` +
    'where no other job wants the runner, and those of what failed least go first';
  return {
    code: 'forge-unavailable',
    message: sentence(what, block.message),
    since: block.since,
  };
}

function findBlockIn(
  texts: typeof LASTING_BLOCKS,
  { block, target }: WaitInput,
): Cause | undefined {
  if (block === undefined) return undefined;
  const text = texts[block.kind];
  if (text === undefined) return undefined;
  return {
    code: text.code,
    message: sentence(text.what(target), block.message),
    retryAt: block.nextProbeAt,
    since: block.since,
  };
}
