import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import type { Fence } from '../port/leases.ts';
import { FORGE, fixtureOn, PAUSES, refused } from './dispatch.testkit.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const LONGEST = 15 * MINUTE;

for (const kind of databases) {
  describe(`what waits after a clock that was a day ahead is put right, on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { start, add, lease, claimNew, request, dispatch, jobs, job, emitted } = fixture;

    const end = (fence: Fence) => dispatch().endFarPauses(fence, FORGE, LONGEST);

    it('a workflow that failed meanwhile is probed at once, not a day later', async () => {
      await start();
      const fence = await lease();
      at.clock.advance(DAY);
      const failed = await claimNew(fence);
      const word = { verdict: 'failing', pauses: PAUSES } as const;
      await dispatch().recordUnknown(failed.attempt.id, '500', word);
      const next = await add();
      at.clock.advance(-DAY);
      expect(await dispatch().claim(fence, request(next.id))).toBeUndefined();
      expect(await end({ ...fence, epoch: 7 })).toBe(false);
      expect(await end(fence)).toBe(true);
      const block = (await jobs().findWaitFacts(next.id))?.block;
      // What comes of the probe counts: it began before that.
      expect(block).toMatchObject({ nextProbeAt: at.clock.now(), since: at.clock.now() });
      expect(await dispatch().claim(fence, request(next.id))).toBeDefined();
    });

    it('a job that was put off goes', async () => {
      await start();
      const fence = await lease();
      at.clock.advance(DAY);
      const { attempt } = await claimNew(fence);
      const notBefore = at.clock.now() + MINUTE;
      await dispatch().recordRefused(attempt.id, { ...refused, verdict: 'none', notBefore });
      at.clock.advance(-DAY);
      expect(await dispatch().claim(fence, request(attempt.jobId))).toBeUndefined();
      expect(await end(fence)).toBe(true);
      expect((await job(attempt.jobId)).notBefore).toBeNull();
      expect(await dispatch().claim(fence, request(attempt.jobId))).toBeDefined();
    });

    it('a claim whose sender died is expired', async () => {
      await start();
      const fence = await lease();
      const { attempt } = await claimNew(fence);
      await at.database.write((tx) =>
        tx.db
          .updateTable('attempts')
          .set({ send_deadline: sql<number>`send_deadline + ${DAY}` })
          .execute(),
      );
      expect(await dispatch().expireClaims(fence, -MINUTE)).toBe(0);
      expect(await end(fence)).toBe(true);
      expect(await emitted(() => dispatch().expireClaims(fence, -MINUTE))).toEqual([
        'attempt.unknown',
      ]);
      expect((await fixture.attempt(attempt.id)).forge_send_deadline).toBe(
        attempt.forgeSendDeadline,
      );
    });

    it('a job behind one that was to be told by its id, which runs turned out to lack, goes', async () => {
      await start();
      await fixture.addTemplate('u', { correlationInput: 'id' });
      const fence = await lease();
      const { attempt } = await claimNew(fence, { templateId: 'u' });
      await dispatch().recordAccepted(attempt.id, { runId: null, runUrl: '' });
      await fixture.runs().concludeAmbiguous(attempt.id, '', { unnamedRun: fixture.run('7') });
      await at.database.write((tx) =>
        tx.db
          .updateTable('attempts')
          .set({ send_deadline: sql<number>`send_deadline + ${DAY}` })
          .execute(),
      );
      const { id } = await add({ templateId: 'u' });
      expect(await end(fence)).toBe(true);
      // Its time begins now.
      const over = { ...request(id), runMayBeMadeWithinMs: -MINUTE };
      expect(await dispatch().claim(fence, over)).toBeDefined();
    });

    it('a pause that some failure has set stays', async () => {
      await start();
      const fence = await lease();
      const { attempt } = await claimNew(fence);
      const notBefore = at.clock.now() + LONGEST;
      await dispatch().recordRefused(attempt.id, { ...refused, verdict: 'archived', notBefore });
      at.clock.advance(-MINUTE / 2);
      expect(await end(fence)).toBe(false);
      expect((await job(attempt.jobId)).notBefore).toBe(notBefore);
    });
  });
}
