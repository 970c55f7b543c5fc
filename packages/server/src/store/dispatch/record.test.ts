import { describe, expect, it } from 'vitest';
import type { WriteTx } from '../database.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import { FORGE, fixtureOn, refused } from './dispatch.testkit.ts';

for (const kind of databases) {
  describe(`the outcome of a claim on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { start, lease, claimNew, dispatch, job, emitted, run, runs, jobs, race } = fixture;
    const claimed = async (over = {}) => (await claimNew(await lease(), over)).attempt;
    const unknown = async (over = {}) => {
      const attempt = await claimed(over);
      await dispatch().recordUnknown(attempt.id, '502');
      return attempt;
    };

    it('is given back once, to its old place', async () => {
      await start();
      const attempt = await claimed();
      await fixture.add();
      const give = () => dispatch().giveBack(attempt.id, 'late');
      expect(await emitted(give)).toEqual(['attempt.refused', 'job.returned']);
      expect(await job(attempt.jobId)).toMatchObject({
        ...{ state: 'pending', position: 0, attemptId: null, triggeredAt: null },
      });
      expect(await give()).toBe(false);
      expect(await dispatch().giveBack('never committed', 'late')).toBe(false);
    });

    it.each([
      ['never sent', (id: string) => dispatch().giveBack(id, 'late')],
      ['refused', (id: string) => dispatch().recordRefused(id, refused)],
    ])('%s, as is told after a guess by time, ends the guess', async (_how, tell) => {
      await start();
      const attempt = await unknown();
      await runs().matchRun(attempt.id, run('5'), 'order');
      await runs().recordRun(attempt.id, run('5', { status: 'in_progress' }), at.clock.now());
      expect(await job(attempt.jobId)).toMatchObject({ state: 'running', runId: '5' });
      expect(await tell(attempt.id)).toBe(true);
      expect(await job(attempt.jobId)).toMatchObject({ state: 'pending', runId: null });
      expect(await fixture.attempt(attempt.id)).toMatchObject({
        ...{ state: 'refused', run_id: null, matched_by: null, ended_at: at.clock.now() },
      });
      expect([...(await runs().listOwnedRunIds(FORGE, ['5']))]).toEqual([]);
    });

    it('refused, as is told after its run was found by its name, is not believed', async () => {
      await start();
      const attempt = await unknown();
      await runs().matchRun(attempt.id, run('5'), 'input');
      expect(await dispatch().recordRefused(attempt.id, refused)).toBe(false);
      expect(await fixture.attempt(attempt.id)).toMatchObject({ state: 'found', run_id: '5' });
    });

    it('refused, as is told after it was given up, ends the watch for its run', async () => {
      await start();
      const attempt = await unknown();
      await runs().concludeAbsent(attempt.id, 'run not found');
      expect(await dispatch().recordRefused(attempt.id, { ...refused, then: 'fail' })).toBe(true);
      expect(await runs().listWatched(FORGE, 0)).toEqual([]);
      expect(await job(attempt.jobId)).toMatchObject({ state: 'pending' });
    });

    it('accepted, names the run on attempt and job', async () => {
      await start();
      const attempt = await claimed();
      const accept = () => dispatch().recordAccepted(attempt.id, { runId: '5', runUrl: 'u' });
      expect(await emitted(accept)).toEqual(['attempt.accepted', 'job.run-found']);
      expect(await job(attempt.jobId)).toMatchObject({
        ...{ state: 'triggered', runId: '5', runUrl: 'u' },
      });
      expect(await fixture.attempt(attempt.id)).toMatchObject({
        ...{ state: 'accepted', run_id: '5', matched_by: 'reply' },
      });
      expect(await accept()).toBe(false);
    });

    it('accepted without a run (204) is followed on', async () => {
      await start();
      const attempt = await claimed();
      expect(await dispatch().recordAccepted(attempt.id, { runId: null, runUrl: '' })).toBe(true);
      expect(await runs().matchRun(attempt.id, run('5'), 'order')).toBe(true);
      expect(await fixture.attempt(attempt.id)).toMatchObject({ state: 'accepted', run_id: '5' });
    });

    it('refused for now, waits as long as told', async () => {
      await start();
      const attempt = await claimed();
      const notBefore = at.clock.now() + 5_000;
      await dispatch().recordRefused(attempt.id, { ...refused, notBefore });
      expect(await job(attempt.jobId)).toMatchObject({ state: 'pending', notBefore });
      expect(await fixture.attempt(attempt.id)).toMatchObject({
        ...{ state: 'refused', ended_at: at.clock.now(), error_message: 'busy' },
      });
    });

    it('refused for good, fails the job; its requeue waits (defect #16)', async () => {
      await start();
      const attempt = await claimed({ autoRequeue: true });
      const fail = { ...refused, then: 'fail', message: '422: no such input' } as const;
      expect(await emitted(() => dispatch().recordRefused(attempt.id, fail))).toEqual([
        ...['attempt.refused', 'job.failed', 'job.requeued'],
      ]);
      expect(await job(attempt.jobId)).toMatchObject({
        ...{ state: 'failed', errorMessage: fail.message, attemptId: attempt.id },
      });
      const [next] = (await jobs().listQueue('g', {})).jobs;
      expect(next).toMatchObject({ failureCount: 1, notBefore: at.clock.now() + 30_000 });
    });

    it('without access, blocks the whole repository and keeps the job', async () => {
      await start();
      const attempt = await claimed();
      const message = 'cannot read acme/app';
      const noAccess = { ...refused, verdict: 'no-access', message } as const;
      expect(await emitted(() => dispatch().recordRefused(attempt.id, noAccess))).toEqual([
        ...['attempt.refused', 'target.blocked', 'job.returned'],
      ]);
      const other = await fixture.add({ workflowId: 'other.yml' });
      expect((await jobs().findWaitFacts(other.id))!.block).toEqual({
        ...{ kind: 'no-access', message, since: at.clock.now() },
        nextProbeAt: at.clock.now() + 60_000,
      });
    });

    it('of a cancelled job goes to the attempt alone', async () => {
      await start();
      const [one, two] = [await claimed({ autoRequeue: true }), await claimed()];
      await jobs().cancelJob(one.jobId, 'ben');
      await jobs().cancelJob(two.jobId, 'ben');
      expect(await dispatch().recordRefused(one.id, { ...refused, then: 'fail' })).toBe(true);
      expect((await job(one.jobId)).state).toBe('cancelled');
      expect((await fixture.attempt(one.id)).ended_at).toBe(at.clock.now());
      await dispatch().recordAccepted(two.id, { runId: '2', runUrl: 'u' });
      expect((await job(two.jobId)).runId).toBeNull();
      expect(
        await runs().listWantedCancels('github', { runMadeWithinMs: 0, forceCancelMs: 1 }),
      ).toMatchObject([{ attempt: { id: two.id, runId: '2' }, how: 'cancel' }]);
      // One requeue, by the cancel.
      expect((await jobs().listQueue('g', {})).jobs).toHaveLength(1);
    });

    it('is kept when the job is gone', async () => {
      await start();
      const attempt = await claimed();
      await at.database.write(async (tx) => {
        await tx.db.deleteFrom('jobs').execute();
      });
      expect(await dispatch().recordAccepted(attempt.id, { runId: '1', runUrl: '' })).toBe(true);
      expect((await fixture.attempt(attempt.id)).run_id).toBe('1');
    });

    it('a reply after the claim expired still counts', async () => {
      await start();
      const [one, two] = [await unknown(), await unknown()];
      expect(await dispatch().recordAccepted(one.id, { runId: '1', runUrl: 'u' })).toBe(true);
      expect(await dispatch().recordRefused(two.id, refused)).toBe(true);
      expect((await job(one.jobId)).runId).toBe('1');
      expect((await job(two.jobId)).state).toBe('pending');
      expect(await dispatch().recordUnknown(one.id, '502')).toBe(false);
    });

    it('a reply is not lost to an expiry or a correlation that writes just before it', async () => {
      await start();
      const [one, two] = [await claimed(), await unknown()];
      const accepted = (id: string, runId: string) => () =>
        dispatch().recordAccepted(id, { runId, runUrl: '' });
      const set = (id: string, to: object) => (tx: WriteTx) =>
        tx.db.updateTable('attempts').set(to).where('id', '=', id).execute();
      expect(await race(set(one.id, { state: 'unknown' }), accepted(one.id, '1'))).toBe(true);
      const guess = { state: 'found', run_id: '7', matched_by: 'order' };
      expect(await race(set(two.id, guess), accepted(two.id, '2'))).toBe(true);
      expect(await fixture.attempt(one.id)).toMatchObject({ state: 'accepted', run_id: '1' });
      expect(await fixture.attempt(two.id)).toMatchObject({ state: 'accepted', run_id: '2' });
    });

    it('a reply beats a correlation: the guess is unknown again, its job triggered', async () => {
      await start();
      const [guessed, replied] = [await unknown(), await claimed()];
      await runs().matchRun(guessed.id, run('9'), 'order');
      await runs().recordRun(guessed.id, run('9', { status: 'in_progress' }), at.clock.now());
      expect((await job(guessed.jobId)).state).toBe('running');
      const events = await emitted(() =>
        dispatch().recordAccepted(replied.id, { runId: '9', runUrl: 'u' }),
      );
      expect(events).toEqual([
        ...['attempt.unknown', 'job.unmatched', 'attempt.accepted', 'job.run-found'],
      ]);
      expect(await fixture.attempt(guessed.id)).toMatchObject({
        ...{ state: 'unknown', run_id: null, run_status: null, matched_by: null, ended_at: null },
      });
      expect(await job(guessed.jobId)).toMatchObject({
        ...{ state: 'triggered', runId: null, runUrl: '', startedAt: null },
      });
      expect((await job(replied.jobId)).runId).toBe('9');
    });

    it('a reply that names another run than the guess ends the guess', async () => {
      await start();
      const attempt = await unknown();
      await runs().matchRun(attempt.id, run('8'), 'order');
      await runs().recordRun(attempt.id, run('8', { status: 'in_progress' }), at.clock.now());
      await dispatch().recordAccepted(attempt.id, { runId: '9', runUrl: 'u' });
      expect(await job(attempt.jobId)).toMatchObject({ state: 'triggered', runId: '9' });
      expect(await runs().listOwnedRunIds('github', ['8', '9'])).toEqual(new Set(['9']));
    });

    it('a reply and a correlation that race for a run end with the reply', async () => {
      await start();
      for (let n = 0; n < 8; n += 1) {
        const [guessed, replied] = [await unknown(), await claimed()];
        const runId = String(n);
        await Promise.all([
          fixture.runsThere().matchRun(guessed.id, run(runId), 'order'),
          dispatch().recordAccepted(replied.id, { runId, runUrl: '' }),
        ]);
        expect((await fixture.attempt(replied.id)).run_id).toBe(runId);
        expect(await fixture.attempt(guessed.id)).toMatchObject({ state: 'unknown', run_id: null });
        expect((await job(guessed.jobId)).runId).toBeNull();
      }
    });

    it('a run is matched to one of two attempts', async () => {
      await start();
      const [one, two] = [await unknown(), await unknown()];
      const won = await Promise.all([
        runs().matchRun(one.id, run('1'), 'order'),
        fixture.runsThere().matchRun(two.id, run('1'), 'order'),
      ]);
      expect(won.sort()).toEqual([false, true]);
    });

    it('a reply for an attempt that was called absent wants its run cancelled', async () => {
      await start();
      const attempt = await unknown();
      await runs().concludeAbsent(attempt.id, 'run not found');
      const late = () => dispatch().recordAccepted(attempt.id, { runId: '1', runUrl: '' });
      expect(await emitted(late)).toEqual(['attempt.run-late']);
      expect(await fixture.attempt(attempt.id)).toMatchObject({
        state: 'accepted',
        ended_at: null,
      });
      expect(
        await runs().listWantedCancels('github', { runMadeWithinMs: 0, forceCancelMs: 1 }),
      ).toHaveLength(1);
      expect(await job(attempt.jobId)).toMatchObject({ state: 'pending', runId: null });
    });

    it('an outcome and a cancel that race end the job once, with one requeue (defect #4)', async () => {
      await start();
      for (let n = 0; n < 8; n += 1) {
        const attempt = await claimed({ autoRequeue: true, requeueLimit: 1 });
        await Promise.all([
          dispatch().recordRefused(attempt.id, { ...refused, then: 'fail' }),
          fixture.jobsThere().cancelJob(attempt.jobId, 'ben'),
        ]);
        const { jobs: queue } = await jobs().listQueue('g', {});
        expect(queue).toHaveLength(n + 1);
        expect(['failed', 'cancelled']).toContain((await job(attempt.jobId)).state);
        expect((await fixture.attempt(attempt.id)).state).toBe('refused');
      }
    });

    it('the late reply of an attempt whose run turned up meanwhile counts it once', async () => {
      await start();
      const { attempt } = await claimNew(await lease());
      await dispatch().recordUnknown(attempt.id, '502');
      await fixture.runs().concludeAbsent(attempt.id, 'run not found');
      await fixture.runs().adoptLateRun(attempt.id, fixture.run('1'), 'order');
      const late = () => dispatch().recordAccepted(attempt.id, { runId: '1', runUrl: '' });
      expect(await emitted(late)).toEqual(['attempt.accepted']);
    });

    it('a reply that names another run than the one found has that one followed and cancelled anew', async () => {
      await start();
      const { attempt } = await claimNew(await lease());
      await dispatch().recordUnknown(attempt.id, '502');
      await fixture.jobs().cancelJob(attempt.jobId, 'ben');
      await fixture.runs().matchRun(attempt.id, fixture.run('1'), 'order');
      await fixture.runs().recordCancelSent(attempt.id, 'cancel');
      const ended = fixture.run('1', { status: 'completed', conclusion: 'cancelled' });
      await fixture.runs().recordRun(attempt.id, ended, 100);
      await dispatch().recordAccepted(attempt.id, { runId: '2', runUrl: '' });
      expect(
        await fixture
          .runs()
          .listWantedCancels(FORGE, { runMadeWithinMs: 0, forceCancelMs: 60_000 }),
      ).toMatchObject([{ attempt: { id: attempt.id, runId: '2' }, how: 'cancel' }]);
    });

    it('three refusals of a template in a row count, a success between them starts anew', async () => {
      await start();
      const bad = { ...refused, then: 'fail', verdict: 'template-broken' } as const;
      const refuse = async () => dispatch().recordRefused((await claimed()).id, bad);
      await refuse();
      await refuse();
      await dispatch().recordAccepted((await claimed()).id, { runId: '1', runUrl: '' });
      await refuse();
      await refuse();
      const waiting = await fixture.add();
      const blockNow = async () => (await jobs().findWaitFacts(waiting.id))!.block;
      expect(await blockNow()).toBeUndefined();
      await refuse();
      expect(await blockNow()).toMatchObject({ kind: 'template-broken' });
    });

    it('a job without a target fails, with its requeue, only while it is still so (defect #17)', async () => {
      await start();
      const fence = await lease();
      const fine = await fixture.add();
      expect(await dispatch().failUndispatchable(fence, fine.id, 'm')).toBe(false);
      const bare = await fixture.add({ templateId: null, owner: 'acme' });
      const stale = { ...fence, epoch: 9 };
      expect(await dispatch().failUndispatchable(stale, bare.id, 'm')).toBe(false);
      expect(await dispatch().failUndispatchable(fence, bare.id, 'm')).toBe(true);
      expect(await job(bare.id)).toMatchObject({ state: 'failed', errorMessage: 'm' });
    });
  });
}
