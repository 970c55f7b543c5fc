import type { Attempt } from '../attempt.ts';

/** When something was asked of the forge. */
export interface AskedAt {
  /** By our clock. */
  readonly sentAt: number;
  /** By the forge's clock. */
  readonly forgeSentAt: number;
  /** How long this process had known of the attempt by then, which no step of a clock changes; 0: not before. */
  readonly knownForMs: number;
}

/**
 * How long the attempt's send deadline had surely passed when something was asked of the forge; negative: how long it surely lasts. Clocks
 * are put forward and back, the forge's and ours: of both the one that says less counts, and more only where this process has waited as
 * long itself. Concluded too early a job is sent twice; and waiting for a clock that was put back, for ever.
 */
export function passedSinceDeadlineMs(
  {
    claimedAt,
    forgeClaimedAt,
    forgeSendDeadline,
  }: Pick<Attempt, 'claimedAt' | 'forgeClaimedAt' | 'forgeSendDeadline'>,
  { sentAt, forgeSentAt, knownForMs }: AskedAt,
): number {
  const sendDeadlineMs = forgeSendDeadline - forgeClaimedAt;
  const passedMs = Math.min(forgeSentAt - forgeClaimedAt, sentAt - claimedAt);
  return Math.max(passedMs, knownForMs) - sendDeadlineMs;
}
