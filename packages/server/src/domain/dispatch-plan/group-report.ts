import type { GroupPlan, ScopeCounts } from '../dispatch-state.ts';
import { compareText } from '../text-order.ts';
import type { Assignment } from './assignment.ts';
import { type Bits, hasBit, haveCommonBit, listBits } from './bits.ts';
import type { Line } from './lines.ts';
import type { RunnerPool } from './runner-pool.ts';

const NAMED_AT_MOST = 10;

/** Why the first job that was not sent was not. */
export interface Stop {
  readonly limit: Exclude<GroupPlan['limit'], null>;
  readonly message: string;
  readonly retryAt: number | null;
}

/** Per class: the jobs whose units sit on it. A kind's units are alike, so its jobs are dealt out in order. */
export function jobsByClass(
  assignment: Assignment,
  classCount: number,
  jobsOfKind: ReadonlyMap<number, readonly string[]>,
): string[][] {
  const dealt = new Map<number, number>();
  return Array.from({ length: classCount }, (_, n) => {
    const jobs: string[] = [];
    for (const [kind, units] of assignment.takersOf(n)) {
      const from = dealt.get(kind) ?? 0;
      jobs.push(...(jobsOfKind.get(kind)?.slice(from, from + units) ?? []));
      dealt.set(kind, from + units);
    }
    return jobs;
  });
}

function heldBy(reach: Bits, jobsOnClass: readonly (readonly string[])[]): string[] {
  const named = new Set<string>();
  for (const n of listBits(reach)) {
    for (const jobId of jobsOnClass[n] ?? []) {
      named.add(jobId);
      if (named.size >= NAMED_AT_MOST) return [...named];
    }
  }
  return [...named];
}

/** Labels that no runner has; if each is somewhere, those the closest single runner lacks. */
function labelsMissing(line: Line, pool: RunnerPool): string[] {
  const { group, labelled } = line;
  if (pool.count(labelled).total > 0) return [];
  const scopes = pool.inScopesOf(group);
  const real = pool.classes.filter((one, n) => one.total > 0 && hasBit(scopes, n));
  const lackedBy = (has: readonly string[]) => pool.labelsBeyond(group.labels, has);
  const nowhere = lackedBy(real.flatMap((one) => one.labels));
  if (nowhere.length > 0) return [...new Set(nowhere)].sort();
  const closest = real
    .map((one) => lackedBy(one.labels))
    .reduce<string[] | undefined>(
      (a, b) => (a === undefined || b.length < a.length ? b : a),
      undefined,
    );
  return [...new Set(closest)].sort();
}

function countScopes(line: Line, pool: RunnerPool, assignment: Assignment): ScopeCounts[] {
  const counts = new Map<string, ScopeCounts>();
  for (const n of listBits(line.labelled)) {
    const one = pool.classes[n];
    if (one === undefined) continue;
    const { scope } = one;
    const known = counts.get(scope);
    counts.set(scope, {
      scope,
      free: (known?.free ?? 0) + one.free,
      left: (known?.left ?? 0) + assignment.leftOn(n),
      online: (known?.online ?? 0) + one.online,
      total: (known?.total ?? 0) + one.total,
      isFresh: one.isFresh || known?.isFresh === true,
    });
  }
  return [...counts.values()].sort((a, b) => compareText(a.scope, b.scope));
}

export interface GroupOutcome {
  readonly line: Line;
  readonly sends: number;
  readonly stop: Stop | undefined;
}

export interface PlannedPool {
  readonly pool: RunnerPool;
  readonly assignment: Assignment;
  readonly jobsOnClass: readonly (readonly string[])[];
}

export function reportGroup(
  { line, sends, stop }: GroupOutcome,
  now: number,
  { pool, assignment, jobsOnClass }: PlannedPool,
): GroupPlan {
  const { free, online, total, hasFresh } = pool.count(line.reach);
  return {
    groupId: line.group.id,
    plannedAt: now,
    free,
    fitting: total,
    online,
    isStale: total > 0 && !hasFresh,
    labelsMissing: labelsMissing(line, pool),
    scopes: countScopes(line, pool, assignment),
    heldBy: haveCommonBit(line.reach, pool.free) ? heldBy(line.reach, jobsOnClass) : [],
    limit: stop?.limit ?? null,
    limitMessage: stop?.message ?? '',
    retryAt: stop?.retryAt ?? null,
    sends,
  };
}
