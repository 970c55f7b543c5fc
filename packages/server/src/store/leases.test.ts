import { describe, expect, it } from 'vitest';
import type { Database } from './database.ts';
import { databases, useDatabase } from './databases.testkit.ts';
import { holdsLease, makeLeaseStore, releaseAllLeases } from './leases.ts';
import type { Fence } from './port/leases.ts';

const TTL_MS = 60_000;

for (const kind of databases) {
  describe(`leases on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const one = () => makeLeaseStore(at.database);
    const other = () => makeLeaseStore(at.replica);
    const isHeld = (database: Database, fence: Fence) =>
      database.write((tx) => holdsLease(tx, database, fence));
    /** As time does, without waiting for it. */
    const runOut = () =>
      at.database.write(async ({ db }) => {
        await db.updateTable('leases').set({ expires_at: 1 }).execute();
      });

    it('gives a lease to one holder only', async () => {
      const fence = await one().tryAcquire('dispatch', 'a', TTL_MS);
      expect(fence).toEqual({ name: 'dispatch', holder: 'a', epoch: 1 });
      expect(await other().tryAcquire('dispatch', 'b', TTL_MS)).toBeUndefined();
      expect(await other().tryAcquire('retention', 'b', TTL_MS)).toBeDefined();
    });

    it('renews without a new epoch', async () => {
      const first = await one().tryAcquire('dispatch', 'a', TTL_MS);
      const [before] = await one().list();
      expect(await one().tryAcquire('dispatch', 'a', 2 * TTL_MS)).toEqual(first);
      const [after] = await one().list();
      expect(after!.expiresAt).toBeGreaterThan(before!.expiresAt);
    });

    it('lets only one of many win, in a race', async () => {
      const tries = ['a', 'b', 'c', 'd', 'e', 'f'].map((holder, index) =>
        (index % 2 === 0 ? one() : other()).tryAcquire('dispatch', holder, TTL_MS),
      );
      const won = (await Promise.all(tries)).filter((fence) => fence !== undefined);
      expect(won).toHaveLength(1);
    });

    it('fences off a holder whose lease ran out and went to another', async () => {
      const stale = (await one().tryAcquire('dispatch', 'a', TTL_MS))!;
      expect(await isHeld(at.database, stale)).toBe(true);
      await runOut();
      expect(await isHeld(at.database, stale)).toBe(false);
      const next = (await other().tryAcquire('dispatch', 'b', TTL_MS))!;
      expect(next.epoch).toBe(stale.epoch + 1);
      expect(await isHeld(at.database, stale)).toBe(false);
      expect(await isHeld(at.replica, next)).toBe(true);
    });

    it('does not believe a lease that lasts longer than any of ours: the database’s clock was put back', async () => {
      const stale = (await one().tryAcquire('dispatch', 'a', TTL_MS))!;
      const lastsLonger = (ms: number) =>
        at.database.write(async ({ db }) => {
          await db
            .updateTable('leases')
            .set((eb) => ({ expires_at: eb('expires_at', '+', ms) }))
            .execute();
        });
      await lastsLonger(4 * TTL_MS);
      expect(await other().tryAcquire('dispatch', 'b', TTL_MS)).toBeUndefined();
      await lastsLonger(2 * TTL_MS);
      const next = await other().tryAcquire('dispatch', 'b', TTL_MS);
      expect(next?.epoch).toBe(stale.epoch + 1);
      expect(await isHeld(at.database, stale)).toBe(false);
    });

    it('counts a lease that ran out as a new one, even for who had it', async () => {
      const stale = (await one().tryAcquire('dispatch', 'a', TTL_MS))!;
      await runOut();
      expect((await one().tryAcquire('dispatch', 'a', TTL_MS))!.epoch).toBe(stale.epoch + 1);
      expect(await isHeld(at.database, stale)).toBe(false);
    });

    it('is free at once when released, and only its holder can release it', async () => {
      const fence = (await one().tryAcquire('dispatch', 'a', TTL_MS))!;
      await other().release({ ...fence, holder: 'b' });
      await other().release({ ...fence, epoch: fence.epoch + 1 });
      expect(await other().tryAcquire('dispatch', 'b', TTL_MS)).toBeUndefined();
      await one().release(fence);
      const next = await other().tryAcquire('dispatch', 'b', TTL_MS);
      expect(next).toEqual({ name: 'dispatch', holder: 'b', epoch: fence.epoch + 1 });
      await one().release(fence);
      expect(await isHeld(at.replica, next!)).toBe(true);
    });

    it('keeps the epochs of leases that dead holders left', async () => {
      const fence = (await one().tryAcquire('dispatch', 'dead', TTL_MS))!;
      await at.database.write(releaseAllLeases);
      const next = (await one().tryAcquire('dispatch', 'a', TTL_MS))!;
      expect(next.epoch).toBe(fence.epoch + 1);
    });
  });
}
