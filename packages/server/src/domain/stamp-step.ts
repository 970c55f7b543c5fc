/** Forges stamp whole seconds, rounded down: 12:00:05 happened up to 12:00:05.999, and what was made after a moment may seem to be from before it. */
export const STAMP_STEP_MS = 1_000;
