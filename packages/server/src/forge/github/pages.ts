/** GitHub's largest. */
export const PER_PAGE = 100;

/**
 * Of one reading of a list, whatever it promises: more than twice the pages of 10,000 runners, so that a list of that
 * size can be read a second time.
 */
const MOST_PAGES = 250;

/** Reads of one list under way at once. */
const MOST_TOGETHER = 16;

/** One entry that is not as documented, and so is left out; with what of it could be read. */
export interface OddEntry {
  /** `''` where that is what cannot be read. */
  readonly id: string;
  /** Of a run; `''` where it has none, or it cannot be read. */
  readonly event: string;
  /** Epoch milliseconds; `null` where it cannot be read. */
  readonly createdAt: number | null;
  /** Which field is wrong, and how; never its value. */
  readonly problem: string;
}

export interface Page<T> {
  /** How many entries the whole list has, by the forge's count; `null` where it does not tell. */
  readonly total: number | null;
  readonly entries: readonly T[];
  readonly odd: readonly OddEntry[];
}

/** Also those that cannot be read are shown. */
export function shownOn({ entries, odd }: Page<unknown>): number {
  return entries.length + odd.length;
}

/** A page that is neither full nor empty is the last one, where no count says otherwise. */
export function isShort(page: Page<unknown>, perPage: number): boolean {
  return shownOn(page) > 0 && shownOn(page) < perPage;
}

/** Of a list that the forge does not count: whether one page has shown it whole, at one moment. */
export function isOneShortPage(pages: readonly Page<unknown>[], perPage: number): boolean {
  const [first, ...others] = pages;
  return first !== undefined && others.length === 0 && isShort(first, perPage);
}

/** What one listing may still ask for: the fewer entries a page has, the less of a long list it reaches. */
export class PageBudget {
  readonly perPage: number;
  #left = MOST_PAGES;

  constructor(perPage: number) {
    this.perPage = perPage;
  }

  get left(): number {
    return this.#left;
  }

  tryTake(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}

/**
 * The pages that the first one promises, in order, read side by side. A count may be wrong by any factor, so the
 * list ends at an empty page, and a first page that is not full makes the next one go alone. One without a count is
 * read page by page, to one that is not full.
 *
 * @returns fewer pages than there are where the budget was used up
 */
export async function readList<P extends { readonly body: Page<unknown> }>(
  read: (page: number, signal: AbortSignal) => Promise<P>,
  signal: AbortSignal,
  budget: PageBudget,
): Promise<[P, ...P[]]> {
  budget.tryTake();
  const first = await read(1, signal);
  const { total } = first.body;
  const { perPage } = budget;
  const isLast = ({ body }: P): boolean =>
    shownOn(body) === 0 || (total === null && isShort(body, perPage));
  let last = isLast(first) ? 1 : pagesOf(total, perPage);
  let next = 2;
  const rest: P[] = [];
  const readOn = async (_reader: number, either: AbortSignal): Promise<void> => {
    while (next <= last && budget.tryTake()) {
      const number = next;
      next += 1;
      const page = await read(number, either);
      rest[number - 2] = page;
      if (isLast(page)) last = Math.min(last, number);
    }
  };
  const readers = total === null || shownOn(first.body) < perPage ? 1 : MOST_TOGETHER;
  await readTogether(pagesFrom(1, readers), signal, readOn);
  return [first, ...rest];
}

function pagesOf(total: number | null, perPage: number): number {
  return total === null ? Infinity : Math.ceil(total / perPage);
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
