import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../lib/clock.ts';
import { StoreError } from '../../port/store.ts';
import { WriteProof } from './write-proof.ts';

/** Stands still until moved; what sleeps is woken by the test. */
class StillClock implements Clock {
  at = 0;
  readonly wakers: (() => void)[] = [];
  now = () => this.at;
  monotonic = () => this.at;
  after = () => () => undefined;
  sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      this.wakers.push(resolve);
      signal?.addEventListener('abort', () => {
        resolve();
      });
    });
}

function fixture() {
  const clock = new StillClock();
  const tries: PromiseWithResolvers<unknown>[] = [];
  const writer = {
    fault: undefined as StoreError | undefined,
    takenAt: 0,
    write: async <T>(): Promise<T> => {
      const done = Promise.withResolvers<unknown>();
      tries.push(done);
      return (await done.promise) as T;
    },
  };
  return { clock, writer, tries, proof: new WriteProof(writer, clock) };
}

describe('the proof that writes work', () => {
  const fault = new StoreError('unavailable', 'the disk is full');

  it('is a write of the last 5 s: no other is made', async () => {
    const { clock, proof, tries } = fixture();
    clock.at = 5_000;
    await proof.require();
    expect(tries).toHaveLength(0);
  });

  it('is a write of its own where none was tried for longer: a database that answers is not healthy by that', async () => {
    const { clock, proof, tries } = fixture();
    clock.at = 5_001;
    const required = proof.require();
    tries[0]?.reject(fault);
    await expect(required).rejects.toBe(fault);
  });

  it('is one write, however many ask', async () => {
    const { clock, proof, tries } = fixture();
    clock.at = 5_001;
    const asked = [proof.require(), proof.require(), proof.require()];
    tries[0]?.resolve(null);
    await Promise.all(asked);
    expect(tries).toHaveLength(1);
  });

  it('after a fault is a new write, and the fault is told to who would have to wait for it', async () => {
    const { clock, writer, proof, tries } = fixture();
    writer.fault = fault;
    const first = proof.require();
    clock.wakers[0]?.();
    await expect(first).rejects.toBe(fault);
    const second = proof.require();
    tries[0]?.resolve(null);
    await second;
    expect(tries).toHaveLength(1);
  });
});
