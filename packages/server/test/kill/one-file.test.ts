import { link, rename, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { sqlite } from '../harness/world.ts';
import { lengthenLeases, listLeases, pidOf } from '../processes/rows.ts';
import { Site } from '../processes/site.ts';
import { verify } from '../processes/verify/verify.ts';

function pathOf({ database }: Site): string {
  if (database.driver !== 'sqlite') throw new Error('this is about a file');
  return database.path;
}

describe.concurrent('two servers on one SQLite file', () => {
  it('cannot be: the second ends with code 1 and names the first, which goes on', async (context) => {
    const site = await Site.open({ database: sqlite }, context);
    const first = await site.start();
    const second = await site.spawn();
    expect(await second.exited).toEqual({ code: 1, signal: null });
    const errors = second.logLines.filter((line) => line.startsWith('Error: '));
    expect(errors).toEqual([expect.stringContaining(`in use by process ${first.pid} on `)]);
    await verify(site, await site.enqueue(['after']));
  });

  it('cannot be under two names either: a hard link is refused, and the first goes on', async (context) => {
    const site = await Site.open({ database: sqlite }, context);
    await site.start();
    const path = pathOf(site);
    await link(path, `${path}.other`);
    const database = { driver: 'sqlite', path: `${path}.other` } as const;
    const second = await site.spawn({ database });
    expect(await second.exited).toEqual({ code: 1, signal: null });
    const errors = second.logLines.filter((line) => line.startsWith('Error: '));
    expect(errors).toEqual([expect.stringContaining('has 2 names (hard links)')]);
    await verify(site, await site.enqueue(['after']));
  });

  it('that is replaced under its server is told by it, which takes no job until it is started again on the file', async (context) => {
    const site = await Site.open({ database: sqlite }, context);
    const first = await site.start();
    const jobs = await site.enqueue(['before']);
    const path = pathOf(site);
    await rename(path, `${path}.away`);
    await writeFile(path, 'a restored backup');
    const body = { template_id: 'build' };
    const add = () => site.api.ask('/api/v1/groups/linux/queue', { method: 'POST', body });
    const refusal = { status: 503, text: expect.stringContaining('database-unavailable') };
    expect(await add()).toMatchObject(refusal);
    const { status, database } = await site.api.status();
    expect([status, database.status]).toEqual(['degraded', 'unhealthy']);
    expect(database.error).toContain('was moved, deleted or replaced while it was in use');
    await rename(`${path}.away`, path);
    expect(await add()).toMatchObject(refusal);
    await first.kill('SIGTERM');
    await site.start();
    jobs.push(...(await site.enqueue(['after'])));
    await verify(site, jobs);
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
    await verify(site, jobs);
    const taken = await listLeases(site.database);
    expect(taken.map(pidOf)).toEqual(held.map(() => second.pid));
  });
});
