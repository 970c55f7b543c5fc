const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 0.000_001,
  us: 0.001,
  '\u00b5s': 0.001, // micro sign
  '\u03bcs': 0.001, // Greek letter mu
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

const WHOLE = /^([-+])?((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$/;
const PART = /(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g;

// Go counts nanoseconds in 64 bits.
const MAX_MS = 2 ** 63 / 1e6;

const NS_PER_SECOND = 1_000_000_000n;

/**
 * Milliseconds of a duration written as Go's `time.ParseDuration` reads it: `60s`, `1h30m`, `1.5h`,
 * `-100ms`; `0` is the only number that needs no unit. Undefined: not a duration.
 */
export function parseGoDuration(text: string): number | undefined {
  if (/^[-+]?0$/.test(text)) return 0;
  const [, sign, parts] = WHOLE.exec(text) ?? [];
  if (parts === undefined) return undefined;
  let ms = 0;
  for (const [, amount, unit] of parts.matchAll(PART)) {
    ms += Number(amount) * (MS_PER_UNIT[unit ?? ''] ?? Number.NaN);
  }
  if (!(ms < MAX_MS)) return undefined;
  // 1.1h is not 3960000.0000000005 ms: what lies under a nanosecond is the arithmetic's.
  const rounded = Math.round(ms * 1e6) / 1e6;
  return sign === '-' && rounded !== 0 ? -rounded : rounded;
}

/** A duration as Go prints it: `0s`, `1.5ms`, `45s`, `5m0s`, `1h3m20.5s`. */
export function formatGoDuration(ms: number): string {
  const ns = BigInt(Math.round(ms * 1e6));
  if (ns === 0n) return '0s';
  return ns < 0n ? `-${formatPositive(-ns)}` : formatPositive(ns);
}

function formatPositive(ns: bigint): string {
  if (ns < 1_000n) return `${String(ns)}ns`;
  if (ns < 1_000_000n) return `${decimal(ns, 1_000n)}\u00b5s`;
  if (ns < NS_PER_SECOND) return `${decimal(ns, 1_000_000n)}ms`;
  const minutes = ns / (60n * NS_PER_SECOND);
  const seconds = `${decimal(ns % (60n * NS_PER_SECOND), NS_PER_SECOND)}s`;
  if (minutes === 0n) return seconds;
  if (minutes < 60n) return `${String(minutes)}m${seconds}`;
  return `${String(minutes / 60n)}h${String(minutes % 60n)}m${seconds}`;
}

/** `amount / unit` in decimals, without zeros at the end; `unit` is a power of ten. */
function decimal(amount: bigint, unit: bigint): string {
  const digits = String(unit).length - 1;
  const fraction = String(amount % unit)
    .padStart(digits, '0')
    .replace(/0+$/, '');
  return fraction === '' ? String(amount / unit) : `${String(amount / unit)}.${fraction}`;
}
