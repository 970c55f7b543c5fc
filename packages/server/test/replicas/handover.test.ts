import { describe, expect, it, type TestContext } from 'vitest';
import { acme } from '../harness/fixtures.ts';
import { listAttempts, listLeases, pidOf } from '../processes/rows.ts';
import type { ServerProcess } from '../processes/server-process.ts';
import { Site } from '../processes/site.ts';
import { verify } from '../processes/verify/verify.ts';
import { holdersOf, postgres, sumOfCounters } from './pair.ts';

const NOTES = Array.from({ length: 24 }, (_, index) => `job ${index + 1}`);

/** Both at the same moment on an empty database. Whichever dispatches is called first. */
async function startTogether(
  context: TestContext,
): Promise<{ site: Site; dispatching: ServerProcess; other: ServerProcess }> {
  const site = await Site.open({ database: postgres, forge: acme(4) }, context);
  const [one, two] = await Promise.all([site.start(), site.start()]);
  const holders = await holdersOf(site, [one, two]);
  return holders['dispatch:github'] === one.name
    ? { site, dispatching: one, other: two }
    : { site, dispatching: two, other: one };
}

describe.concurrent('when one of two servers goes', () => {
  it('told to, it hands its loops over before it ends, and the other does the rest', async (context) => {
    const { site, dispatching, other } = await startTogether(context);
    site.ask(dispatching);
    const jobs = await site.enqueue(NOTES, { 'duration-ms': '200' });
    await site.runs(6);
    expect(await dispatching.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    const leases = await listLeases(site.database);
    const kept = leases.filter((row) => pidOf(row) === dispatching.pid && row.is_held === 1);
    expect(kept, 'leases that would have to run out').toEqual([]);
    site.ask(other);
    await verify(site, jobs);
    expect(site.dispatches()).toHaveLength(NOTES.length);
    expect(new Set(Object.values(await holdersOf(site, [other])))).toEqual(new Set([other.name]));
  });

  it('killed, it leaves them to the other once its leases have run out', async (context) => {
    const { site, dispatching, other } = await startTogether(context);
    site.ask(other);
    const jobs = await site.enqueue(NOTES, { 'duration-ms': '200' });
    await site.runs(6);
    await dispatching.kill('SIGKILL');
    const left = await listAttempts(site.database);
    expect(left.length).toBeLessThan(NOTES.length);
    await verify(site, jobs);
    expect(site.dispatches()).toHaveLength(NOTES.length);
    await sumOfCounters(site, [other], {
      'dispatchoor_jobs_created_total{group="linux"}': NOTES.length,
    });
    expect(new Set(Object.values(await holdersOf(site, [other])))).toEqual(new Set([other.name]));
  });
});
