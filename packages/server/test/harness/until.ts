import { setTimeout as wait } from 'node:timers/promises';

/** Far beyond what a busy machine needs (20 s were not): only a real hang gets here. */
const GIVE_UP_AFTER_MS = 120_000;
/** Some things change without an event: they are looked at this often. */
const CHECK_EVERY_MS = 25;

/** Calls back after something may have changed. Returns how to stop. */
export type Subscribe = (onChange: () => void) => () => void;

export interface UntilOptions {
  readonly what: string;
  readonly subscribe?: Subscribe;
  readonly timeoutMs?: number;
  /** What it waits for takes as long as the machine is slow: `timeoutMs` counts from the last change that was seen. */
  readonly isWork?: boolean;
  /** How the forge's limits stand: a limit that nobody thinks of is why many a wait is in vain. */
  readonly rateLimits?: () => unknown;
}

/** Reads again after each change until `holds`. Fails with what it saw last. */
export async function until<T>(
  read: () => Promise<T> | T,
  holds: (seen: T) => boolean,
  options: UntilOptions,
): Promise<T> {
  const { what, subscribe, timeoutMs = GIVE_UP_AFTER_MS, isWork = false, rateLimits } = options;
  const changes = new ChangeSignal();
  const unsubscribe = subscribe?.(() => {
    changes.raise();
  });
  let countedFrom = performance.now();
  let before = '';
  try {
    for (;;) {
      changes.clear();
      const seen = await read();
      if (holds(seen)) return seen;
      if (isWork && show(seen) !== before) {
        before = show(seen);
        countedFrom = performance.now();
      }
      if (performance.now() > countedFrom + timeoutMs) {
        const limits = rateLimits === undefined ? '' : `; rate limits: ${show(rateLimits())}`;
        throw new Error(`not in ${timeoutMs} ms: ${what}${limits}; last seen: ${show(seen)}`);
      }
      await changes.next();
    }
  } finally {
    unsubscribe?.();
  }
}

function show(value: unknown): string {
  return JSON.stringify(value);
}

/** Remembers a change that comes between a look and the wait for the next. */
class ChangeSignal {
  #isRaised = false;
  #cut: AbortController | undefined;

  raise(): void {
    this.#isRaised = true;
    this.#cut?.abort();
  }

  clear(): void {
    this.#isRaised = false;
  }

  async next(): Promise<void> {
    if (this.#isRaised) return;
    this.#cut = new AbortController();
    const { signal } = this.#cut;
    await wait(CHECK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    this.#cut = undefined;
  }
}
