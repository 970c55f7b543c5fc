import { describe, expect, it } from 'vitest';
import { RANK_GAP } from '../../domain/job.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import { fixtureOn, manual, newJob, refused } from '../dispatch/dispatch.testkit.ts';

for (const kind of databases) {
  describe(`jobs on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { jobs, add, start, emitted } = fixture;

    it('are numbered from 0 in their group and stand at its tail', async () => {
      await start();
      await fixture.addGroup('other');
      await add();
      const second = await add();
      expect(second).toMatchObject({
        number: 1,
        rank: 2 * RANK_GAP,
        position: 1,
        state: 'pending',
      });
      expect(await add({ ...manual, groupId: 'other' })).toMatchObject({ number: 0, position: 0 });
    });

    it('are found several at once, with their places; those that are gone are left out', async () => {
      await start();
      const first = await add();
      const second = await add();
      await jobs().deleteJob(first.id, 'anna');
      const found = await jobs().findJobs([second.id, first.id, 'none']);
      expect(found).toEqual([await jobs().findJob(second.id)]);
      expect(found[0]).toMatchObject({ number: 1, position: 0 });
      expect(await jobs().findJobs([])).toEqual([]);
    });

    it('get distinct numbers when added at once', async () => {
      await start();
      const added = await Promise.all(
        Array.from({ length: 12 }, async (_, n) =>
          (n % 2 === 0 ? jobs() : fixture.jobsThere()).enqueue(newJob, undefined),
        ),
      );
      const numbers = added.map(({ job }) => job.number).sort((a, b) => a - b);
      expect(numbers).toEqual(Array.from({ length: 12 }, (_, n) => n));
    });

    it('of a template take its default inputs, overlaid with their own', async () => {
      await start();
      await fixture.addTemplate('u', { defaultInputs: { a: '1', b: '2' } });
      const given = { templateId: 'u', inputs: { b: '3' } };
      expect((await add(given)).inputs).toEqual({ a: '1', b: '3' });
      expect((await add()).inputs).toEqual({});
      expect((await add(manual)).inputs).toBeNull();
    });

    it('keep only overrides that say something', async () => {
      await start();
      const job = await add({ owner: '', repo: 'fork', labels: {} });
      expect(job).toMatchObject({ owner: null, repo: 'fork', labels: null });
    });

    it('are refused for an unknown group or a template of another group', async () => {
      await start();
      await fixture.addGroup('other');
      const tried = (over: object) => jobs().enqueue({ ...newJob, ...over }, undefined);
      await expect(tried({ groupId: 'none' })).rejects.toMatchObject({ code: 'unknown-group' });
      await expect(tried({ templateId: 'x' })).rejects.toMatchObject({ code: 'unknown-template' });
      await expect(tried({ groupId: 'other' })).rejects.toMatchObject({ code: 'unknown-template' });
      // The refused ones took no number.
      expect((await add()).number).toBe(0);
    });

    describe('with an Idempotency-Key', () => {
      const key = { username: 'anna', key: 'k', bodyHash: 'h' };

      it('are made once, however often the request comes', async () => {
        await start();
        const first = await jobs().enqueue(newJob, key);
        const again = await jobs().enqueue(newJob, key);
        expect([first.isReplay, again.isReplay]).toEqual([false, true]);
        expect(again.job).toEqual(first.job);
        const other = await jobs().enqueue(newJob, { ...key, username: 'ben' });
        expect(other.isReplay).toBe(false);
      });

      it('are made once by two requests in a race', async () => {
        await start();
        const both = await Promise.all([
          jobs().enqueue(newJob, key),
          fixture.jobsThere().enqueue(newJob, key),
        ]);
        expect(new Set(both.map(({ job }) => job.id)).size).toBe(1);
        expect(both.map(({ isReplay }) => isReplay).sort()).toEqual([false, true]);
        expect((await jobs().listQueue('g', {})).jobs).toHaveLength(1);
      });

      it('are refused when the body is another', async () => {
        await start();
        await jobs().enqueue(newJob, key);
        const other = jobs().enqueue(newJob, { ...key, bodyHash: 'i' });
        await expect(other).rejects.toMatchObject({ code: 'key-reused' });
      });

      it('do not come back once they are deleted', async () => {
        await start();
        const { job } = await jobs().enqueue(newJob, key);
        await jobs().deleteJob(job.id, 'anna');
        await expect(jobs().enqueue(newJob, key)).rejects.toMatchObject({ code: 'key-reused' });
        expect((await jobs().listQueue('g', {})).jobs).toEqual([]);
      });

      it('leave the key free when they are refused', async () => {
        await start();
        const refused = jobs().enqueue({ ...newJob, templateId: 'none' }, key);
        await expect(refused).rejects.toMatchObject({ code: 'unknown-template' });
        expect((await jobs().enqueue(newJob, key)).isReplay).toBe(false);
      });
    });

    it('are paused and resumed while pending, with one event for each change', async () => {
      await start();
      const { id } = await add();
      const pause = (isPaused: boolean) => () => jobs().setPaused(id, isPaused, 'ben');
      expect(await emitted(pause(true))).toEqual(['job.paused']);
      expect(await emitted(pause(true))).toEqual([]);
      expect(await jobs().setPaused(id, true, 'ben')).toMatchObject({
        ok: true,
        value: { isPaused: true },
      });
      expect(await emitted(pause(false))).toEqual(['job.resumed']);
    });

    it('are paused only while pending', async () => {
      await start();
      const { attempt } = await fixture.claimNew(await fixture.lease());
      const lost = { ok: false, reason: 'wrong-state', state: 'triggered' };
      expect(await jobs().setPaused(attempt.jobId, true, 'ben')).toEqual(lost);
      expect(await jobs().setPaused('none', true, 'ben')).toEqual({
        ok: false,
        reason: 'not-found',
      });
    });

    it('are deleted while pending or failed, and tell so (defect #24)', async () => {
      await start();
      const fence = await fixture.lease();
      const pending = await add();
      expect(await emitted(() => jobs().deleteJob(pending.id, 'ben'))).toEqual(['job.deleted']);
      const { attempt } = await fixture.claimNew(fence);
      expect(await jobs().deleteJob(attempt.jobId, 'ben')).toMatchObject({ state: 'triggered' });
      await fixture.dispatch().recordRefused(attempt.id, { ...refused, then: 'fail' });
      expect(await jobs().deleteJob(attempt.jobId, 'ben')).toEqual({ ok: true, value: null });
      expect(await jobs().findJob(attempt.jobId)).toBeUndefined();
    });

    it('are cancelled with their requeue and their attempt’s cancel in one (defect #5)', async () => {
      await start();
      const { attempt } = await fixture.claimNew(await fixture.lease(), {
        autoRequeue: true,
        requeueLimit: 3,
        inputs: { a: '1' },
      });
      at.clock.advance(1_000);
      const events = await emitted(async () => {
        expect(await jobs().cancelJob(attempt.jobId, 'ben')).toMatchObject({
          ok: true,
          value: { state: 'cancelled', completedAt: at.clock.now(), attemptId: attempt.id },
        });
      });
      expect(events).toEqual(['attempt.cancel-wanted', 'job.cancelled', 'job.requeued']);
      const [next] = (await jobs().listQueue('g', {})).jobs;
      expect(next).toMatchObject({
        ...{ state: 'pending', number: 1, requeueCount: 1, requeueLimit: 3, autoRequeue: true },
        ...{ inputs: { a: '1' }, templateId: 't', createdBy: 'anna', notBefore: null },
        attemptId: null,
      });
      expect(await fixture.attempt(attempt.id)).toMatchObject({ cancel_wanted_at: at.clock.now() });
      expect(await jobs().cancelJob(attempt.jobId, 'ben')).toMatchObject({ state: 'cancelled' });
    });

    it('pending or unknown are not cancelled', async () => {
      await start();
      const { id } = await add();
      expect(await jobs().cancelJob(id, 'ben')).toMatchObject({ ok: false, state: 'pending' });
      expect(await jobs().cancelJob('none', 'ben')).toEqual({ ok: false, reason: 'not-found' });
    });

    it('are counted per group and state, groups without jobs too', async () => {
      await start();
      await fixture.addGroup('empty');
      const fence = await fixture.lease();
      await add();
      await add(manual);
      await fixture.claimNew(fence);
      expect(await jobs().countQueue()).toEqual([
        { groupId: 'empty', pending: 0, triggered: 0, running: 0 },
        { groupId: 'g', pending: 2, triggered: 1, running: 0 },
      ]);
    });

    it('tell what they wait for: target, plan, block and who is ahead', async () => {
      await start();
      const fence = await fixture.lease();
      const paused = await add();
      await jobs().setPaused(paused.id, true, 'ben');
      await add();
      await add({ priority: 5 });
      const job = await add({ ref: 'dev' });
      const plan = {
        ...{ groupId: 'g', plannedAt: at.clock.now(), free: 1, fitting: 2, online: 2 },
        ...{ isStale: false, labelsMissing: [], heldBy: [], limit: null, limitMessage: '' },
        ...{ retryAt: null, sends: 0, scopes: [] },
      };
      await fixture.dispatch().savePlans(fence, [plan]);
      expect(await jobs().findWaitFacts(job.id)).toMatchObject({
        target: { owner: 'acme', repo: 'app', workflowId: 'ci.yml', ref: 'dev' },
        ...{ group: { id: 'g' }, plan, ahead: 2, attempt: undefined, block: undefined },
      });
      expect(await jobs().findWaitFacts('none')).toBeUndefined();
    });
  });
}
