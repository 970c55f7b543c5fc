import { describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import { FORGE, fixtureOn } from '../dispatch/dispatch.testkit.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

for (const kind of databases) {
  describe(`runs that are gone, on ${kind.name},`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { start, lease, claimNew, dispatch, job, emitted, run, runs, jobs } = fixture;

    const accepted = async (runId: string | null = '1', over = {}) => {
      const { attempt } = await claimNew(await lease(), over);
      await dispatch().recordAccepted(attempt.id, { runId, runUrl: '' });
      return attempt;
    };
    const unknown = async (over = {}) => {
      const { attempt } = await claimNew(await lease(), over);
      await dispatch().recordUnknown(attempt.id, '502');
      return attempt;
    };
    const unread = (id: string) =>
      runs().recordRunUnreadable(id, HOUR, {
        lost: 'access is lost',
        ambiguous: 'outcome-ambiguous: access is lost',
      });

    it('deleted on the forge fail the job once they are gone twice (defect #17), and end its chain', async () => {
      await start();
      const attempt = await accepted('1', { autoRequeue: true });
      const gone = () => runs().recordRunGone(attempt.id, MINUTE, 'run 1 was deleted');
      expect(await gone()).toBe('noted');
      at.clock.advance(MINUTE - 1);
      expect(await gone()).toBe('noted');
      await runs().recordRun(attempt.id, run('1'), 100);
      at.clock.advance(MINUTE);
      expect(await gone()).toBe('noted');
      at.clock.advance(MINUTE);
      let end = '';
      expect(
        await emitted(async () => {
          end = await gone();
        }),
      ).toEqual(['attempt.ended', 'job.failed']);
      expect(end).toBe('ended');
      expect(await job(attempt.jobId)).toMatchObject({
        ...{ state: 'failed', errorMessage: 'run 1 was deleted' },
      });
      expect(await gone()).toBe('lost');
    });

    it('that nobody can read any more let go of a job that has ended, and of no other', async () => {
      await start();
      const attempt = await accepted();
      expect(await unread(attempt.id)).toBe(false);
      at.clock.advance(24 * HOUR);
      expect(await unread(attempt.id)).toBe(false);
      await jobs().cancelJob(attempt.jobId, 'ben');
      expect(await unread(attempt.id)).toBe(false);
      at.clock.advance(HOUR);
      expect(await unread(attempt.id)).toBe(true);
      expect((await fixture.attempt(attempt.id)).ended_at).toBe(at.clock.now());
    });

    it('whose answer was lost, where nobody can read, let go likewise, and are watched on', async () => {
      await start();
      const attempt = await unknown();
      expect(await unread(attempt.id)).toBe(false);
      await jobs().cancelJob(attempt.jobId, 'ben');
      expect(await unread(attempt.id)).toBe(false);
      at.clock.advance(HOUR);
      expect(await unread(attempt.id)).toBe(true);
      expect(await runs().listLive(FORGE)).toEqual([]);
      // By its time none is told any more: it would be cancelled, and may be somebody else's.
      const watched = { id: attempt.id, state: 'ambiguous' };
      expect(await runs().listWatched(FORGE, 0)).toMatchObject([watched]);
      expect(await runs().adoptLateRun(attempt.id, run('1'), 'input')).toBe(true);
      expect(
        // By the database's clock, which no test moves, its window is over.
        await runs().listWantedCancels(FORGE, { runMadeWithinMs: -MINUTE, forceCancelMs: MINUTE }),
      ).toMatchObject([{ attempt: { id: attempt.id, runId: '1' }, how: 'cancel' }]);
    });

    it.each([
      ['lost', unknown],
      ['without a run', (over: object) => accepted(null, over)],
    ] as const)(
      'the answer being %s and nobody able to look, fail their job, which is never sent again',
      async (_, send) => {
        await start();
        const attempt = await send({ autoRequeue: true });
        expect(await unread(attempt.id)).toBe(false);
        at.clock.advance(HOUR - 1);
        expect(await emitted(() => unread(attempt.id))).toEqual([]);
        at.clock.advance(1);
        expect(await emitted(() => unread(attempt.id))).toEqual([
          'attempt.ambiguous',
          'job.failed',
        ]);
        const failed = { state: 'failed', errorMessage: 'outcome-ambiguous: access is lost' };
        expect(await job(attempt.jobId)).toMatchObject(failed);
        expect(await runs().listLive(FORGE)).toEqual([]);
        expect(await runs().listWatched(FORGE, 0)).toMatchObject([{ state: 'ambiguous' }]);
        expect(await unread(attempt.id)).toBe(false);
      },
    );

    it('seen again in between, count anew', async () => {
      await start();
      const lost = await unknown();
      const known = await accepted();
      await runs().recordRunGone(known.id, HOUR, 'run 1 was deleted');
      await unread(lost.id);
      at.clock.advance(HOUR);
      await runs().recordReadable([lost.id, known.id]);
      expect(await unread(lost.id)).toBe(false);
      expect((await job(lost.jobId)).state).toBe('triggered');
      expect(await runs().recordRunGone(known.id, HOUR, 'run 1 was deleted')).toBe('ended');
      at.clock.advance(HOUR);
      expect(await unread(lost.id)).toBe(true);
    });

    it('are not told of one that is still being sent, whose answer will tell', async () => {
      await start();
      const { attempt } = await claimNew(await lease());
      expect(await unread(attempt.id)).toBe(false);
      at.clock.advance(HOUR);
      expect(await unread(attempt.id)).toBe(false);
      expect((await job(attempt.jobId)).state).toBe('triggered');
    });
  });
}
