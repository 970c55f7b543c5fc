/**
 * A login that was not decided, or not right and one too many.
 * - `busy`: as many logins wait as may.
 * - `too-many-failures`: of this user from this address; the password was wrong, or was not looked at.
 * - `gone`: nobody waits for the answer any more.
 */
export class LoginRefusal extends Error {
  override readonly name = 'LoginRefusal';
  readonly reason: 'busy' | 'too-many-failures' | 'gone';
  /** When it is worth another try, milliseconds from now. */
  readonly retryAfterMs: number;

  constructor(reason: LoginRefusal['reason'], retryAfterMs = 0) {
    super(reason);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}
