import type { CredentialAllowance } from '../../domain/dispatch-state.ts';
import type { CredentialStatus } from '../../forge/forge.ts';
import type { CredentialBreaker } from './credential-breaker.ts';

type Stop = Pick<CredentialAllowance, 'reason' | 'message' | 'retryAt'>;

/** While the credential is stopped but for its probe. */
export const PROBING: Stop = {
  reason: 'forge-unavailable',
  message: 'the forge failed to answer; one probe goes first',
  retryAt: null,
};

/** Why nothing at all may be dispatched with this credential now. */
export function stopOf(
  status: CredentialStatus,
  breaker: CredentialBreaker,
  now: number,
): Stop | undefined {
  if (!status.isConfigured) {
    return { reason: 'forge-unavailable', message: 'github.token is empty', retryAt: null };
  }
  const { blockedUntil } = status.rate;
  const isLimited = blockedUntil !== null && blockedUntil > now;
  // Not asked yet whether it works, since nothing may be asked before then.
  const isUntried = !status.isConnected && status.error === '' && isLimited;
  if (!status.isConnected && !isUntried) {
    return { reason: 'forge-unavailable', message: status.error, retryAt: null };
  }
  if (isLimited) {
    const message = 'the forge’s rate limit is used up';
    return { reason: 'rate-limited', message, retryAt: blockedUntil };
  }
  if (breaker.allowed > 0) return undefined;
  return { ...PROBING, retryAt: breaker.retryAt };
}
