import { ForgeError } from '../forge.ts';

/** GitHub's largest. */
export const PER_PAGE = 100;

/** 100,000 entries: ten times what the largest scope has. More promises than that at once take the process down. */
const MAX_PAGES = 1_000;

/** @throws ForgeError `bad-reply` for a count that no list has */
export function pageCount(total: number): number {
  const pages = Math.max(1, Math.ceil(total / PER_PAGE));
  if (pages <= MAX_PAGES) return pages;
  throw new ForgeError(`unexpected answer: total_count: ${String(total)} is no length of a list`, {
    code: 'bad-reply',
    acted: 'no',
  });
}

/** Numbers from `first` to `last`. */
export function pagesFrom(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

/**
 * Reads pages side by side, so that they show as nearly the same moment as can be. When one fails the others are
 * given up, and none is still under way when this rejects.
 */
export async function readTogether<T>(
  pages: readonly number[],
  signal: AbortSignal,
  read: (page: number, signal: AbortSignal) => Promise<T>,
): Promise<T[]> {
  const giveUp = new AbortController();
  const either = AbortSignal.any([signal, giveUp.signal]);
  const reads = pages.map((page) => read(page, either));
  try {
    return await Promise.all(reads);
  } catch (error) {
    giveUp.abort();
    await Promise.allSettled(reads);
    throw error;
  }
}

/** Without repeats: a list that grows between two pages shows one entry twice. The later reading stays. */
export function distinct<T>(entries: readonly T[], idOf: (entry: T) => string): T[] {
  return [...new Map(entries.map((entry) => [idOf(entry), entry])).values()];
}

export function haveSameIds(
  some: readonly { readonly id: string }[],
  others: readonly { readonly id: string }[],
): boolean {
  const ids = new Set(some.map((entry) => entry.id));
  return ids.size === others.length && others.every((entry) => ids.has(entry.id));
}
