import { expect, it } from 'vitest';
import { attempt } from '../../domain/attempt.testkit.ts';
import { DoubtPace } from './doubt-pace.ts';

function openPace() {
  const time = { now: 0 };
  const pace = new DoubtPace({ monotonic: () => time.now }, 10_000);
  const takeAt = (now: number, ...live: Parameters<DoubtPace['take']>[0]) => {
    time.now = now;
    return pace.take(live).map(({ id }) => id);
  };
  return { pace, takeAt };
}

it('looks for a run in doubt after a second, then after twice as long each time, up to the interval', () => {
  const { pace, takeAt } = openPace();
  const lost = attempt('lost');
  const polls: number[] = [];
  takeAt(0, lost);
  for (let now = 0; now < 60_000; now += pace.waitMs() ?? Infinity) {
    if (takeAt(now, lost).length > 0) polls.push(now);
  }
  expect(polls).toEqual([1_000, 3_000, 7_000, 15_000, 25_000, 35_000, 45_000, 55_000]);
});

it('leaves those alone that are known by their name, have a run, or are being sent', () => {
  const { pace, takeAt } = openPace();
  const others = [
    attempt('named', { isNamed: true }),
    attempt('known', { state: 'accepted', runId: '1' }),
    attempt('claimed', { state: 'claimed' }),
  ];
  takeAt(0, ...others);
  expect(takeAt(60_000, ...others)).toEqual([]);
  expect(pace.waitMs()).toBeNull();
});

it('also looks for the run of an answer that named none', () => {
  const { takeAt } = openPace();
  const accepted = attempt('accepted', { state: 'accepted' });
  takeAt(0, accepted);
  expect(takeAt(1_000, accepted)).toEqual(['accepted']);
});
