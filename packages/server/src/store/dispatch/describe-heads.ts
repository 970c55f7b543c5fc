/** What the planner is given of the first jobs of each group. */
import type { Kysely } from 'kysely';
import type { PendingJob } from '../../domain/dispatch-state.ts';
import { type DispatchTarget, missingTargetFields, type StringMap } from '../../domain/job.ts';
import { yieldingOf } from '../../domain/probe-yield.ts';
import { compareText } from '../../domain/text-order.ts';
import { chunksOf } from '../chunks.ts';
import type { DispatchQuery, LoadedDispatchState } from '../port/dispatch.ts';
import { stringMapOf } from '../rows.ts';
import type { Schema, TargetBlockRow } from '../schema.ts';
import { listFailing } from './failing-repository.ts';
import {
  type HeadContext,
  originOfWaiting,
  targetOfWaiting,
  type WaitingTemplate,
} from './group-view.ts';
import type { HeadRow } from './heads.ts';
import { hashOf } from './inputs.ts';
import { blocks } from './targets.ts';

const IDS_PER_STATEMENT = 500;

export interface DescribedHeads extends Pick<LoadedDispatchState, 'undispatchable'> {
  readonly heads: ReadonlyMap<string, readonly PendingJob[]>;
}

interface HeadFacts {
  readonly now: number;
  readonly templates: readonly WaitingTemplate[];
  readonly activeBlocks: readonly TargetBlockRow[];
  readonly isUnnamed: HeadContext['isUnnamed'];
  readonly query: DispatchQuery;
}

interface Head {
  readonly row: HeadRow;
  readonly target: DispatchTarget;
  readonly runners: number;
  readonly correlationInput: string | null;
  readonly isNamed: boolean;
}

export async function describeHeads(
  db: Kysely<Schema>,
  rows: readonly HeadRow[],
  facts: HeadFacts,
): Promise<DescribedHeads> {
  const { templates, isUnnamed, query } = facts;
  const byId = new Map(templates.map((row) => [row.template_id, row]));
  const all = rows.map((row) => headOf(row, originOfWaiting(row, byId), isUnnamed));
  const missing = ({ target }: Head): string[] => missingTargetFields(target);
  const dispatchable = all.filter((head) => missing(head).length === 0);
  const inputs = await listInputs(db, dispatchable);
  const { credentialId } = query.credential;
  const yielding = listYielding(dispatchable, facts);
  const jobs = dispatchable.map((head) => {
    const isYielding = yielding.some((block) => blocks(block, head.target));
    return {
      groupId: head.row.group_id,
      job: { ...jobOf(head, inputs), credentialId, isYielding },
    };
  });
  const byGroup = Map.groupBy(jobs, ({ groupId }) => groupId);
  return {
    heads: new Map([...byGroup].map(([id, found]) => [id, found.map(({ job }) => job)])),
    undispatchable: all.flatMap((head) =>
      missing(head).length === 0 ? [] : [{ jobId: head.row.id, missing: missing(head) }],
    ),
  };
}

/**
 * In the order of their names, whatever the order in which they were read. Without those that nothing waits for: of a workflow that
 * was deleted nobody ever hears that it works again.
 */
function listYielding(
  heads: readonly Head[],
  { now, templates, activeBlocks, query }: HeadFacts,
): TargetBlockRow[] {
  const isWaitedFor = (block: TargetBlockRow): boolean =>
    templates.some((one) => isOf(block, one)) || heads.some(({ target }) => blocks(block, target));
  const failing = listFailing(activeBlocks)
    .filter(isWaitedFor)
    .map((block) => ({ ...block, nextProbeAt: block.next_probe_at ?? now }))
    .sort((a, b) => compareText(nameOf(a), nameOf(b)));
  return yieldingOf(failing, now, query.acceptedAt);
}

/** At whichever ref: its jobs may name another. */
function isOf(block: TargetBlockRow, { owner, repo, workflow_id }: WaitingTemplate): boolean {
  const isOfAll = block.workflow_id === '';
  return (
    block.owner === owner && block.repo === repo && (isOfAll || block.workflow_id === workflow_id)
  );
}

function nameOf({ owner, repo, workflow_id }: TargetBlockRow): string {
  return `${owner}/${repo}/${workflow_id}`;
}

function headOf(
  row: HeadRow,
  template: WaitingTemplate | undefined,
  isUnnamed: HeadContext['isUnnamed'],
): Head {
  const target = targetOfWaiting(row, template);
  const correlationInput = template?.correlation_input ?? null;
  const isNamed = correlationInput !== null && !isUnnamed(target, correlationInput);
  return { row, target, runners: template?.runners ?? 1, correlationInput, isNamed };
}

function jobOf(
  { row, target, runners, correlationInput, isNamed }: Head,
  inputs: ReadonlyMap<string, StringMap | null>,
): Omit<PendingJob, 'credentialId' | 'isYielding'> {
  const { id, priority, rank, created_at: createdAt } = row;
  const inputsHash = isNamed ? '' : hashOf(inputs.get(id) ?? null, correlationInput);
  return { id, priority, rank, createdAt, ...target, runners, isNamed, inputsHash };
}

/** Of those whose runs will be known by their time alone: only theirs are compared. */
async function listInputs(
  db: Kysely<Schema>,
  heads: readonly Head[],
): Promise<Map<string, StringMap | null>> {
  const ids = heads.filter(({ isNamed }) => !isNamed).map(({ row }) => row.id);
  const inputs = new Map<string, StringMap | null>();
  for (const chunk of chunksOf(ids, IDS_PER_STATEMENT)) {
    const rows = await db
      .selectFrom('jobs')
      .select(['id', 'inputs'])
      .where('id', 'in', chunk)
      .execute();
    for (const row of rows) inputs.set(row.id, stringMapOf(row.inputs));
  }
  return inputs;
}
