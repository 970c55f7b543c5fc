import { describe, expect, it } from 'vitest';
import type { Run } from '../../domain/attempt.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import { FORGE } from '../dispatch/dispatch.testkit.ts';
import { runFixtureOn } from './runs.testkit.ts';

const MINUTE = 60_000;
/** By the database's clock, which no test moves, the window of what was sent just now is over. */
const OVER = { runMadeWithinMs: -MINUTE };

for (const kind of databases) {
  describe(`runs found late, cancelled or in parts on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = runFixtureOn(at);
    const {
      start,
      lease,
      claimNew,
      dispatch,
      job,
      emitted,
      run,
      runs,
      jobs,
      workflowJob,
      accepted,
      unknown,
    } = fixture;

    it('are found for an unknown attempt, and shown on its job', async () => {
      await start();
      const attempt = await unknown();
      expect(await emitted(() => runs().matchRun(attempt.id, run('7'), 'input'))).toEqual([
        ...['attempt.found', 'job.run-found'],
      ]);
      expect(await job(attempt.jobId)).toMatchObject({
        ...{ state: 'triggered', runId: '7', runUrl: 'https://forge/runs/7' },
      });
      expect(await fixture.attempt(attempt.id)).toMatchObject({
        ...{ state: 'found', matched_by: 'input' },
      });
      expect(await runs().matchRun(attempt.id, run('8'), 'order')).toBe(false);
      expect(await runs().listOwnedRunIds(FORGE, ['7', '8'])).toEqual(new Set(['7']));
    });

    it('of jobs long ended are nobody else’s (defect #3)', async () => {
      await start();
      const ended = await accepted('7');
      await jobs().cancelJob(ended.jobId, 'ben');
      const conclusion = 'cancelled';
      await runs().recordRun(ended.id, run('7', { status: 'completed', conclusion }), 100);
      expect(await runs().listOwnedRunIds(FORGE, ['7'])).toEqual(new Set(['7']));
      const attempt = await unknown();
      expect(await runs().matchRun(attempt.id, run('7'), 'order')).toBe(false);
      expect((await job(attempt.jobId)).runId).toBeNull();
    });

    it('that the forge accepted but never shows fail the job', async () => {
      await start();
      const { attempt } = await claimNew(await lease());
      await dispatch().recordAccepted(attempt.id, { runId: null, runUrl: '' });
      expect(await runs().concludeAbsent(attempt.id, 'run not found')).toBe(true);
      expect((await job(attempt.jobId)).state).toBe('failed');
      expect(await runs().listLive(FORGE)).toEqual([]);
    });

    it('that the forge accepted, never showed and were given up, are watched and cancelled', async () => {
      await start();
      const attempt = await accepted(null);
      await runs().concludeAbsent(attempt.id, 'run not found');
      expect(await runs().listWatched(FORGE, 0)).toMatchObject([{ id: attempt.id }]);
      expect(await runs().adoptLateRun(attempt.id, run('1'), 'order')).toBe(true);
      expect(
        await runs().listWantedCancels(FORGE, { ...OVER, forceCancelMs: MINUTE }),
      ).toMatchObject([{ attempt: { id: attempt.id, runId: '1', state: 'accepted' } }]);
      expect((await job(attempt.jobId)).state).toBe('failed');
    });

    it.each<[string, Partial<Run>]>([
      ['are over', { status: 'completed', conclusion: 'failure' }],
      ['somebody has started again', { attempt: 2 }],
    ])(
      'that turn up late and %s belong to the absent attempt, and are left alone',
      async (_, over) => {
        await start();
        const attempt = await unknown();
        await runs().concludeAbsent(attempt.id, 'run not found');
        expect(await runs().adoptLateRun(attempt.id, run('1', over), 'order')).toBe(true);
        expect(await runs().listLive(FORGE)).toMatchObject([{ id: attempt.id, runId: '1' }]);
        expect(
          await runs().listWantedCancels(FORGE, { runMadeWithinMs: 0, forceCancelMs: MINUTE }),
        ).toEqual([]);
      },
    );

    it('that turn up late belong to the absent attempt, and are to be cancelled', async () => {
      await start();
      const attempt = await unknown();
      await runs().concludeAbsent(attempt.id, 'run not found');
      const since = at.clock.now() - MINUTE;
      expect(await runs().listWatched(FORGE, since)).toMatchObject([{ id: attempt.id }]);
      expect(await emitted(() => runs().adoptLateRun(attempt.id, run('1'), 'order'))).toEqual([
        'attempt.run-late',
      ]);
      expect(await runs().listWatched(FORGE, since)).toEqual([]);
      expect(
        await runs().listWantedCancels(FORGE, { ...OVER, forceCancelMs: MINUTE }),
      ).toMatchObject([{ attempt: { id: attempt.id, runId: '1', state: 'absent' } }]);
      const ended = run('1', { status: 'completed', conclusion: 'cancelled' });
      await runs().recordRun(attempt.id, ended, 100);
      expect(await runs().listLive(FORGE)).toEqual([]);
      expect((await job(attempt.jobId)).state).toBe('pending');
    });

    it('are cancelled when wanted and known, and with force when that does not help', async () => {
      await start();
      const attempt = await unknown();
      await jobs().cancelJob(attempt.jobId, 'ben');
      const wanted = async () =>
        (
          await runs().listWantedCancels(FORGE, { runMadeWithinMs: 0, forceCancelMs: 5 * MINUTE })
        ).map(({ how }) => how);
      expect(await wanted()).toEqual([]);
      await runs().matchRun(attempt.id, run('1'), 'input');
      expect(await wanted()).toEqual(['cancel']);
      await runs().recordCancelSent(attempt.id, 'cancel');
      expect(await wanted()).toEqual([]);
      at.clock.advance(5 * MINUTE);
      expect(await wanted()).toEqual(['force-cancel']);
      await runs().recordCancelSent(attempt.id, 'force-cancel');
      at.clock.advance(5 * MINUTE - 1);
      expect(await wanted()).toEqual([]);
    });

    it.each([
      ['after a lost answer', 'found'],
      ['after an answer that named none', 'accepted'],
    ] as const)(
      'known by their time alone, %s, are cancelled when no more can be made that could be the right one',
      async (_, state) => {
        await start();
        const attempt = state === 'found' ? await unknown() : await accepted(null);
        await runs().matchRun(attempt.id, run('1'), 'order');
        await jobs().cancelJob(attempt.jobId, 'ben');
        const waits = { runMadeWithinMs: MINUTE, forceCancelMs: 5 * MINUTE };
        expect(await runs().listWantedCancels(FORGE, waits)).toEqual([]);
        // As long ago, by the database's clock, as a run may take to be made.
        const send_deadline = attempt.sendDeadline - 5_000 - MINUTE - 1;
        await at.database.write((tx) =>
          tx.db.updateTable('attempts').set({ send_deadline }).execute(),
        );
        expect(await runs().listWantedCancels(FORGE, waits)).toMatchObject([
          { attempt: { id: attempt.id, state } },
        ]);
      },
    );

    it('known by their time alone are let go of when another may be meant, and then no cancel is left', async () => {
      await start();
      for (const attempt of [await unknown(), await accepted(null)]) {
        await runs().matchRun(attempt.id, run(attempt.id), 'order');
        await jobs().cancelJob(attempt.jobId, 'ben');
        const letGo = (runId: string) =>
          runs().concludeAmbiguous(attempt.id, 'two', { guessedRunId: runId });
        expect(await letGo('another')).toBe(false);
        expect(await emitted(() => letGo(attempt.id))).toEqual(['attempt.ambiguous']);
        expect(await letGo(attempt.id)).toBe(false);
        expect((await runs().listOwnedRunIds(FORGE, [attempt.id])).size).toBe(0);
        expect((await job(attempt.jobId)).state).toBe('cancelled');
      }
      const waits = { ...OVER, forceCancelMs: MINUTE };
      expect(await runs().listWantedCancels(FORGE, waits)).toEqual([]);
      // By name, or by the forge's word, nothing is let go of.
      const named = await unknown();
      await runs().matchRun(named.id, run('5'), 'input');
      expect(await runs().concludeAmbiguous(named.id, 'two', { guessedRunId: '5' })).toBe(false);
    });

    it('are cancelled with force again and again while they live', async () => {
      await start();
      const attempt = await accepted();
      await jobs().cancelJob(attempt.jobId, 'ben');
      await runs().recordCancelSent(attempt.id, 'cancel');
      const wanted = async () =>
        (
          await runs().listWantedCancels(FORGE, { runMadeWithinMs: 0, forceCancelMs: 5 * MINUTE })
        ).map(({ how }) => how);
      for (let times = 1; times <= 2; times += 1) {
        expect(await wanted()).toEqual([]);
        at.clock.advance(5 * MINUTE);
        expect(await wanted()).toEqual(['force-cancel']);
        await runs().recordCancelSent(attempt.id, 'force-cancel');
      }
      const ended = run('1', { status: 'completed', conclusion: 'cancelled' });
      await runs().recordRun(attempt.id, ended, at.clock.now() + 1);
      at.clock.advance(5 * MINUTE);
      expect(await wanted()).toEqual([]);
    });

    it('of a run with thousands of them are all kept', async () => {
      await start();
      const attempt = await accepted();
      const parts = Array.from({ length: 5_000 }, (_, n) => workflowJob(String(n)));
      await runs().recordWorkflowJobs(attempt.id, parts, at.clock.now() + 1);
      expect(await runs().listWorkflowJobs(FORGE, '1')).toHaveLength(parts.length);
    });

    it('name their runner, mark it busy and let go of it', async () => {
      await start();
      await fixture.addRunners('11', '12');
      const attempt = await accepted();
      const sentAt = at.clock.now() + 1;
      const taken = workflowJob('1', {
        ...{ status: 'in_progress', runnerId: '11', runnerName: 'runner-11', startedAt: sentAt },
      });
      expect(await emitted(() => runs().recordWorkflowJobs(attempt.id, [taken], sentAt))).toEqual([
        ...['runner.changed', 'attempt.changed', 'job.run-found'],
      ]);
      expect(await job(attempt.jobId)).toMatchObject({ runnerId: '11', runnerName: 'runner-11' });
      expect((await fixture.attempt(attempt.id)).hold_ended_at).toBe(at.clock.now());
      expect((await fixture.load()).classes).toMatchObject([{ free: 1, total: 2 }]);
      expect(await runs().listWorkflowJobs(FORGE, '1')).toEqual([taken]);
      expect(
        await emitted(() => runs().recordWorkflowJobs(attempt.id, [taken], sentAt + 1)),
      ).toEqual([]);
    });

    it('do not mark a runner that was seen later than they were', async () => {
      await start();
      await fixture.addRunners('11');
      const attempt = await accepted();
      const startedAt = at.clock.now() - 2_000;
      const taken = workflowJob('1', { status: 'in_progress', runnerId: '11', startedAt });
      await runs().recordWorkflowJobs(attempt.id, [taken], at.clock.now());
      expect((await fixture.load()).classes).toMatchObject([{ free: 1 }]);
    });

    it('are to be looked into when their runner has started something else since', async () => {
      await start();
      await fixture.addRunners('11');
      const attempt = await accepted();
      const onRunner = (id: string, runId: string, startedAt: number) =>
        workflowJob(id, {
          ...{ runId, startedAt, status: 'in_progress', runnerId: '11', runnerName: 'runner-11' },
        });
      const next = await accepted('2');
      const sentAt = at.clock.now() + 5_000;
      await runs().recordWorkflowJobs(attempt.id, [onRunner('1', '1', 1_000)], sentAt);
      expect(await runs().listToCheck(FORGE)).toEqual(new Set());
      await runs().recordWorkflowJobs(next.id, [onRunner('2', '2', 2_000)], sentAt + 1);
      expect(await runs().listToCheck(FORGE)).toEqual(new Set([attempt.id]));
      // Its runner does something else: none is kept for it.
      expect((await fixture.load()).holds).toEqual([]);
    });

    it('tell what they are stamped with, the latest of those that are known for sure', async () => {
      await start();
      const first = await accepted('1');
      const answeredAt = at.clock.advance(1_000);
      const second = await accepted('2');
      const createdAt = at.clock.now() - 3_000;
      for (const [id, runId] of [[first.id, '1'] as const, [second.id, '2'] as const]) {
        await runs().recordRun(id, run(runId, { createdAt }), at.clock.now());
      }
      await accepted('3');
      const stamps = await runs().listStamped(FORGE, 10);
      expect(stamps.map(({ runId }) => runId).toSorted()).toEqual(['1', '2']);
      expect(stamps).toContainEqual({
        ...{ runId: '2', runCreatedAt: createdAt, answeredAt, matchedBy: 'reply' },
        ...{ claimedAt: second.claimedAt, forgeClaimedAt: second.forgeClaimedAt },
        ...{ sendDeadline: second.sendDeadline, forgeSendDeadline: second.forgeSendDeadline },
      });
      expect((await runs().listStamped(FORGE, 1)).map(({ runId }) => runId)).toEqual(['2']);
      expect(await runs().listStamped('other', 10)).toEqual([]);
    });

    it('hold on while a part of them waits, and hold again for one queued later', async () => {
      await start();
      const attempt = await accepted();
      const running = workflowJob('1', { status: 'in_progress', runnerId: '11' });
      const holdEnd = async () => (await fixture.attempt(attempt.id)).hold_ended_at;
      await runs().recordWorkflowJobs(attempt.id, [running, workflowJob('2')], 100);
      expect(await holdEnd()).toBeNull();
      await runs().recordWorkflowJobs(attempt.id, [running], 200);
      expect(await holdEnd()).toBe(at.clock.now());
      const later = workflowJob('3', { createdAt: at.clock.advance(MINUTE) });
      await runs().recordWorkflowJobs(attempt.id, [running, later], 300);
      expect(await holdEnd()).toBeNull();
    });
  });
}
