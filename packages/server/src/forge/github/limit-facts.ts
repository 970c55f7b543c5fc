/** What the budget looks at in an answer. */
export interface WireAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Our clock; epoch milliseconds. */
  readonly sentAt: number;
}

/** Moments are epoch milliseconds of our clock; `null` = the answer does not say. */
export interface LimitFacts {
  readonly limit: number | null;
  readonly remaining: number | null;
  readonly resetAt: number | null;
  readonly retryAt: number | null;
  /** Counted against the main limit, not against one of the small ones beside it (runner registration, search …). */
  readonly isCore: boolean;
  readonly limited: 'primary' | 'secondary' | undefined;
}

/**
 * GitHub's windows last an hour. A moment far beyond (a header in milliseconds, a proxy's nonsense) is kept in the
 * database and would stop us for good: after this we ask once more, and are told again.
 */
export const LONGEST_WAIT_MS = 2 * 3_600_000;

const SECONDARY_TEXT = /secondary rate limit|abuse detection/i;

/**
 * GitHub's rules ("Rate limits for the REST API"): a limit answers 403 or 429; `retry-after` first, else
 * `x-ratelimit-remaining: 0` and its reset, else it is a secondary limit. A 403 with none of these and no word
 * of a limit in its text is a matter of rights.
 */
export function readLimitFacts(answer: WireAnswer, now: number, offsetMs: number): LimitFacts {
  const { headers } = answer;
  const remaining = findNumber(headers['x-ratelimit-remaining']);
  const resetSeconds = findNumber(headers['x-ratelimit-reset']);
  return {
    limit: findNumber(headers['x-ratelimit-limit']),
    remaining,
    resetAt: resetSeconds === null ? null : notTooLate(resetSeconds * 1_000 - offsetMs, now),
    retryAt: findRetryAt(headers['retry-after'], now, offsetMs),
    isCore: (headers['x-ratelimit-resource'] ?? 'core') === 'core',
    limited: findLimit(answer, remaining),
  };
}

function findLimit(answer: WireAnswer, remaining: number | null): LimitFacts['limited'] {
  if (answer.status !== 403 && answer.status !== 429) return undefined;
  if (SECONDARY_TEXT.test(answer.body)) return 'secondary';
  if (remaining === 0) return 'primary';
  if (answer.status === 429 || answer.headers['retry-after'] !== undefined) return 'secondary';
  return undefined;
}

/** Seconds or an HTTP date (RFC 9110 §10.2.3). */
function findRetryAt(header: string | undefined, now: number, offsetMs: number): number | null {
  const seconds = findNumber(header);
  if (seconds !== null) return notTooLate(now + seconds * 1_000, now);
  const date = header === undefined ? Number.NaN : Date.parse(header);
  return Number.isNaN(date) ? null : notTooLate(date - offsetMs, now);
}

function notTooLate(moment: number, now: number): number {
  return Math.min(moment, now + LONGEST_WAIT_MS);
}

/** A header may have any number of digits; a column of the database has 63 bits. */
function findNumber(header: string | undefined): number | null {
  if (header === undefined || !/^\d+$/.test(header.trim())) return null;
  return Math.min(Number(header), Number.MAX_SAFE_INTEGER);
}
