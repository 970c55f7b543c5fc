import { expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { ListingOutages } from './listing-outages.ts';

const MINUTE = 60_000;

function start() {
  const clock = new FakeClock();
  const outages = new ListingOutages(clock, MINUTE);
  const listFor = async (minutes: number): Promise<void> => {
    for (let minute = 0; minute < minutes; minute += 1) {
      await clock.advance(MINUTE);
      outages.noteListed('acme/app');
    }
  };
  const failFor = async (ms: number): Promise<void> => {
    outages.noteFailed('acme/app', new Error('502'));
    await clock.advance(ms);
    outages.noteListed('acme/app');
  };
  const minutesOf = (id: string): number => outages.readableMs('acme/app', id) / MINUTE;
  return { outages, listFor, failFor, minutesOf };
}

it('a repository is readable for an attempt since that is looked for', async () => {
  const { listFor, minutesOf, outages } = start();
  await listFor(10);
  expect(minutesOf('a')).toBe(0);
  await listFor(5);
  expect(minutesOf('b')).toBe(0);
  await listFor(1);
  expect([minutesOf('a'), minutesOf('b')]).toEqual([6, 1]);
  expect(outages.readableMs('acme/lib', 'c')).toBe(0);
});

it('an outage counts as a minute, a single failure as the time that it took; what was before an outage counts on', async () => {
  const { listFor, failFor, minutesOf } = start();
  await listFor(1);
  expect(minutesOf('a')).toBe(0);
  await listFor(3);
  await failFor(MINUTE / 2);
  expect(minutesOf('a')).toBe(3.5);
  await failFor(90 * MINUTE);
  expect(minutesOf('a')).toBe(4.5);
  await listFor(2);
  expect(minutesOf('a')).toBe(6.5);
});

it('forgets attempts that are over', async () => {
  const { listFor, minutesOf, outages } = start();
  await listFor(1);
  expect(minutesOf('a')).toBe(0);
  await listFor(1);
  outages.keepOnly([]);
  expect(minutesOf('a')).toBe(0);
});
