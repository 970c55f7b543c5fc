import type { GroupPlan } from '../dispatch-state.ts';
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
  const lackedBy = (has: readonly string[]) => group.labels.filter((label) => !has.includes(label));
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

function reposWithoutRunner(line: Line, pool: RunnerPool): string[] {
  const covers = [...line.fitting].filter(([, bits]) => pool.count(bits).total === 0);
  if (covers.length === 0) return [];
  const bare = new Set(covers.map(([cover]) => cover));
  const repos = new Set<string>();
  for (const { owner, repo } of line.jobs) {
    if (bare.has(pool.covering(owner, repo))) repos.add(`${owner}/${repo}`);
  }
  return [...repos].sort().slice(0, NAMED_AT_MOST);
}

export interface GroupOutcome {
  readonly line: Line;
  readonly sends: number;
  readonly stop: Stop | undefined;
}

export function reportGroup(
  { line, sends, stop }: GroupOutcome,
  now: number,
  pool: RunnerPool,
  jobsOnClass: readonly (readonly string[])[],
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
    reposWithoutRunner: reposWithoutRunner(line, pool),
    heldBy: haveCommonBit(line.reach, pool.free) ? heldBy(line.reach, jobsOnClass) : [],
    limit: stop?.limit ?? null,
    limitMessage: stop?.message ?? '',
    retryAt: stop?.retryAt ?? null,
    sends,
  };
}
