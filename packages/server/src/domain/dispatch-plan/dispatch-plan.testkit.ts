import fc from 'fast-check';
import type {
  CredentialAllowance,
  DispatchState,
  GroupDemand,
  GroupPlan,
  Hold,
  PendingJob,
  RunnerClass,
} from '../dispatch-state.ts';
import { labelsFit, scopeCovers } from '../runner.ts';
import { planDispatch } from './dispatch-plan.ts';

export const NOW = 1_700_000_000_000;

export function pendingJob(id: string, over: Partial<PendingJob> = {}): PendingJob {
  return {
    id,
    priority: 0,
    rank: 0,
    createdAt: NOW - 60_000,
    owner: 'acme',
    repo: 'app',
    workflowId: 'ci.yml',
    ref: 'main',
    runners: 1,
    credentialId: 'token',
    isNamed: true,
    inputsHash: '',
    isYielding: false,
    ...over,
  };
}

export function groupDemand(id: string, over: Partial<GroupDemand> = {}): GroupDemand {
  const head = over.head ?? [];
  return {
    id,
    name: id,
    labels: ['linux'],
    scopes: null,
    isEnabled: true,
    isPaused: false,
    maxParallel: null,
    live: 0,
    head,
    pendingCount: head.length,
    ...over,
  };
}

export function runnerClass(
  labels: readonly string[],
  free: number,
  over: Partial<RunnerClass> = {},
): RunnerClass {
  return { scope: 'org:acme', labels, free, online: free, total: free, isFresh: true, ...over };
}

export function hold(jobId: string, over: Partial<Hold> = {}): Hold {
  return {
    attemptId: `attempt of ${jobId}`,
    jobId,
    groupId: 'g',
    labels: ['linux'],
    owner: 'acme',
    repo: 'app',
    count: 1,
    ...over,
  };
}

export function dispatchState(over: Partial<DispatchState> = {}): DispatchState {
  return {
    now: NOW,
    labelCase: 'ignored',
    groups: [],
    classes: [],
    holds: [],
    doubts: [],
    allowances: [],
    ...over,
  };
}

/** One runner's worth of demand: who needs it and what it fits. */
export interface Unit {
  readonly labels: readonly string[];
  readonly owner: string;
  readonly repo: string;
  readonly scopes: readonly string[] | null;
}

export function unitsOfHold({ labels, owner, repo, count }: Hold): Unit[] {
  return Array.from({ length: count }, () => ({ labels, owner, repo, scopes: null }));
}

export function unitsOfJob(group: GroupDemand, { owner, repo, runners }: PendingJob): Unit[] {
  const { labels, scopes } = group;
  return Array.from({ length: runners }, () => ({ labels, owner, repo, scopes }));
}

export function unitFits(
  unit: Unit,
  { scope, labels }: Pick<RunnerClass, 'scope' | 'labels'>,
): boolean {
  return (
    labelsFit(labels, unit.labels, 'ignored') &&
    scopeCovers(scope, unit.owner, unit.repo) &&
    (unit.scopes === null || unit.scopes.includes(scope))
  );
}

/** How many units can have a free runner of their own: each runner by itself, the plainest algorithm there is. */
export function mostMatched(units: readonly Unit[], classes: readonly RunnerClass[]): number {
  const runners = classes.flatMap((one) =>
    Array.from({ length: one.isFresh ? one.free : 0 }, () => one),
  );
  const holder = new Map<number, number>();
  const tryUnit = (u: number, seen: Set<number>): boolean =>
    runners.some((runner, r) => {
      const unit = units[u];
      if (unit === undefined || seen.has(r) || !unitFits(unit, runner)) return false;
      seen.add(r);
      const before = holder.get(r);
      if (before !== undefined && !tryUnit(before, seen)) return false;
      holder.set(r, u);
      return true;
    });
  return units.filter((_, u) => tryUnit(u, new Set())).length;
}

const labels = fc.uniqueArray(fc.constantFrom('linux', 'Linux', 'gpu', 'big'), { minLength: 1 });
const groupLabels = fc.uniqueArray(fc.constantFrom('linux', 'GPU', 'big'), { maxLength: 2 });
const scope = fc.constantFrom(
  'org:acme',
  'org:acme',
  'org:acme',
  'repo:acme/app',
  'org:Other',
  'repo:other/lib',
  'enterprise:all',
);
const place = fc.constantFrom(
  { owner: 'acme', repo: 'app' },
  { owner: 'acme', repo: 'app' },
  { owner: 'acme', repo: 'lib' },
  { owner: 'other', repo: 'lib' },
  { owner: 'nobody', repo: 'x' },
);
/** Mostly `null`: limits that always bind would hide what the matching does. */
const seldom = <T>(made: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ arbitrary: fc.constant(null), weight: 4 }, { arbitrary: made, weight: 1 });

const credentialId = fc.constantFrom('token', 'second');

const classes: fc.Arbitrary<RunnerClass[]> = fc.array(
  fc
    .record({
      scope,
      labels,
      free: fc.nat(2),
      busy: fc.nat(1),
      offline: fc.nat(1),
      stale: fc.nat(5),
    })
    .map(({ free, busy, offline, stale, ...rest }) => ({
      ...rest,
      free,
      online: free + busy,
      total: free + busy + offline,
      isFresh: stale !== 0,
    })),
  { minLength: 2, maxLength: 6 },
);

const job = fc
  .record({
    place,
    credentialId,
    priority: fc.constantFrom(0, 0, 5),
    rank: fc.nat(2),
    age: fc.nat(3),
    runners: fc.constantFrom(1, 1, 1, 1, 1, 2, 3),
  })
  .map(({ place: { owner, repo }, age, ...rest }) => ({
    owner,
    repo,
    createdAt: NOW - age,
    ...rest,
  }));

const groups: fc.Arbitrary<GroupDemand[]> = fc
  .array(
    fc.record({
      labels: groupLabels,
      scopes: seldom(fc.uniqueArray(scope, { maxLength: 3 })),
      isEnabled: fc.constantFrom(true, true, true, false),
      isPaused: fc.constantFrom(true, false, false, false),
      maxParallel: seldom(fc.nat(4)),
      live: fc.nat(2),
      jobs: fc.array(job, { minLength: 1, maxLength: 4 }),
      beyond: fc.nat(1),
    }),
    { maxLength: 4 },
  )
  .map((made) =>
    made.map(({ jobs, beyond, ...group }, g) => {
      const head = jobs
        .map((one, i) => pendingJob(`job ${g}.${i}`, one))
        .sort((a, b) => b.priority - a.priority || a.rank - b.rank || (a.id < b.id ? -1 : 1));
      return groupDemand(`group ${g}`, { ...group, head, pendingCount: head.length + beyond });
    }),
  );

const holds: fc.Arbitrary<Hold[]> = fc
  .array(fc.record({ labels: groupLabels, place, count: fc.nat(2) }), { maxLength: 3 })
  .map((made) =>
    made.map(({ place: { owner, repo }, ...rest }, i) =>
      hold(`held ${i}`, { owner, repo, ...rest }),
    ),
  );

const allowances: fc.Arbitrary<CredentialAllowance[]> = fc.tuple(
  ...['token', 'second'].map((id) =>
    seldom(fc.nat(4)).map((left) => ({
      credentialId: id,
      left,
      reason: left === null ? null : ('rate-limited' as const),
      message: left === null ? '' : 'its limit is used up',
      retryAt: left === null ? null : NOW + 60_000,
    })),
  ),
);

/** Small, crowded and unfair: labels and scopes overlap, some runners are stale, some jobs are wide. */
export const anyState: fc.Arbitrary<DispatchState> = fc
  .record({ classes, groups, holds, allowances })
  .map((made) => dispatchState(made));

/** The same state with every list in another order. */
export function shuffledState(state: DispatchState): fc.Arbitrary<DispatchState> {
  const shuffle = <T>(list: readonly T[]): fc.Arbitrary<T[]> =>
    fc.shuffledSubarray([...list], { minLength: list.length });
  const heads = fc.tuple(...state.groups.map((group) => shuffle(group.head)));
  return fc
    .record({
      heads,
      classes: shuffle(state.classes),
      holds: shuffle(state.holds),
      allowances: shuffle(state.allowances),
    })
    .chain(({ heads: shuffled, ...rest }) =>
      shuffle(state.groups.map((group, g) => ({ ...group, head: shuffled[g] ?? [] }))).map(
        (shuffledGroups) => dispatchState({ ...rest, groups: shuffledGroups }),
      ),
    );
}

export function sentIds(state: DispatchState): string[] {
  return planDispatch(state).sends.map(({ jobId }) => jobId);
}

export function groupPlan(state: DispatchState, groupId = 'g'): GroupPlan {
  const found = planDispatch(state).groups.find((group) => group.groupId === groupId);
  if (found === undefined) throw new Error(`no plan of ${groupId}`);
  return found;
}
