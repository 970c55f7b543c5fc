/** RFC 3339 in UTC with milliseconds. @param at epoch milliseconds */
export const timeToWire = (at: number): string => new Date(at).toISOString();

export const timeOrNull = (at: number | null): string | null =>
  at === null ? null : timeToWire(at);
