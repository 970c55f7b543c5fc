import type { DispatchPlan } from '../../domain/dispatch-state.ts';

export interface DueFacts {
  /** When a job becomes claimable by time alone (backoff, probe). */
  readonly nextDueAt: number | null;
  readonly groups: readonly Pick<DispatchPlan['groups'][number], 'limit' | 'retryAt'>[];
  /** When the gate that refused to send opens again. */
  readonly limitedUntil: number | null;
  /** When the gate lets more through, after sending: the plan did not know yet that it would use all up. */
  readonly gateOpensAt: number | null;
}

/** Pure. When the next plan may find more to send though nobody reports anything; `null`: never. */
export function nextPlanAt(facts: DueFacts): number | null {
  const { nextDueAt, groups, limitedUntil, gateOpensAt } = facts;
  const isLimited = groups.some(({ limit }) => limit === 'rate-limited');
  const moments = [
    nextDueAt,
    limitedUntil,
    isLimited ? gateOpensAt : null,
    ...groups.map(({ retryAt }) => retryAt),
  ].filter((moment) => moment !== null);
  return moments.length === 0 ? null : Math.min(...moments);
}
