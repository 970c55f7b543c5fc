import type { DispatchPlan } from '../../domain/dispatch-state.ts';
import type { CredentialStatus } from '../../forge/forge.ts';

export interface DueFacts {
  /** When a job becomes claimable by time alone (backoff, probe). */
  readonly nextDueAt: number | null;
  readonly groups: readonly Pick<DispatchPlan['groups'][number], 'limit' | 'retryAt'>[];
  /** When an allowance that was asked for while sending is there. */
  readonly limitedUntil: number | null;
  /** As it is after sending. */
  readonly credential: Pick<CredentialStatus, 'dispatchesLeft' | 'retryAt'>;
  readonly now: number;
}

/** Pure. When the next plan may find more to send though nobody tells of anything; `null`: never. */
export function nextPlanAt(facts: DueFacts): number | null {
  const { nextDueAt, groups, limitedUntil } = facts;
  const isLimited = groups.some(({ limit }) => limit === 'rate-limited');
  const moments = [
    nextDueAt,
    limitedUntil,
    isLimited ? allowanceAt(facts) : null,
    ...groups.map(({ retryAt }) => retryAt),
  ].filter((moment) => moment !== null);
  return moments.length === 0 ? null : Math.min(...moments);
}

/**
 * The plan did not know yet when the next one would be there: it had some left, and they have just been used. Where
 * sending took longer than that, it is there by now.
 */
function allowanceAt({ credential, now }: DueFacts): number | null {
  const { dispatchesLeft, retryAt } = credential;
  return retryAt ?? (dispatchesLeft !== null && dispatchesLeft > 0 ? now : null);
}
