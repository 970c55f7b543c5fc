import { describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import { fixtureOn } from '../dispatch/dispatch.testkit.ts';

for (const kind of databases) {
  describe(`runs on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { start, lease, claimNew, dispatch, job, emitted, runs } = fixture;

    const unknown = async () => {
      const { attempt } = await claimNew(await lease());
      await dispatch().recordUnknown(attempt.id, '502');
      return attempt;
    };

    it('not found at a time that is yet to come are looked for from now on (a job stayed `triggered` for minutes)', async () => {
      await start();
      const attempt = await unknown();
      await runs().recordMissing(attempt.id, 361_000);
      await runs().recordMissing(attempt.id, 100);
      await runs().recordMissing(attempt.id, 200);
      expect(await fixture.attempt(attempt.id)).toMatchObject({
        ...{ missing_since: 100, missing_at: 200 },
      });
    });

    it('not found bring the job back once; the second time it fails', async () => {
      await start();
      const first = await unknown();
      await runs().recordMissing(first.id, 100);
      await runs().recordMissing(first.id, 90);
      await runs().recordMissing(first.id, 200);
      expect(await fixture.attempt(first.id)).toMatchObject({
        missing_since: 100,
        missing_at: 200,
      });
      expect(await emitted(() => runs().concludeAbsent(first.id, 'run not found'))).toEqual([
        ...['attempt.absent', 'job.returned'],
      ]);
      expect(await job(first.jobId)).toMatchObject({ state: 'pending', absentCount: 1 });
      const second = fixture.request(first.jobId);
      await dispatch().claim(await lease(), second);
      await dispatch().recordUnknown(second.attemptId, '502');
      expect(await runs().concludeAbsent(second.attemptId, 'run not found')).toBe(true);
      expect(await job(first.jobId)).toMatchObject({
        ...{ state: 'failed', errorMessage: 'run not found' },
      });
      expect(await runs().concludeAbsent(second.attemptId, 'run not found')).toBe(false);
    });
  });
}
