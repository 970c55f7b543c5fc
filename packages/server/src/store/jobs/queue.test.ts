import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import { fixtureOn, newJob } from '../dispatch/dispatch.testkit.ts';

for (const kind of databases) {
  describe(`the queue on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { start, jobs, add, lease, claimNew, job } = fixture;
    const queue = (page = {}) => jobs().listQueue('g', page);

    it('lists active jobs by their start, then pending ones by priority and place', async () => {
      await start();
      const fence = await lease();
      const [low, first, high] = [
        await add({ priority: -1 }),
        await add(),
        await add({ priority: 7 }),
      ];
      const one = await claimNew(fence);
      at.clock.advance(1_000);
      const two = await claimNew(fence);
      const paused = await add();
      await jobs().setPaused(paused.id, true, 'ben');
      const { jobs: listed, nextCursor } = await queue();
      const active = [one.attempt.jobId, two.attempt.jobId];
      expect(listed.map(({ id }) => id)).toEqual([
        ...active,
        ...[high.id, first.id, paused.id, low.id],
      ]);
      expect(listed.map(({ position }) => position)).toEqual([3, 4, 0, 1, 2, 3]);
      expect(nextCursor).toBeNull();
      expect(await jobs().listQueue('none', {})).toEqual({ jobs: [], nextCursor: null });
    });

    it('tells the same place of a job alone as in the list', async () => {
      await start();
      const priorities = fc.sample(fc.integer({ min: -2, max: 2 }), { numRuns: 12, seed: 1 });
      for (const priority of priorities) await add({ priority });
      const { jobs: listed } = await queue();
      for (const { id, position } of listed) expect(await job(id)).toMatchObject({ position });
    });

    it('pages show every job once, each at its place, whatever the page size', async () => {
      await start();
      const fence = await lease();
      for (const priority of [0, 3, -2, 3, 0]) await add({ priority });
      for (let n = 0; n < 3; n += 1) await claimNew(fence, { priority: 9 });
      const whole = (await queue()).jobs;
      for (let limit = 1; limit <= whole.length + 1; limit += 1) {
        const seen = [];
        for (let cursor: string | null | undefined; cursor !== null; ) {
          const page = await queue(cursor === undefined ? { limit } : { limit, cursor });
          seen.push(...page.jobs);
          cursor = page.nextCursor;
        }
        expect(seen).toEqual(whole);
      }
    });

    it.each(['', 'nonsense', 'WyJwZW5kaW5nIiwxXQ', 'bnVsbA', '\0'])(
      'reads from the start for the cursor %j, which it did not make',
      async (cursor) => {
        await start();
        const { id } = await add();
        expect(await queue({ limit: 5, cursor })).toMatchObject({ jobs: [{ id }] });
      },
    );

    it('goes on where the job of its cursor has left', async () => {
      await start();
      const [first, second] = [await add(), await add()];
      const { nextCursor } = await queue({ limit: 1 });
      await jobs().deleteJob(first.id, 'ben');
      const page = await queue({ limit: 1, cursor: nextCursor! });
      expect(page).toMatchObject({ jobs: [{ id: second.id, position: 0 }], nextCursor: null });
    });

    it('counts places from whichever end is nearer, in a queue too long to count', async () => {
      await start();
      const { id } = await add();
      const many = 6_000;
      await at.database.write(async (tx) => {
        const row = await tx.db.selectFrom('jobs').selectAll().executeTakeFirstOrThrow();
        for (let from = 1; from < many; from += 500) {
          const rows = Array.from({ length: Math.min(500, many - from) }, (_, n) => ({
            ...row,
            ...{ id: `j${from + n}`, number: from + n, rank: (from + n + 1) * 2 ** 20 },
          }));
          await tx.db.insertInto('jobs').values(rows).execute();
          tx.count({ groupId: 'g', templateId: 't', state: 'pending' }, rows.length);
        }
        await tx.db.updateTable('groups').set({ next_number: many }).execute();
      });
      for (const n of [1, 499, 500, 501, 3_000, 5_499, 5_500, 5_999]) {
        expect(await job(`j${n}`)).toMatchObject({ position: n });
      }
      expect(await job(id)).toMatchObject({ position: 0 });
      expect((await jobs().enqueue(newJob, undefined)).job.position).toBe(many);
      expect(await add({ priority: 1 })).toMatchObject({ position: 0 });
    });
  });
}
