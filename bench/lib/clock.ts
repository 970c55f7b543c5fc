import { setTimeout as wait } from 'node:timers/promises';

/** Epoch milliseconds with fractions. Never steps while the bench runs, so differences are always durations. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Epoch milliseconds as the machine's other processes see them now; steps with the wall clock. */
export function wallNow(): number {
  return Date.now();
}

export async function sleep(ms: number): Promise<void> {
  await wait(Math.max(0, ms));
}

/** Asks until there is an answer; throws `what` when there is none in time. */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  { withinMs = 60_000, everyMs = 20 }: { withinMs?: number; everyMs?: number } = {},
): Promise<T> {
  const giveUpAt = now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (now() > giveUpAt) throw new Error(`${what}: not within ${withinMs / 1_000} s`);
    await sleep(everyMs);
  }
}
