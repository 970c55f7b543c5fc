import { expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { SendsInFlight } from './sends-in-flight.ts';

it('one that hangs is waited for once, half a second; not before each send that follows', async () => {
  const clock = new FakeClock();
  const sends = new SendsInFlight(clock);
  let answer = (): void => undefined;
  sends.add(
    new Promise((resolve) => {
      answer = resolve;
    }),
  );
  let isOver = false;
  const waited = sends.untilAnswered().then(() => {
    isOver = true;
  });
  await clock.advance(499);
  expect(isOver).toBe(false);
  await clock.advance(1);
  await waited;
  sends.add(Promise.resolve());
  await sends.untilAnswered();
  let isDrained = false;
  const drained = sends.drain().then(() => {
    isDrained = true;
  });
  await clock.advance(60_000);
  expect(isDrained).toBe(false);
  answer();
  await drained;
});

it('those that are answered are waited for no longer', async () => {
  const sends = new SendsInFlight(new FakeClock());
  sends.add(Promise.resolve());
  await sends.untilAnswered();
  await sends.drain();
});
