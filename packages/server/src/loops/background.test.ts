import { expect, it } from 'vitest';
import { FakeClock } from '../lib/clock.testkit.ts';
import { Background } from './background.ts';

function start() {
  const errors: unknown[] = [];
  const clock = new FakeClock();
  const background = new Background((error) => errors.push(error));
  return { clock, background, errors };
}

it('goes on beside others of other keys, and is not begun twice', async () => {
  const { background } = start();
  const held = Promise.withResolvers<undefined>();
  const done: string[] = [];
  const slow = async () => {
    await held.promise;
    done.push('slow');
  };
  expect(background.tryStart('a', slow)).toBe(true);
  expect(background.tryStart('a', slow)).toBe(false);
  background.tryStart('b', () => Promise.resolve(void done.push('quick')));
  await background.waitFor(['b'], new FakeClock());
  expect(done).toEqual(['quick']);
  expect([background.isUnderWay('a'), background.isUnderWay('b')]).toEqual([true, false]);
  held.resolve(undefined);
  await background.drain();
  expect(done).toEqual(['quick', 'slow']);
  expect(background.size).toBe(0);
});

it('is under way until it ends, also where it ends or fails at once, and then may be begun anew', async () => {
  const { background, errors } = start();
  const freed: boolean[] = [];
  const fails = (): Promise<void> => {
    throw new Error('at once');
  };
  const onEnd = (): void => void freed.push(background.tryStart('a', () => Promise.resolve()));
  background.tryStart('a', fails, onEnd);
  expect(background.isUnderWay('a')).toBe(true);
  await background.drain();
  expect(freed).toEqual([true]);
  expect(errors).toMatchObject([{ message: 'at once' }]);
  expect(background.isUnderWay('a')).toBe(false);
});

it('is waited for half a second, and leaves no timer where it is quicker', async () => {
  const { background, clock } = start();
  const held = Promise.withResolvers<undefined>();
  background.tryStart('slow', () => held.promise);
  background.tryStart('quick', () => Promise.resolve());
  await background.waitFor(['quick', 'unknown'], clock);
  expect(clock.pendingTimers).toBe(0);
  let isOver = false;
  const waited = background.waitFor(['slow'], clock).then(() => void (isOver = true));
  await clock.advance(499);
  expect(isOver).toBe(false);
  await clock.advance(1);
  expect(isOver).toBe(true);
  await waited;
  held.resolve(undefined);
  await background.drain();
});
