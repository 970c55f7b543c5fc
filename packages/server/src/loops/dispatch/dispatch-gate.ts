import type { CredentialAllowance } from '../../domain/dispatch-state.ts';
import type { CredentialStatus, Forge } from '../../forge/forge.ts';
import type { Clock } from '../../lib/clock.ts';
import type { CredentialBreaker } from './credential-breaker.ts';

type Stop = Pick<CredentialAllowance, 'reason' | 'message' | 'retryAt'>;

/** While the credential is stopped but for its probe. */
const PROBING: Stop = {
  reason: 'forge-unavailable',
  message: 'the forge failed to answer; one probe goes first',
  retryAt: null,
};

export interface DispatchGateDeps {
  readonly forge: Pick<Forge, 'credentialFor' | 'takeDispatch'>;
  readonly breaker: Pick<CredentialBreaker, 'allowed' | 'isProbeDue' | 'retryAt'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** `retryAt`: when to ask again, if it is known; epoch ms. */
export type Taken =
  | { readonly isTaken: true }
  | { readonly isTaken: false; readonly retryAt: number | null };

/**
 * May something be sent now, how much, and if not, why and until when: the credential, its rate limit, the dispatch rate and
 * the breaker of a failing forge are asked here and nowhere else.
 */
export class DispatchGate {
  readonly #deps: DispatchGateDeps;

  constructor(deps: DispatchGateDeps) {
    this.#deps = deps;
  }

  /** What a plan may send. Asks nobody but this process: `take` decides. */
  check(): CredentialAllowance {
    const status = this.#deps.forge.credentialFor('dispatch');
    const credentialId = status.id;
    const stop = this.#stopOf(status);
    if (stop !== undefined) return { credentialId, left: 0, ...stop };
    const { dispatchesLeft: left, retryAt } = status;
    if (left === null) return { credentialId, left, reason: null, message: '', retryAt };
    const message = 'the dispatch rate of the credential is used up';
    return { credentialId, left, reason: 'rate-limited', message, retryAt };
  }

  /** Where a probe is due: what all sends but the probe are told. */
  checkBesideProbe(): CredentialAllowance | undefined {
    if (!this.#deps.breaker.isProbeDue) return undefined;
    return { credentialId: this.#deps.forge.credentialFor('dispatch').id, left: 0, ...PROBING };
  }

  /** Takes one, directly before its claim. Rejects as `Forge.takeDispatch`. */
  async take(owner: string): Promise<Taken> {
    const { forge, breaker } = this.#deps;
    // The forge began to fail while the plan was being sent.
    if (breaker.allowed === 0) return { isTaken: false, retryAt: breaker.retryAt };
    const retryAt = await forge.takeDispatch(owner);
    return retryAt === null ? { isTaken: true } : { isTaken: false, retryAt };
  }

  /**
   * When more may be sent, for a plan that found some left and has used them up; `null`: nobody knows, or nothing is limited.
   * Where sending took longer than that, it is now.
   */
  nextAt(): number | null {
    const { dispatchesLeft, retryAt } = this.#deps.forge.credentialFor('dispatch');
    const isThere = dispatchesLeft !== null && dispatchesLeft > 0;
    return retryAt ?? (isThere ? this.#deps.clock.now() : null);
  }

  #stopOf(status: CredentialStatus): Stop | undefined {
    const { breaker, clock } = this.#deps;
    const { blockedUntil } = status.rate;
    const isLimited = blockedUntil !== null && blockedUntil > clock.now();
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
}
