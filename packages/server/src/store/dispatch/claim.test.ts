import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../domain/attempt.ts';
import type { WriteTx } from '../database.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import { makeLeaseStore } from '../leases.ts';
import { fixtureOn, manual, refused } from './dispatch.testkit.ts';

const MINUTE = 60_000;

for (const kind of databases) {
  describe(`a claim on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { start, add, lease, request, dispatch, job, emitted, race } = fixture;

    it('freezes target, labels and inputs in an attempt, before anything is sent', async () => {
      await start();
      await fixture.addTemplate('u', { runners: 2, correlationInput: 'id' });
      const fence = await lease();
      const { id } = await add({ templateId: 'u', ref: 'dev', repo: '', inputs: { a: '1' } });
      const asked = request(id);
      expect(await emitted(() => dispatch().claim(fence, asked))).toEqual(['job.triggered']);
      expect(await job(id)).toMatchObject({
        ...{ state: 'triggered', attemptId: asked.attemptId, triggeredAt: at.clock.now() },
        ...{ runId: null, runUrl: '' },
      });
      expect(await fixture.runs().listLive('github')).toMatchObject([
        {
          ...{ id: asked.attemptId, jobId: id, groupId: 'g', forgeId: 'github', state: 'claimed' },
          ...{ owner: 'acme', repo: 'app', workflowId: 'ci.yml', ref: 'dev', labels: ['linux'] },
          ...{ runners: 2, correlationInput: 'id', actor: 'bot', credentialId: 'token' },
          ...{ claimedAt: at.clock.now(), runId: null, endedAt: null },
        },
      ]);
    });

    it('hands over the inputs, with the attempt’s id where the workflow wants it', async () => {
      await start();
      await fixture.addTemplate('u', { correlationInput: 'id', defaultInputs: { a: '1' } });
      const claim = await fixture.claimNew(await lease(), { templateId: 'u' });
      expect(claim.inputs).toEqual({ a: '1', id: claim.attempt.id });
      expect((await fixture.claimNew(await lease(), manual)).inputs).toEqual({});
    });

    describe('of a job whose run will be known by its time alone', () => {
      const claimOf = async (over: Parameters<typeof add>[0]) => {
        const { id } = await add(over);
        return dispatch().claim(await lease(), request(id));
      };
      const lose = async () => {
        const { attempt } = await fixture.claimNew(await lease(), { inputs: { a: '1' } });
        await dispatch().recordUnknown(attempt.id, '502');
        return attempt;
      };
      /** As long ago, by the database's clock, as a run may take to be made. */
      const passSendDeadline = async ({ sendDeadline }: Attempt) => {
        const send_deadline = sendDeadline - 5_000 - 5 * MINUTE - 1;
        await at.database.write((tx) =>
          tx.db.updateTable('attempts').set({ send_deadline }).execute(),
        );
      };

      it('is refused while one with other inputs is in doubt, by whatever name its workflow goes', async () => {
        await start();
        await lose();
        const { id } = await add({ inputs: { a: '2' } });
        expect(await dispatch().claim(await lease(), request(id))).toBeUndefined();
        expect(await job(id)).toMatchObject({ state: 'pending', attemptId: null });
        const other = { inputs: { a: '2' }, workflowId: '4711', owner: 'ACME' };
        expect(await claimOf(other)).toBeUndefined();
        expect(await claimOf({ inputs: { a: '2' }, ref: 'next' })).toBeDefined();
        expect(await claimOf({ inputs: { a: '1' } })).toBeDefined();
      });

      it('is possible once its run is known, or it surely started nothing', async () => {
        await start();
        const found = await lose();
        expect(await claimOf({ inputs: { a: '2' } })).toBeUndefined();
        await dispatch().recordAccepted(found.id, { runId: '7', runUrl: '' });
        const { attempt } = (await claimOf({ inputs: { a: '2' } }))!;
        expect(await claimOf({ inputs: { a: '3' } })).toBeUndefined();
        await dispatch().giveBack(attempt.id, 'not sent');
        expect(await claimOf({ inputs: { a: '3' } })).toBeDefined();
      });

      it('has to wait on where that run was taken by its time alone: it may be another’s', async () => {
        await start();
        const found = await lose();
        await fixture.runs().matchRun(found.id, fixture.run('7'), 'order');
        expect(await claimOf({ inputs: { a: '2' } })).toBeUndefined();
        const ended = fixture.run('7', { status: 'completed', conclusion: 'success' });
        await fixture.runs().recordRun(found.id, ended, at.clock.now());
        expect(await claimOf({ inputs: { a: '2' } })).toBeUndefined();
        await passSendDeadline(found);
        expect(await claimOf({ inputs: { a: '2' } })).toBeDefined();
      });

      it('is refused, whatever a listing has shown, until it is concluded that it started none', async () => {
        await start();
        const lost = await lose();
        await fixture.runs().recordMissing(lost.id, lost.forgeSendDeadline + 60 * MINUTE);
        expect(await claimOf({ inputs: { a: '2' } })).toBeUndefined();
        await fixture.runs().concludeAbsent(lost.id, 'run not found');
        expect(await claimOf({ inputs: { a: '2' } })).toBeDefined();
      });

      it('is refused for some time where it ended ambiguous', async () => {
        await start();
        const lost = await lose();
        await fixture.runs().concludeAmbiguous(lost.id, 'ambiguous');
        expect(await claimOf({ inputs: { a: '2' } })).toBeUndefined();
        await passSendDeadline(lost);
        expect(await claimOf({ inputs: { a: '2' } })).toBeDefined();
      });

      it('needs no such wait where it sends its id, unless a run has shown that it gets lost', async () => {
        await start();
        await fixture.addTemplate('u', { correlationInput: 'id' });
        const named = { templateId: 'u', workflowId: 'ci.yml' };
        await lose();
        const { attempt } = (await claimOf({ ...named, inputs: { a: '2' } }))!;
        expect(attempt.isNamed).toBe(true);
        await dispatch().recordAccepted(attempt.id, { runId: '7', runUrl: '' });
        const nameless = fixture.run('7', { status: 'in_progress' });
        expect(await emitted(() => fixture.runs().recordRun(attempt.id, nameless, 100))).toContain(
          'target.unnamed',
        );
        expect(await claimOf({ ...named, inputs: { a: '2' } })).toBeUndefined();
        const { attempt: same } = (await claimOf({ ...named, inputs: { a: '1' } }))!;
        expect(same).toMatchObject({ isNamed: false, correlationInput: 'id' });
        // The file was mended.
        at.clock.advance(1);
        await dispatch().recordAccepted(same.id, { runId: '8', runUrl: '' });
        const bearing = fixture.run('8', { name: `Build ${same.id}`, headSha: 'beef' });
        expect(await emitted(() => fixture.runs().recordRun(same.id, bearing, 100))).toContain(
          'target.named',
        );
        expect((await claimOf({ ...named, inputs: { a: '2' } }))?.attempt.isNamed).toBe(true);
      });
    });

    it('is won by one of many claimers', async () => {
      await start();
      const fence = await lease();
      const { id } = await add();
      const claims = await Promise.all(
        Array.from({ length: 8 }, async (_, n) =>
          (n % 2 === 0 ? dispatch() : fixture.dispatchThere()).claim(fence, request(id)),
        ),
      );
      const won = claims.filter((claim) => claim !== undefined);
      expect(won).toHaveLength(1);
      expect((await job(id)).attemptId).toBe(won[0]!.attempt.id);
      expect(await fixture.runs().listLive('github')).toHaveLength(1);
    });

    it('is refused to a stale lease holder, and to one whose lease ran out', async () => {
      await start();
      const stale = await lease();
      const { id } = await add();
      await at.database.write(async ({ db }) => {
        await db.updateTable('leases').set({ expires_at: 1 }).execute();
      });
      expect(await dispatch().claim(stale, request(id))).toBeUndefined();
      const next = await makeLeaseStore(at.replica).tryAcquire(stale.name, 'other', 60_000);
      expect(await dispatch().claim(stale, request(id))).toBeUndefined();
      expect(await dispatch().claim({ ...stale, epoch: 2 }, request(id))).toBeUndefined();
      expect(await fixture.dispatchThere().claim(next!, request(id))).toBeDefined();
    });

    it('loses to a lease that changes hands while it waits', async () => {
      await start();
      const fence = await lease();
      const { id } = await add();
      const claim = await race(
        (tx) => tx.db.updateTable('leases').set({ holder: 'other', epoch: 2 }).execute(),
        () => dispatch().claim(fence, request(id)),
      );
      expect(claim).toBeUndefined();
      expect((await job(id)).state).toBe('pending');
    });

    it.each([
      ['paused', { is_paused: 1 }],
      ['put off', { not_before: Date.UTC(2026, 0, 1, 13) }],
      ['cleared of its target', { workflow_id: '', template_id: null }],
    ] as const)('passes over a job that is %s', async (_, set) => {
      await start();
      const fence = await lease();
      const { id } = await add(manual);
      await at.database.write((tx) => tx.db.updateTable('jobs').set(set).execute());
      expect(await dispatch().claim(fence, request(id))).toBeUndefined();
      expect(await job(id)).toMatchObject({ state: 'pending', attemptId: null });
      expect(await fixture.runs().listLive('github')).toEqual([]);
    });

    it('takes a job again once its backoff has passed', async () => {
      await start();
      const fence = await lease();
      const { id } = await add();
      const not_before = at.clock.now() + 1_000;
      await at.database.write((tx) => tx.db.updateTable('jobs').set({ not_before }).execute());
      at.clock.advance(1_000);
      expect(await dispatch().claim(fence, request(id))).toBeDefined();
    });

    it.each([
      ['paused', { isPaused: true }],
      ['disabled', { isEnabled: false }],
    ] as const)('takes nothing of a group that is %s (defect #13)', async (_, over) => {
      await start();
      await fixture.addGroup('off', over);
      const { id } = await add({ ...manual, groupId: 'off' });
      expect(await dispatch().claim(await lease(), request(id))).toBeUndefined();
    });

    it('loses to a pause of the group or the job that comes first (defect #32)', async () => {
      await start();
      const fence = await lease();
      const { id } = await add();
      const claim = () => dispatch().claim(fence, request(id));
      const group = (is_paused: 0 | 1) => (tx: WriteTx) =>
        tx.db.updateTable('groups').set({ is_paused }).execute();
      expect(await race(group(1), claim)).toBeUndefined();
      await at.database.write(group(0));
      const pause = (tx: WriteTx) => tx.db.updateTable('jobs').set({ is_paused: 1 }).execute();
      expect(await race(pause, claim)).toBeUndefined();
      expect((await job(id)).state).toBe('pending');
    });

    it('and a deletion of its job cannot both win (defect #32)', async () => {
      await start();
      const fence = await lease();
      for (let n = 0; n < 6; n += 1) {
        const { id } = await add();
        const [claim, deleted] = await Promise.all([
          dispatch().claim(fence, request(id)),
          fixture.jobsThere().deleteJob(id, 'ben'),
        ]);
        expect(deleted.ok).toBe(claim === undefined);
      }
      const { id } = await add();
      const remove = (tx: WriteTx) => tx.db.deleteFrom('jobs').where('id', '=', id).execute();
      expect(await race(remove, () => dispatch().claim(fence, request(id)))).toBeUndefined();
    });

    it('keeps a group under its cap, also when many come at once', async () => {
      await start();
      await fixture.addGroup('capped', { maxParallel: 2 });
      const fence = await lease();
      const added = await Promise.all(
        Array.from({ length: 6 }, () => add({ ...manual, groupId: 'capped' })),
      );
      const claims = await Promise.all(
        added.map(({ id }, n) =>
          (n % 2 === 0 ? dispatch() : fixture.dispatchThere()).claim(fence, request(id)),
        ),
      );
      const won = claims.filter((claim) => claim !== undefined);
      expect(won).toHaveLength(2);
      await dispatch().giveBack(won[0]!.attempt.id, 'not sent');
      const left = added.find(({ id }) => !won.some(({ attempt }) => attempt.jobId === id))!;
      expect(await dispatch().claim(fence, request(left.id))).toBeDefined();
    });

    it('sends nothing to a blocked target but one probe when it is due', async () => {
      await start();
      const fence = await lease();
      const refuse = async () => {
        const { attempt } = await fixture.claimNew(fence);
        await dispatch().recordRefused(attempt.id, {
          ...refused,
          ...{ then: 'fail', verdict: 'template-broken' },
        });
      };
      await refuse();
      await refuse();
      expect(await emitted(refuse)).toContain('target.blocked');
      const one = await add();
      const other = await add();
      const elsewhere = await add({ ref: 'dev' });
      expect(await dispatch().claim(fence, request(one.id))).toBeUndefined();
      expect(await dispatch().claim(fence, request(elsewhere.id))).toBeDefined();
      at.clock.advance(60_000);
      const probe = await dispatch().claim(fence, request(other.id));
      expect(probe).toBeDefined();
      expect(await dispatch().claim(fence, request(one.id))).toBeUndefined();
      const run = { runId: '1', runUrl: 'u' };
      expect(await emitted(() => dispatch().recordAccepted(probe!.attempt.id, run))).toContain(
        'target.cleared',
      );
      expect(await dispatch().claim(fence, request(one.id))).toBeDefined();
    });

    it('that is a probe puts the next one off by its interval, should nobody hear how it ended', async () => {
      await start();
      const fence = await lease();
      const { attempt } = await fixture.claimNew(fence);
      await dispatch().recordRefused(attempt.id, { ...refused, verdict: 'no-access' });
      const next = await add();
      at.clock.advance(60_000);
      const probe = { ...request(attempt.jobId), probeMs: 7_000 };
      expect(await dispatch().claim(fence, probe)).toBeDefined();
      at.clock.advance(6_999);
      expect(await dispatch().claim(fence, request(next.id))).toBeUndefined();
      at.clock.advance(1);
      expect(await dispatch().claim(fence, request(next.id))).toBeDefined();
    });

    it('is expired into unknown by the database’s clock, once its sender must be gone', async () => {
      await start();
      const fence = await lease();
      const { attempt } = await fixture.claimNew(fence);
      expect(await dispatch().expireClaims(fence, 30_000)).toBe(0);
      const send_deadline = attempt.sendDeadline - 36_000;
      await at.database.write((tx) =>
        tx.db.updateTable('attempts').set({ send_deadline }).execute(),
      );
      expect(await dispatch().expireClaims({ ...fence, epoch: 7 }, 30_000)).toBe(0);
      expect(await emitted(() => dispatch().expireClaims(fence, 30_000))).toEqual([
        'attempt.unknown',
      ]);
      expect(await fixture.attempt(attempt.id)).toMatchObject({ state: 'unknown', ended_at: null });
      expect((await job(attempt.jobId)).state).toBe('triggered');
    });
  });
}
