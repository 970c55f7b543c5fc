/** A stretch of time, `from` ≤ t < `to`; epoch milliseconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Sorted, without overlaps; spans that touch become one. */
export function union(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.filter(isSome).toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last === undefined || span.from > last.to) merged.push(span);
    else merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, span.to) };
  }
  return merged;
}

/** What lies in both. */
export function intersect(left: readonly Span[], right: readonly Span[]): Span[] {
  const others = union(right);
  const common = union(left).flatMap((span) =>
    others.map((other) => ({
      from: Math.max(span.from, other.from),
      to: Math.min(span.to, other.to),
    })),
  );
  return common.filter(isSome);
}

/** What lies in `spans` and not in `taken`. */
export function subtract(spans: readonly Span[], taken: readonly Span[]): Span[] {
  const cuts = union(taken);
  const gaps = cuts.map((cut, i) => ({ from: cut.to, to: cuts[i + 1]?.from ?? Infinity }));
  return intersect(spans, [{ from: -Infinity, to: cuts[0]?.from ?? Infinity }, ...gaps]);
}

export function totalMs(spans: readonly Span[]): number {
  return union(spans).reduce((sum, { from, to }) => sum + to - from, 0);
}

function isSome({ from, to }: Span): boolean {
  return to > from;
}
