import { describe, expect, it } from 'vitest';
import type { TargetVerdict } from '../../domain/target-block.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import type { RefusedOutcome } from '../port/dispatch.ts';
import { fixtureOn, PAUSES, refused } from './dispatch.testkit.ts';

const MINUTE = 60_000;

for (const kind of databases) {
  describe(`what an answer says of its workflow on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { start, add, lease, claimNew, request, dispatch, jobs, job, emitted } = fixture;

    const claimed = async () => (await claimNew(await lease())).attempt;
    const refuse = async (verdict: TargetVerdict, then: RefusedOutcome['then'] = 'retry') => {
      const attempt = await claimed();
      await dispatch().recordRefused(attempt.id, { ...refused, verdict, then });
      return job(attempt.jobId);
    };
    const fail = async (attemptId: string) =>
      dispatch().recordUnknown(attemptId, '500', { verdict: 'failing', pauses: PAUSES });
    const blockOf = async (jobId: string) => (await jobs().findWaitFacts(jobId))!.block;
    /** Until its next probe; undefined: nothing blocks it. */
    const pauseMs = async (jobId: string) => {
      const block = await blockOf(jobId);
      return block === undefined ? undefined : block.nextProbeAt - at.clock.now();
    };

    it('three jobs with wrong inputs do not stop its template', async () => {
      await start();
      for (let count = 0; count < 4; count += 1) {
        expect((await refuse('works', 'fail')).state).toBe('failed');
      }
      const next = await add();
      expect(await blockOf(next.id)).toBeUndefined();
    });

    it('wrong inputs end the block of a template: file and ref were taken', async () => {
      await start();
      for (let count = 0; count < 3; count += 1) await refuse('template-broken', 'fail');
      const waiting = await add();
      expect(await blockOf(waiting.id)).toMatchObject({ kind: 'template-broken' });
      at.clock.advance(MINUTE);
      const probe = await dispatch().claim(await lease(), request(waiting.id));
      const outcome = { ...refused, verdict: 'works', then: 'fail' } as const;
      const events = await emitted(() => dispatch().recordRefused(probe!.attempt.id, outcome));
      expect(events).toContain('target.cleared');
      expect(await blockOf((await add()).id)).toBeUndefined();
    });

    it('one that is disabled keeps its jobs, at every ref, and lets others go', async () => {
      await start();
      expect((await refuse('workflow-disabled')).state).toBe('pending');
      const elsewhere = await add({ ref: 'dev' });
      expect(await blockOf(elsewhere.id)).toMatchObject({ kind: 'workflow-disabled' });
      expect(await dispatch().claim(await lease(), request(elsewhere.id))).toBeUndefined();
      const other = await add({ workflowId: 'other.yml' });
      expect(await dispatch().claim(await lease(), request(other.id))).toBeDefined();
    });

    it('an archived repository keeps all its jobs', async () => {
      await start();
      expect((await refuse('archived')).state).toBe('pending');
      const other = await add({ workflowId: 'other.yml' });
      expect(await blockOf(other.id)).toMatchObject({ kind: 'archived' });
    });

    it('a single 404 fails nothing; it counts when it repeats a while later', async () => {
      await start();
      const first = await refuse('not-found', 'fail-if-repeated');
      expect(first.state).toBe('pending');
      expect(await pauseMs(first.id)).toBe(MINUTE);
      at.clock.advance(MINUTE);
      const probe = await dispatch().claim(await lease(), request(first.id));
      const outcome = { ...refused, verdict: 'not-found', then: 'fail-if-repeated' } as const;
      await dispatch().recordRefused(probe!.attempt.id, outcome);
      expect((await job(first.id)).state).toBe('failed');
      // The next job is asked for at once, and three of them stop the template.
      expect((await refuse('not-found', 'fail-if-repeated')).state).toBe('failed');
      expect((await refuse('not-found', 'fail-if-repeated')).state).toBe('failed');
      expect(await blockOf((await add()).id)).toMatchObject({ kind: 'template-broken' });
    });

    it('a 404 that comes again too soon counts as a first one, though a clock was put forward in between', async () => {
      await start();
      const { id } = await refuse('not-found', 'fail-if-repeated');
      at.clock.advance(2 * 60 * 60_000);
      const probe = await dispatch().claim(await lease(), request(id));
      const outcome = { ...refused, verdict: 'not-found', then: 'fail-if-repeated' } as const;
      await dispatch().recordRefused(probe!.attempt.id, { ...outcome, isTooSoon: true });
      expect((await job(id)).state).toBe('pending');
      expect(await pauseMs(id)).toBe(MINUTE);
    });

    it('a 404 of long ago is forgotten', async () => {
      await start();
      const { id } = await refuse('not-found', 'fail-if-repeated');
      at.clock.advance(24 * 60 * MINUTE);
      const probe = await dispatch().claim(await lease(), request(id));
      await at.database.write((tx) =>
        tx.db
          .updateTable('target_blocks')
          .set({ next_probe_at: tx.now - 2 * 60 * MINUTE })
          .execute(),
      );
      const outcome = { ...refused, verdict: 'not-found', then: 'fail-if-repeated' } as const;
      await dispatch().recordRefused(probe!.attempt.id, outcome);
      expect((await job(id)).state).toBe('pending');
    });

    it('failures pause it for twice as long each time, and an answer ends that', async () => {
      await start();
      await fail((await claimed()).id);
      const waiting = await add();
      for (const expected of [1_000, 2_000, 4_000, 4_000]) {
        expect(await pauseMs(waiting.id)).toBe(expected);
        at.clock.advance(expected);
        await fail((await claimed()).id);
      }
      at.clock.advance(4_000);
      const { id } = await claimed();
      const accept = () => dispatch().recordAccepted(id, { runId: '1', runUrl: '' });
      expect(await emitted(accept)).toContain('target.cleared');
      expect(await blockOf(waiting.id)).toBeUndefined();
    });

    it('failures of what was under way when it paused count once', async () => {
      await start();
      const sent = [await claimed(), await claimed(), await claimed()];
      for (const { id } of sent) await fail(id);
      expect(await pauseMs((await add()).id)).toBe(1_000);
    });

    it('a failure stops no other workflow, and no disabled one is asked more often for it', async () => {
      await start();
      const sent = [await claimed(), await claimed()];
      const disabled = { ...refused, verdict: 'workflow-disabled' } as const;
      await dispatch().recordRefused(sent[0]!.id, disabled);
      await fail(sent[1]!.id);
      const waiting = await add();
      expect(await blockOf(waiting.id)).toMatchObject({ kind: 'workflow-disabled' });
      expect(await pauseMs(waiting.id)).toBe(MINUTE);
      expect(await blockOf((await add({ workflowId: 'other.yml' })).id)).toBeUndefined();
    });

    const own = { ...refused, verdict: 'failing', isOwnFailure: true, notBefore: 1 } as const;
    const failOnce = async (jobId: string, over: Partial<RefusedOutcome> = {}) => {
      const sent = await dispatch().claim(await lease(), request(jobId));
      await dispatch().recordRefused(sent!.attempt.id, { ...own, ...over });
      return (await job(jobId)).notBefore;
    };

    it('one that no other can follow takes the next probe itself, however often it has failed', async () => {
      await start();
      const [first, second] = [await add(), await add()];
      expect(await failOnce(first.id)).toBeGreaterThan(at.clock.now());
      // It waits for longer than the next probe.
      await at.database.write(({ db }) =>
        db
          .updateTable('jobs')
          .set({ not_before: at.clock.now() + 2 * MINUTE })
          .where('id', '=', first.id)
          .execute(),
      );
      at.clock.advance(1_000);
      expect(await failOnce(second.id)).toBe(1);
      at.clock.advance(MINUTE);
      await add({ workflowId: 'other.yml', templateId: null });
      await jobs().deleteJob(first.id, 'ben');
      expect(await failOnce(second.id)).toBe(1);
    });

    it.each([
      ['a paused job', {}],
      ['one of a paused group', { isPaused: true }],
      ['one of a group that is switched off', { isEnabled: false }],
    ])('a job that fails is not put off for %s', async (_, group) => {
      await start();
      await fixture.addGroup('other', group);
      await fixture.addTemplate('u', { groupId: 'other' });
      const failing = await add();
      const other = await add({ groupId: 'other', templateId: 'u' });
      if (Object.keys(group).length === 0) await jobs().setPaused(other.id, true, 'ben');
      expect(await failOnce(failing.id)).toBe(1);
    });

    it('what an outage did to a job before its workflow failed alone puts it off no longer', async () => {
      await start();
      const [job, other] = [await add(), await add()];
      for (let count = 0; count < 5; count += 1) {
        await failOnce(job.id, { verdict: 'none', isOwnFailure: false, notBefore: null });
        at.clock.advance(MINUTE);
      }
      expect(await failOnce(job.id)).toBe((await blockOf(other.id))!.nextProbeAt + 1_000);
    });

    it('a job that fails at each probe lets the others of its workflow go first, each time longer, and comes back', async () => {
      await start();
      const [bad, other] = [await add(), await add()];
      for (const laterMs of [1_000, 2_000, 4_000]) {
        at.clock.advance(MINUTE);
        const notBefore = await failOnce(bad.id);
        expect(notBefore).toBe((await blockOf(bad.id))!.nextProbeAt + laterMs);
      }
      at.clock.advance(MINUTE);
      // It was the whole forge that failed.
      expect(await failOnce(bad.id, { isOwnFailure: false })).toBe(1);
      at.clock.advance(MINUTE);
      await jobs().deleteJob(other.id, 'ben');
      // Nobody else waits: it is the next probe itself.
      expect(await failOnce(bad.id)).toBe(1);
    });

    it('what failed while the whole forge did yields to nobody when it works again, also where it was due already', async () => {
      await start();
      await fixture.addTemplate('u', { workflowId: 'other.yml' });
      await fixture.addRunners('1', '2');
      for (const templateId of ['t', 'u']) {
        await fail((await claimNew(await lease(), { templateId })).attempt.id);
        await add({ templateId });
      }
      const yielding = async () =>
        (await fixture.load()).groups[0]!.head.map(({ isYielding }) => isYielding);
      at.clock.advance(MINUTE);
      expect(await yielding()).toEqual([true, true]);
      await dispatch().releaseFailing('github');
      expect(await yielding()).toEqual([false, false]);
    });

    it('what failed while the whole forge did may be tried at once when it works again', async () => {
      await start();
      await fail((await claimed()).id);
      const waiting = await add();
      expect(await pauseMs(waiting.id)).toBe(1_000);
      await dispatch().releaseFailing('github');
      expect(await pauseMs(waiting.id)).toBe(0);
      // Its failures count anew.
      at.clock.advance(1);
      await fail((await claimed()).id);
      expect(await pauseMs(waiting.id)).toBe(1_000);
      // Not where what it meets is its own.
      const itself = { owner: 'acme', repo: 'app', workflowId: 'ci.yml' };
      await dispatch().releaseFailing('github', [itself]);
      expect(await pauseMs(waiting.id)).toBe(1_000);
    });

    it('a probe that told nothing may be made again at once', async () => {
      await start();
      await fail((await claimed()).id);
      const waiting = await add();
      at.clock.advance(1_000);
      const probe = await claimed();
      expect(await pauseMs(waiting.id)).toBe(MINUTE);
      await dispatch().giveBack(probe.id, 'not sent');
      expect(await pauseMs(waiting.id)).toBe(0);
    });
  });
}
