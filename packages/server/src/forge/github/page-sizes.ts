import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { Conclusions } from './conclusions.ts';
import { type PageTrouble, pageTroubleOf } from './failure.ts';
import { PER_PAGE } from './pages.ts';

/** Entries of a page, in the order in which they are tried. */
const SIZES: readonly number[] = [PER_PAGE, 30, 10, 3, 1];

/** The size that was tried last when the usual one failed. */
interface Trial {
  readonly size: number;
  readonly hasWorked: boolean;
}

/** One attempt to read a list, which failed. */
interface Failure {
  readonly size: number;
  readonly trouble: PageTrouble;
}

/**
 * Which size of page the forge can answer, for each list. It is asked for anew after an hour, as what a list shows changes.
 * A page that is too long is so for certain; a 5xx or a timeout may be one of the moment, or an outage: so in one call a
 * single smaller size is tried, the next one in the next call, and it is believed when it was right in two calls in a row.
 */
export class PageSizes {
  readonly #logger: Logger;
  readonly #found: Conclusions<number>;
  readonly #trials = new Map<string, Trial>();

  constructor(clock: Clock, logger: Logger) {
    this.#logger = logger;
    this.#found = new Conclusions(clock);
  }

  /**
   * Reads the whole list, and all of it anew in smaller pages where one fails by its size: page numbers of two sizes do not
   * fit together.
   *
   * @param list `runs of acme/app`
   * @throws what the last try did
   */
  async read<T>(list: string, readIn: (perPage: number) => Promise<T>): Promise<T> {
    const failures: Failure[] = [];
    let size = this.#found.find(list) ?? PER_PAGE;
    for (;;) {
      try {
        const result = await readIn(size);
        this.#noteWorks(list, size, failures);
        return result;
      } catch (error) {
        const trouble = pageTroubleOf(error);
        if (trouble === undefined) throw error;
        const next = this.#sizeAfter(list, { size, trouble }, failures);
        if (next === undefined) {
          if (failures.length > 0) this.#trials.set(list, { size, hasWorked: false });
          throw error;
        }
        failures.push({ size, trouble });
        size = next;
      }
    }
  }

  /** `undefined`: there is none, or not in this call. */
  #sizeAfter(
    list: string,
    { size, trouble }: Failure,
    before: readonly Failure[],
  ): number | undefined {
    const below = sizeBelow(size);
    if (trouble === 'too-long') return below;
    if (before.some((failure) => failure.trouble === trouble)) return undefined;
    const trial = this.#trials.get(list);
    if (trial === undefined) {
      // It was right an hour ago: then it most likely is now.
      const found = this.#found.findOld(list);
      return found !== undefined && found < size ? found : below;
    }
    const wanted = trial.hasWorked ? trial.size : sizeBelow(trial.size);
    return wanted !== undefined && wanted < size ? wanted : below;
  }

  #noteWorks(list: string, size: number, failures: readonly Failure[]): void {
    const found = this.#found.findOld(list);
    const trial = this.#trials.get(list);
    this.#trials.delete(list);
    if (failures.length === 0) {
      if (found !== undefined && found < size) this.#found.note(list, size);
      return;
    }
    const isCertain = failures.some(({ trouble }) => trouble === 'too-long');
    const hasWorked = trial?.size === size && trial.hasWorked;
    if (!isCertain && !hasWorked && found !== size) {
      this.#trials.set(list, { size, hasWorked: true });
      return;
    }
    this.#found.note(list, size);
    const level = found === size ? 'debug' : 'warn';
    this.#logger[level]({ list, size, failures }, 'a list is read in smaller pages');
  }
}

function sizeBelow(size: number): number | undefined {
  return SIZES.find((smaller) => smaller < size);
}
