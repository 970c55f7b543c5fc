/** The most of these moments that lie within any `spanMs`. A hot loop shows here first. */
export function busiest(moments: readonly number[], spanMs: number): number {
  const sorted = moments.toSorted((a, b) => a - b);
  let from = 0;
  let most = 0;
  for (const [index, at] of sorted.entries()) {
    while (at - (sorted[from] ?? at) >= spanMs) from += 1;
    most = Math.max(most, index - from + 1);
  }
  return most;
}
