/** After a claim: the latest moment its first byte may leave. Past it the claim is given back. */
export const SEND_DEADLINE_MS = 5_000;

/** How long one request to a forge may take before its outcome counts as unknown. */
export const REQUEST_TIMEOUT_MS = 30_000;

/**
 * What lies between the last possible byte of a dispatch and a decision about it: clocks that differ
 * a little, a commit that waits, a listing that lags. A timeout that ends sooner could call a run
 * absent while its dispatch is still on the way, and start the job twice.
 */
const TIMING_MARGIN_MS = 1_000;

/** The shortest `run_lookup_timeout` and `pickup_timeout` that cannot overtake a dispatch. */
export function shortestOutcomeTimeoutMs(sendDeadlineMs: number, requestTimeoutMs: number): number {
  return sendDeadlineMs + requestTimeoutMs + TIMING_MARGIN_MS;
}

/** A scope not seen by a listing for this many poll intervals vouches for no free runner. */
export const FRESH_INTERVALS = 3;

/**
 * What was observed is not stored as of a time so much later than a request that left: all that a reply takes (two
 * minutes for the longest listing), and clocks that differ. Such a time is a forge's mistake, or its clock was put back.
 */
export const OBSERVED_AHEAD_MS = 180_000;

/** A first look that found nothing counts only when a second one, this much later, finds nothing either. */
export const RECHECK_AFTER_MS = 60_000;
