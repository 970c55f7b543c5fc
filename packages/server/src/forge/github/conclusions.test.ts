import { expect, it } from 'vitest';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { Conclusions } from './conclusions.ts';

it('what was found out about a forge is asked again after an hour, whatever the wall clock says', async () => {
  const clock = new FakeClock();
  const types = new Conclusions<string>(clock);
  expect(types.find('acme')).toBeUndefined();
  types.note('acme', 'user');
  clock.step(24 * 60 * 60_000);
  await clock.advance(60 * 60_000 - 1);
  expect(types.find('acme')).toBe('user');
  expect(types.find('other')).toBeUndefined();
  await clock.advance(1);
  expect(types.find('acme')).toBeUndefined();
  expect(types.findOld('acme')).toBe('user');
});
