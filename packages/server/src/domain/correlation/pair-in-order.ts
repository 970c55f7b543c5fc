export interface Pairing<A, B> {
  readonly mayPair: (a: A, b: B) => boolean;
  /** Goes before others when not all can have a partner. */
  readonly isSure: (a: A) => boolean;
  /** Goes before others that are as sure. */
  readonly isWanted: (a: A) => boolean;
  readonly distance: (a: A, b: B) => number;
}

interface Best<A, B> {
  readonly pairs: number;
  readonly sure: number;
  readonly wanted: number;
  readonly distance: number;
  /** Last pair, and what went before it. */
  readonly last: { readonly a: A; readonly b: B; readonly before: Best<A, B> } | null;
}

/**
 * Pairs two sorted lists without crossing: as many pairs as possible, then as many sure ones, then as many
 * wanted ones, then the smallest sum of distances. With fewer partners than seekers it is the closeness that tells whose they are.
 */
export function pairInOrder<A, B>(
  as: readonly A[],
  bs: readonly B[],
  how: Pairing<A, B>,
): [A, B][] {
  /** Best of the `as` so far, by how many `bs` may be used. */
  let row: Best<A, B>[] = Array.from({ length: bs.length + 1 }, () => none<A, B>());
  for (const a of as) {
    const next: Best<A, B>[] = [row[0] ?? none()];
    for (const [i, b] of bs.entries()) {
      const skipped = better(row[i + 1] ?? none<A, B>(), next[i] ?? none<A, B>());
      const before = row[i] ?? none<A, B>();
      next.push(how.mayPair(a, b) ? better(paired(before, a, b, how), skipped) : skipped);
    }
    row = next;
  }
  return listPairs(row.at(-1) ?? none<A, B>());
}

function none<A, B>(): Best<A, B> {
  return { pairs: 0, sure: 0, wanted: 0, distance: 0, last: null };
}

function paired<A, B>(before: Best<A, B>, a: A, b: B, how: Pairing<A, B>): Best<A, B> {
  return {
    pairs: before.pairs + 1,
    sure: before.sure + (how.isSure(a) ? 1 : 0),
    wanted: before.wanted + (how.isWanted(a) ? 1 : 0),
    distance: before.distance + how.distance(a, b),
    last: { a, b, before },
  };
}

/** The first one stays on a tie. */
function better<A, B>(one: Best<A, B>, other: Best<A, B>): Best<A, B> {
  const gain =
    other.pairs - one.pairs ||
    other.sure - one.sure ||
    other.wanted - one.wanted ||
    one.distance - other.distance;
  return gain > 0 ? other : one;
}

function listPairs<A, B>(best: Best<A, B>): [A, B][] {
  const pairs: [A, B][] = [];
  for (let at = best.last; at !== null; at = at.before.last) pairs.push([at.a, at.b]);
  return pairs.reverse();
}
