import { describe, expect, it } from 'vitest';
import { makeCredentialStore } from './credentials.ts';
import { databases, useDatabase } from './databases.testkit.ts';
import type { CredentialRow, CredentialStore } from './port/credentials.ts';

const HOUR_MS = 3_600_000;

const healthy: CredentialRow = {
  id: 'pat',
  actor: 'bot',
  limit: 5_000,
  remaining: 4_000,
  resetAt: 1_000,
  blockedUntil: null,
  rateFactor: 1,
  secondaryHits: 0,
  isConnected: true,
  error: '',
};

for (const kind of databases) {
  describe(`credentials on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const one = () => makeCredentialStore(at.database);
    const other = () => makeCredentialStore(at.replica);
    const save = (store: CredentialStore, row: CredentialRow, hasConnected = false) =>
      store.save('github', row, hasConnected);
    const eventKinds = async () =>
      (await at.database.read.selectFrom('events').select('kind').orderBy('seq').execute()).map(
        (row) => row.kind,
      );

    it('keeps what was saved last', async () => {
      expect(await one().find('pat')).toBeUndefined();
      await save(one(), healthy);
      const next = { ...healthy, remaining: 12, rateFactor: 0.5, secondaryHits: 2, actor: 'bot2' };
      await save(other(), next);
      expect(await one().find('pat')).toEqual(next);
    });

    it('keeps the later of two moments until which nothing may be sent', async () => {
      await save(one(), { ...healthy, blockedUntil: 500 });
      await save(other(), { ...healthy, blockedUntil: 900 });
      await save(one(), { ...healthy, blockedUntil: 700 });
      await save(one(), healthy);
      expect((await one().find('pat'))?.blockedUntil).toBe(900);
    });

    it('tells of a change only when it is connected or not, or why', async () => {
      await save(one(), healthy);
      await save(one(), { ...healthy, remaining: 1 });
      expect(await eventKinds()).toEqual(['credential.changed']);
      await save(one(), { ...healthy, isConnected: false, error: '401' });
      await save(one(), { ...healthy, isConnected: false, error: '401' });
      await save(one(), healthy);
      expect(await eventKinds()).toHaveLength(3);
    });

    it('tells whoever waits for it that a process has connected, though the row said so before', async () => {
      await save(one(), healthy);
      await save(other(), healthy, true);
      expect(await eventKinds()).toEqual(['credential.changed', 'credential.changed']);
    });

    it('gives a burst of dispatches, then says when the next one will be there', async () => {
      const rate = { burst: 3, perSecond: 1 / HOUR_MS };
      for (let i = 0; i < 3; i += 1) expect(await one().takeDispatch('pat', rate)).toBeNull();
      const retryAt = await one().takeDispatch('pat', rate);
      const waitMs = retryAt! - at.clock.now();
      expect(waitMs).toBeGreaterThan(0.9 * 1_000 * HOUR_MS);
      expect(waitMs).toBeLessThanOrEqual(1_000 * HOUR_MS);
    });

    it('refills by the clock of the database, never beyond the burst', async () => {
      const rate = { burst: 2, perSecond: 1 };
      const isTaken = async () => (await one().takeDispatch('pat', rate)) === null;
      await one().takeDispatch('pat', rate);
      await at.database.write(async ({ db }) => {
        await db.updateTable('dispatch_buckets').set({ tokens: 0, filled_at: 1 }).execute();
      });
      expect([await isTaken(), await isTaken()]).toEqual([true, true]);
      await at.database.write(async ({ db }) => {
        await db
          .updateTable('dispatch_buckets')
          .set((is) => ({ tokens: 0.25, filled_at: is('filled_at', '+', 10 * HOUR_MS) }))
          .execute();
      });
      expect(await one().takeDispatch('pat', rate)).toBe(at.clock.now() + 750);
    });

    it('refills from now on where the database’s clock was a day ahead and is put right', async () => {
      const rate = { burst: 1, perSecond: 1 };
      await one().takeDispatch('pat', rate);
      await at.database.write(async ({ db }) => {
        await db
          .updateTable('dispatch_buckets')
          .set((is) => ({ filled_at: is('filled_at', '+', 24 * HOUR_MS) }))
          .execute();
      });
      expect(await one().takeDispatch('pat', rate)).not.toBeNull();
      const isBack = at.database.read
        .selectFrom('dispatch_buckets')
        .select('filled_at')
        .where((is) => is('filled_at', '<=', at.database.dbNow));
      expect(await isBack.execute()).toHaveLength(1);
    });

    it('never gives more than the burst to replicas that race for it', async () => {
      const rate = { burst: 5, perSecond: 1 / HOUR_MS };
      const tries = Array.from({ length: 16 }, (_, i) =>
        (i % 2 === 0 ? one() : other()).takeDispatch('pat', rate),
      );
      const taken = (await Promise.all(tries)).filter((answer) => answer === null);
      expect(taken).toHaveLength(5);
    });

    it('keeps one bucket for each credential', async () => {
      const rate = { burst: 1, perSecond: 1 / HOUR_MS };
      expect(await one().takeDispatch('a', rate)).toBeNull();
      expect(await one().takeDispatch('b', rate)).toBeNull();
      expect(await one().takeDispatch('a', rate)).not.toBeNull();
    });
  });
}
