import type { Logger } from '../../lib/logger.ts';
import type { OddEntry } from './pages.ts';

/** Entries remembered as logged; the oldest are forgotten. */
const MOST_REMEMBERED = 1_000;
/** Named in one line of the log. */
const MOST_NAMED = 10;

/** Logs entries that were left out of a list, and of lists without a count: of each once, though a list is read again every minute. */
export class OddEntries {
  readonly #logger: Logger;
  readonly #logged = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @param doing `list the runners of org:acme` */
  log(doing: string, odd: readonly OddEntry[]): void {
    const news = odd.filter((entry) => this.#isNews(doing, entry));
    if (news.length === 0) return;
    const entries = news.slice(0, MOST_NAMED).map(({ id, problem }) => ({ id, problem }));
    this.#logger.warn(
      { detail: doing, entries, count: news.length },
      'entries that are not as documented were left out',
    );
  }

  /** Of lists of this kind once: it is the forge that does not count them. */
  logUncounted(endpoint: string, doing: string): void {
    const problem = 'total_count: not a number';
    if (!this.#isNews(endpoint, { id: '', problem })) return;
    this.#logger.warn({ detail: doing, problem }, 'a list without a count is read to its end');
  }

  #isNews(about: string, { id, problem }: Pick<OddEntry, 'id' | 'problem'>): boolean {
    const key = JSON.stringify([about, id, problem]);
    if (this.#logged.has(key)) return false;
    const [oldest] = this.#logged;
    if (this.#logged.size >= MOST_REMEMBERED && oldest !== undefined) this.#logged.delete(oldest);
    this.#logged.add(key);
    return true;
  }
}
