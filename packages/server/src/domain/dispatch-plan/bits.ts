/**
 * A set of small numbers, one bit each. The planner asks "which free classes fit" some hundred thousand
 * times per plan: on words of 32 classes that stays within its few milliseconds.
 */
export type Bits = Int32Array;

export function emptyBits(size: number): Bits {
  return new Int32Array(Math.ceil(size / 32));
}

export function addBit(bits: Bits, n: number): void {
  bits[n >> 5] = (bits[n >> 5] ?? 0) | (1 << (n & 31));
}

export function removeBit(bits: Bits, n: number): void {
  bits[n >> 5] = (bits[n >> 5] ?? 0) & ~(1 << (n & 31));
}

export function hasBit(bits: Bits, n: number): boolean {
  return ((bits[n >> 5] ?? 0) & (1 << (n & 31))) !== 0;
}

/** Adds every member of `more` to `bits`. */
export function addBits(bits: Bits, more: Bits): void {
  for (let i = 0; i < bits.length; i++) bits[i] = (bits[i] ?? 0) | (more[i] ?? 0);
}

export function commonBits(a: Bits, b: Bits): Bits {
  return a.map((word, i) => word & (b[i] ?? 0));
}

/** Every member of `a` that is not in `b`. */
export function bitsWithout(a: Bits, b: Bits): Bits {
  return a.map((word, i) => word & ~(b[i] ?? 0));
}

/** The smallest number in both sets, or −1. */
export function firstCommonBit(a: Bits, b: Bits): number {
  for (let i = 0; i < a.length; i++) {
    const word = (a[i] ?? 0) & (b[i] ?? 0);
    if (word !== 0) return i * 32 + 31 - Math.clz32(word & -word);
  }
  return -1;
}

export function haveCommonBit(a: Bits, b: Bits): boolean {
  return firstCommonBit(a, b) >= 0;
}

/** Every member of `a` is in `b`. */
export function isSubset(a: Bits, b: Bits): boolean {
  return a.every((word, i) => (word & ~(b[i] ?? 0)) === 0);
}

/** Ascending. */
export function listBits(bits: Bits): number[] {
  const members: number[] = [];
  for (let i = 0; i < bits.length; i++) {
    for (let word = bits[i] ?? 0; word !== 0; word &= word - 1) {
      members.push(i * 32 + 31 - Math.clz32(word & -word));
    }
  }
  return members;
}
