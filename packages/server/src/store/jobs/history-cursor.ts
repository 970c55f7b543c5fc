/** Where a page of history goes on: after jobs that completed at this moment with this id. */
export interface HistoryCursor {
  /** Jobs completed before this, epoch milliseconds. */
  readonly before: number;
  /** With an id: also those completed at exactly `before` whose id is smaller. */
  readonly id: string | null;
}

const CURSOR =
  /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)(?:~([\w-]{1,64}))?$/;

/**
 * Starts with the time, like the predecessor's, so that whoever takes it for one is not surprised; the id behind `~`
 * is the tiebreak it lacked.
 */
export function historyCursorOf(job: { completedAt: number | null; id: string }): string {
  return `${new Date(job.completedAt ?? 0).toISOString()}~${job.id}`;
}

/** Ours, or the predecessor's RFC 3339 time. `undefined` for anything else, which is read as no cursor: as it was. */
export function parseHistoryCursor(text: string): HistoryCursor | undefined {
  const match = CURSOR.exec(text);
  if (match === null) return undefined;
  const [, seconds = '', fraction = '', zone = '', id] = match;
  const wholeSecond = Date.parse(`${seconds}${zone}`.toUpperCase());
  if (Number.isNaN(wholeSecond)) return undefined;
  const ms = Number(fraction.padEnd(3, '0').slice(0, 3));
  // Our times are whole milliseconds: what lies before .0005 includes .000.
  const isBetween = Number(fraction.slice(3)) > 0;
  return { before: wholeSecond + ms + (isBetween ? 1 : 0), id: id ?? null };
}
