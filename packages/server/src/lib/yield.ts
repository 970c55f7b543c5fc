import type { Clock } from './clock.ts';

/** As long as one piece of something long may keep the thread, and more than a yield costs. */
const LONGEST_PIECE_MS = 3;

/** Between two pieces of something long: lets others run if the thread was kept long enough to be worth it. */
export type Yield = () => Promise<void>;

export function makeYield(clock: Pick<Clock, 'monotonic'>): Yield {
  let since = clock.monotonic();
  return async () => {
    if (clock.monotonic() - since < LONGEST_PIECE_MS) return;
    await yieldToOthers();
    since = clock.monotonic();
  };
}

const waiting: (() => void)[] = [];

/**
 * Between two pieces of something long, requests and timers get their turn. Of all such pieces in the process, one goes
 * on in each turn of the event loop: a request would wait for all that did.
 */
export function yieldToOthers(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(goOn);
  });
}

function goOn(): void {
  if (waiting.length > 1) setImmediate(goOn);
  waiting.shift()?.();
}
