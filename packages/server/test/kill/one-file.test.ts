import { describe, expect, it } from 'vitest';
import { sqlite } from '../harness/world.ts';
import { judge } from '../processes/judge/judge.ts';
import { lengthenLeases, listLeases, pidOf } from '../processes/rows.ts';
import { Site } from '../processes/site.ts';

describe.concurrent('two servers on one SQLite file', () => {
  it('cannot be: the second ends with code 1 and names the first, which goes on', async (context) => {
    const site = await Site.open({ database: sqlite }, context);
    const first = await site.start();
    const second = await site.spawn();
    expect(await second.exited).toEqual({ code: 1, signal: null });
    const errors = second.logLines.filter((line) => line.startsWith('Error: '));
    expect(errors).toEqual([expect.stringContaining(`in use by process ${first.pid} on `)]);
    await judge(site, await site.enqueue(['after']));
  });

  it('can follow each other at once, even after kill -9: a dead holder of a lease is not waited for', async (context) => {
    const site = await Site.open({ database: sqlite }, context);
    const first = await site.start();
    const jobs = await site.enqueue(['before'], { 'duration-ms': '2000' });
    await site.runs(1);
    await first.kill('SIGKILL');
    await lengthenLeases(site.database);
    const held = await listLeases(site.database);
    expect(held.map((lease) => [pidOf(lease), lease.is_held])).toEqual(
      held.map(() => [first.pid, 1]),
    );
    const second = await site.start();
    jobs.push(...(await site.enqueue(['after'])));
    await judge(site, jobs);
    const taken = await listLeases(site.database);
    expect(taken.map(pidOf)).toEqual(held.map(() => second.pid));
  });
});
