import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFurther, latestMoment, runnerUseOf, type TakenJob } from './webhook.ts';

const receiptAt = (at: number) => ({ at, uncertaintyMs: 500 });

describe('latestMoment', () => {
  it('is the end of the stamped second, or the receipt if that was sooner', () => {
    expect(latestMoment(5_000, receiptAt(9_000))).toBe(5_999);
    expect(latestMoment(5_000, receiptAt(5_300))).toBe(5_300);
  });

  it('believes a stamp that our estimate of the forge’s clock puts into the future', () => {
    expect(latestMoment(5_000, receiptAt(4_000))).toBe(5_000);
  });

  it('is never later than the forge’s clock may have shown when it was told', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.nat(), (stampMs, at, uncertaintyMs) => {
        const moment = latestMoment(stampMs, { at, uncertaintyMs });
        expect(moment).toBeLessThanOrEqual(at + uncertaintyMs + 1_000);
        expect(moment).toBeGreaterThanOrEqual(Math.min(stampMs, at));
      }),
    );
  });
});

interface Delivered {
  readonly id: string;
  readonly status: string;
  readonly startedAt: number | null;
  readonly completedAt: number | null;
  readonly at: number;
}

const stamp = fc.integer({ min: 0, max: 5 }).map((second) => second * 1_000);

/** What may be told of a few workflow jobs on one runner. */
const deliveries = fc.array(
  fc
    .record({
      id: fc.constantFrom('a', 'b', 'c'),
      status: fc.constantFrom('queued', 'waiting', 'in_progress', 'completed'),
      startedAt: stamp,
      lastsMs: stamp,
      lateMs: fc.integer({ min: 0, max: 2_000 }),
    })
    .map(({ id, status, startedAt, lastsMs, lateMs }): Delivered => {
      const completedAt = status === 'completed' ? startedAt + lastsMs : null;
      const moment = completedAt ?? startedAt;
      const at = latestMoment(moment, receiptAt(moment + lateMs));
      return { id, status, startedAt, completedAt, at };
    }),
  { maxLength: 12 },
);

function takeAll(all: readonly Delivered[]): Map<string, Delivered> {
  const known = new Map<string, Delivered>();
  for (const delivered of all) {
    const before = known.get(delivered.id);
    const progress = { status: before?.status ?? null, at: before?.at ?? null };
    if (isFurther(progress, delivered)) known.set(delivered.id, delivered);
  }
  return known;
}

function useOf(known: Map<string, Delivered>) {
  return runnerUseOf([...known.values()].map(({ at, ...job }) => ({ ...job, observedAt: at })));
}

describe('what webhooks tell', () => {
  it('ends in the same state in whatever order and however often it comes', () => {
    const orders = deliveries.chain((all) => {
      const shuffled = fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2 });
      return fc.tuple(fc.constant(all), shuffled);
    });
    fc.assert(
      fc.property(orders, ([all, shuffled]) => {
        const one = takeAll(all);
        const other = takeAll(shuffled);
        const statesOf = (known: Map<string, Delivered>) =>
          [...known].map(([id, { status, at }]) => `${id} ${status} ${at}`).sort();
        expect(statesOf(other)).toEqual(statesOf(one));
      }),
    );
  });

  it('is never taken back', () => {
    const seen = { status: 'queued', at: 9_000 };
    expect(isFurther({ status: 'in_progress', at: 1_000 }, seen)).toBe(false);
    expect(isFurther({ status: 'completed', at: 1_000 }, { ...seen, status: 'in_progress' })).toBe(
      false,
    );
  });
});

describe('runnerUseOf', () => {
  const job = (startedAt: number, completedAt: number | null): TakenJob => ({
    status: completedAt === null ? 'in_progress' : 'completed',
    ...{ startedAt, completedAt },
    observedAt: completedAt ?? startedAt,
  });

  it('says nothing where no workflow job has started', () => {
    expect(runnerUseOf([])).toBeUndefined();
    expect(runnerUseOf([{ ...job(1_000, null), status: 'queued' }])).toBeUndefined();
  });

  it('lets the one that started last decide: the ones before are over', () => {
    expect(runnerUseOf([job(1_000, null), job(2_000, 3_000)])?.isBusy).toBe(false);
    expect(runnerUseOf([job(1_000, 3_000), job(4_000, null)])?.isBusy).toBe(true);
  });

  it('takes a runner for busy while one of several that started within a second may go on', () => {
    expect(runnerUseOf([job(1_000, null), job(1_000, 1_000)])?.isBusy).toBe(true);
    expect(runnerUseOf([job(1_000, 1_000), job(1_000, 2_000)])?.isBusy).toBe(false);
  });

  it('takes no job for the last one because it says that it will start', () => {
    const delivered = { ...job(9_000, null), observedAt: 1_000 };
    expect(runnerUseOf([delivered, job(2_000, 3_000)])?.isBusy).toBe(false);
  });

  it('is never later than what it was learnt from', () => {
    fc.assert(
      fc.property(deliveries, (all) => {
        const latest = Math.max(...all.map(({ at }) => at));
        expect(useOf(takeAll(all))?.at ?? -Infinity).toBeLessThanOrEqual(latest);
      }),
    );
    expect(runnerUseOf([{ ...job(1_000, 9_000), observedAt: 2_000 }])?.at).toBe(2_000);
  });

  it('is the same for any order of the jobs', () => {
    fc.assert(
      fc.property(deliveries, (all) => {
        const known = takeAll(all);
        const reversed = new Map([...known].reverse());
        expect(useOf(reversed)).toEqual(useOf(known));
      }),
    );
  });
});
