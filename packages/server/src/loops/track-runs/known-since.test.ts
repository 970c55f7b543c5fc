import { expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { KnownSince } from './known-since.ts';

it('tells how long each was known when it is asked, whatever is done to clocks', async () => {
  const clock = new FakeClock();
  const known = new KnownSince(clock);
  known.note(['a']);
  await clock.advance(1_000);
  known.note(['a', 'b']);
  await clock.advance(2_000);
  const forMs = known.asOfNow();
  await clock.advance(9_000);
  expect(['a', 'b', 'c'].map(forMs)).toEqual([3_000, 2_000, 0]);
});

it('forgets those that are not noted any more', async () => {
  const clock = new FakeClock();
  const known = new KnownSince(clock);
  known.note(['a']);
  await clock.advance(1_000);
  known.note([]);
  known.note(['a']);
  await clock.advance(500);
  expect(known.asOfNow()('a')).toBe(500);
});
