import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { NewEvent } from '../../domain/event.ts';
import { databases, useDatabase } from '../databases.testkit.ts';

function event(subjectId: string): NewEvent {
  return {
    kind: 'group.synced',
    subjectType: 'group',
    subjectId,
    groupId: subjectId,
    forgeId: null,
    actor: 'dispatchoor',
    isAudit: false,
    data: {},
  };
}

const aCount = (templateId: string | null) =>
  ({ groupId: 'g', templateId, state: 'pending' }) as const;

for (const kind of databases) {
  describe(`a database on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const readCounts = () =>
      at.database.read.selectFrom('job_counts').select(['template_id', 'n']).orderBy('n').execute();

    it('writes all of a transaction: rows, counts and events', async () => {
      const answer = await at.database.write(async (tx) => {
        await tx.db
          .insertInto('forges')
          .values({ id: 'f', kind: 'github', created_at: tx.now })
          .execute();
        tx.emit(event('a'));
        tx.emit(event('b'));
        tx.count(aCount('t'), 2);
        tx.count(aCount(null), 1);
        tx.count(aCount('t'), 1);
        tx.count(aCount('idle'), 0);
        return 'done';
      });
      expect(answer).toBe('done');
      const forges = await at.database.read.selectFrom('forges').selectAll().execute();
      expect(forges).toMatchObject([{ id: 'f', kind: 'github', created_at: at.clock.now() }]);
      expect(await readCounts()).toEqual([
        { template_id: '', n: 1 },
        { template_id: 't', n: 3 },
      ]);
      const events = await at.database.read
        .selectFrom('events')
        .selectAll()
        .orderBy('seq')
        .execute();
      expect(events.map((row) => [row.subject_id, row.origin, row.at])).toEqual([
        ['a', 'one', at.clock.now()],
        ['b', 'one', at.clock.now()],
      ]);
    });

    it('writes nothing of a transaction that fails', async () => {
      const failed = at.database.write(async (tx) => {
        await tx.db
          .insertInto('forges')
          .values({ id: 'f', kind: 'github', created_at: 1 })
          .execute();
        tx.emit(event('a'));
        tx.count(aCount('t'), 1);
        throw new Error('changed my mind');
      });
      await expect(failed).rejects.toThrow('changed my mind');
      expect(await at.database.read.selectFrom('forges').selectAll().execute()).toEqual([]);
      expect(await readCounts()).toEqual([]);
      expect(await at.database.read.selectFrom('events').selectAll().execute()).toEqual([]);
    });

    it('moves the same counts for many at once, none waiting for another crosswise', async () => {
      const states = ['pending', 'triggered', 'running', 'completed'] as const;
      let attempts = 0;
      const move = (i: number) =>
        (i % 2 === 0 ? at.database : at.replica).write(async (tx) => {
          attempts += 1;
          const order = i % 4 < 2 ? states : states.toReversed();
          for (const state of order) tx.count({ groupId: 'g', templateId: null, state }, 1);
        });
      await Promise.all(Array.from({ length: 40 }, (_, i) => move(i)));
      expect(attempts).toBe(40);
      expect((await readCounts()).map((row) => row.n)).toEqual([40, 40, 40, 40]);
    });

    it('reads numbers, sums and truth alike', async () => {
      const { rows } = await sql`
        select cast(9007199254740991 as bigint) as big, sum(n) as total, 1 = 1 as is_true, 1 = 2 as is_false
        from (select cast(2 as bigint) as n union all select 3) as numbers
      `.execute(at.database.read);
      expect(rows).toEqual([{ big: 9007199254740991, total: 5, is_true: 1, is_false: 0 }]);
    });

    it('refuses a write inside a write instead of hanging', async () => {
      const nested = at.database.write(() => at.database.write(async () => 'inner'));
      await expect(nested).rejects.toThrow('a write inside a write');
    });

    it('keeps a snapshot as it was while others write', async () => {
      const insert = (id: string) =>
        at.database.write(async ({ db }) => {
          await db.insertInto('forges').values({ id, kind: 'github', created_at: 1 }).execute();
        });
      await insert('before');
      const counts = await at.database.snapshot(async (db) => {
        const first = await db.selectFrom('forges').select('id').execute();
        await insert('during');
        const second = await db.selectFrom('forges').select('id').execute();
        return [first.length, second.length];
      });
      expect(counts).toEqual([1, 1]);
      expect(await at.database.read.selectFrom('forges').select('id').execute()).toHaveLength(2);
    });

    it('tells the time of the database in milliseconds', async () => {
      const { rows } = await sql<{ now: number }>`select ${at.database.dbNow} as now`.execute(
        at.database.read,
      );
      expect(Math.abs(rows[0]!.now - Date.now())).toBeLessThan(60_000);
      expect(Number.isInteger(rows[0]!.now)).toBe(true);
    });

    it('wakes who listens after a commit with events, and not after one without', async () => {
      const woken: number[] = [];
      const started = Promise.withResolvers<null>();
      const stop = at.database.onCommit(() => {
        woken.push(1);
        started.resolve(null);
      });
      // PostgreSQL wakes once more when its listener has connected.
      if (kind.name === 'postgres') await started.promise;
      const before = woken.length;
      await at.database.write(async () => undefined);
      expect(woken).toHaveLength(before);
      await at.database.write(async (tx) => tx.emit(event('a')));
      expect(woken).toHaveLength(before + 1);
      stop();
      await at.database.write(async (tx) => tx.emit(event('b')));
      expect(woken).toHaveLength(before + 1);
    });

    it('answers a ping with how long it took', async () => {
      expect(await at.database.ping()).toBeGreaterThanOrEqual(0);
    });
  });
}
