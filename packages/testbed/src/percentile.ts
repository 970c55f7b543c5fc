/** Nearest rank over all samples: a value that was measured. Percentiles of parts are never averaged. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil(share * sorted.length)));
  const value = sorted[rank - 1];
  if (value === undefined) throw new RangeError('no samples to take a percentile of');
  return value;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}

export function p99(samples: readonly number[]): number {
  return percentile(samples, 0.99);
}
