import type { Clock } from '../lib/clock.ts';

/** Rejects when `work` takes longer than `ms`; `work` itself goes on, and its later outcome is dropped. */
export function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new Error(`no answer within ${ms} ms`)));
    work.then(resolve, reject).finally(cancel);
  });
}
