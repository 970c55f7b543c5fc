import { expect, it } from 'vitest';
import { attempt } from '../../domain/attempt.testkit.ts';
import type { Attempt } from '../../domain/attempt.ts';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { WatchPace } from './watch-pace.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function fixture() {
  const clock = new FakeClock();
  const pace = new WatchPace(clock, MINUTE);
  const start = clock.now();
  const givenUp = (id: string, over: Partial<Attempt> = {}) =>
    attempt(id, { state: 'absent', claimedAt: start, endedAt: start, ...over });
  const take = (watched: Attempt[], isToBe = false) =>
    pace.take(watched, () => isToBe).map(({ id }) => id);
  return { clock, start, givenUp, take };
}

it('one attempt that was given up does not make every recheck of a day list all runs made since', async () => {
  const { clock, givenUp, take } = fixture();
  const watched = [givenUp('a')];
  const polls: number[] = [];
  for (let minute = 0; minute < 24 * 60; minute += 1) {
    if (take(watched).length > 0) polls.push(minute);
    await clock.advance(MINUTE);
  }
  expect(polls.slice(0, 11)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(polls.length).toBeLessThan(80);
});

it('looks at once at what is told of, however old', async () => {
  const { clock, givenUp, take } = fixture();
  const watched = [givenUp('a')];
  await clock.advance(10 * HOUR);
  expect(take(watched)).toEqual(['a']);
  await clock.advance(MINUTE);
  expect(take(watched)).toEqual([]);
  expect(take(watched, true)).toEqual(['a']);
});

it('looks along with one at all that its listing shows: those claimed later in its repository', async () => {
  const { clock, start, givenUp, take } = fixture();
  const old = givenUp('old');
  const young = givenUp('young', { claimedAt: start + HOUR });
  const other = givenUp('other', { claimedAt: start + HOUR, repo: 'lib' });
  await clock.advance(HOUR);
  expect(take([old, young, other])).toEqual(['old', 'young', 'other']);
  await clock.advance(MINUTE);
  expect(take([old, young, other])).toEqual(['young', 'other']);
  await clock.advance(30_000);
  expect(take([old, young, other])).toEqual([]);
  await clock.advance(6 * MINUTE);
  expect(take([old, young, other])).toEqual(['old', 'young', 'other']);
});

it('is not put off by a clock that was put back', async () => {
  const { clock, start, givenUp, take } = fixture();
  const watched = [givenUp('a', { claimedAt: start + 24 * HOUR })];
  expect(take(watched)).toEqual(['a']);
  await clock.advance(MINUTE);
  expect(take(watched)).toEqual(['a']);
});
