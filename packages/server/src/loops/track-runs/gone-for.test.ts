import { expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { GoneFor } from './gone-for.ts';

it('how long a run is gone is counted from when this process first saw it so, and anew once it was there', async () => {
  const clock = new FakeClock();
  const gone = new GoneFor(clock);
  expect(gone.note({ id: 'a', goneSince: null })).toBe(0);
  await clock.advance(7_000);
  expect(gone.note({ id: 'a', goneSince: 1 })).toBe(7_000);
  // Stored by a process before this one.
  expect(gone.note({ id: 'b', goneSince: 1 })).toBe(0);
  await clock.advance(5_000);
  expect(gone.note({ id: 'a', goneSince: null })).toBe(0);
  expect(gone.note({ id: 'b', goneSince: 1 })).toBe(5_000);
  gone.keepOnly(['a']);
  expect(gone.note({ id: 'b', goneSince: 1 })).toBe(0);
});
