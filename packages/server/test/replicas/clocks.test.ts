import { expect, it } from 'vitest';
import { findFakeClock } from '../chaos/fake-clock.ts';
import { acme } from '../harness/fixtures.ts';
import { Site } from '../processes/site.ts';
import { verify } from '../processes/verify/verify.ts';
import { holdersOf, postgres } from './pair.ts';

const MINUTES_AHEAD = 5;

it('two servers on one database whose clocks differ by minutes run all jobs (none was ever sent)', async (context) => {
  const clock = await findFakeClock(context);
  if (clock === undefined) return context.skip('libfaketime is not installed');
  await clock.set(MINUTES_AHEAD * 60);
  const site = await Site.open({ database: postgres, forge: acme(4) }, context);
  const right = await site.start({ isDispatcher: false });
  await holdersOf(site, [right], ['poll-runners:github']);
  const ahead = await site.start({ env: clock.env });
  await holdersOf(site, [right, ahead]);
  const jobs = await site.enqueue(['one', 'two', 'three', 'four', 'five', 'six'], {});
  await verify(site, jobs);
  expect(ahead.logLines.join('')).toContain('this clock differs from the database’s');
});
