/** `950 ms`, `12.3 s`. */
export function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** `4:07` since a start. */
export function elapsed(ms: number): string {
  const whole = Math.max(0, Math.floor(ms / 1_000));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** Time of day in UTC, as it stands in the log files. */
export function clockTime(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(11, 23);
}

/** Exactly `width` characters: cut, or filled up. */
export function cell(text: string, width: number): string {
  return cut(text, width).padEnd(width);
}

export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}
