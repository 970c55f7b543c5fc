import { expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { ListingOutages } from './listing-outages.ts';

const MINUTE = 60_000;

function start() {
  const clock = new FakeClock();
  return { clock, outages: new ListingOutages(clock, MINUTE) };
}

it('a repository is readable since its first listing', async () => {
  const { clock, outages } = start();
  expect(outages.readableForMs('acme/app')).toBe(0);
  outages.noteListed('acme/app');
  await clock.advance(5 * MINUTE);
  outages.noteListed('acme/app');
  expect(outages.readableForMs('acme/app')).toBe(5 * MINUTE);
  expect(outages.readableForMs('acme/lib')).toBe(0);
});

it('after an outage it is readable since the first listing that came, after a single failure as long as before', async () => {
  const { clock, outages } = start();
  outages.noteListed('acme/app');
  outages.noteFailed('acme/app', new Error('502'));
  await clock.advance(MINUTE - 1);
  outages.noteListed('acme/app');
  expect(outages.readableForMs('acme/app')).toBe(MINUTE - 1);
  outages.noteFailed('acme/app', new Error('502'));
  await clock.advance(MINUTE / 2);
  outages.noteFailed('acme/app', new Error('502'));
  await clock.advance(MINUTE / 2);
  outages.noteListed('acme/app');
  expect(outages.readableForMs('acme/app')).toBe(0);
  await clock.advance(MINUTE);
  outages.noteListed('acme/app');
  expect(outages.readableForMs('acme/app')).toBe(MINUTE);
});
