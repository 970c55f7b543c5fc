import { describe, expect, it } from 'vitest';
import type { Run } from '../../domain/attempt.ts';
import { namedAt } from '../../domain/correlation/clusters.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import { FORGE, sceneOn } from '../dispatch/dispatch.testkit.ts';

const MINUTE = 60_000;
/** By the database's clock, which no test moves, the window of what was sent just now is over. */
const OVER = { runMadeWithinMs: -MINUTE };

for (const kind of databases) {
  describe(`runs on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const scene = sceneOn(at);
    const { start, lease, claimNew, dispatch, job, told, run, runs, jobs, workflowJob } = scene;

    /** An attempt whose run the reply named. */
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

    it('that may be another’s end the job whose answer was lost, which is never sent again', async () => {
      await start();
      const chain = { autoRequeue: true };
      for (const attempt of [await unknown(chain), await accepted(null, chain)]) {
        const ended = () => runs().concludeAmbiguous(attempt.id, 'outcome-ambiguous: run 7');
        expect(await told(ended)).toEqual(['attempt.ambiguous', 'job.failed']);
        const failed = { state: 'failed', errorMessage: 'outcome-ambiguous: run 7', runId: null };
        expect(await job(attempt.jobId)).toMatchObject(failed);
        expect(await ended()).toBe(false);
        expect((await runs().listWatched(FORGE, 0)).map(({ id }) => id)).toContain(attempt.id);
        expect(await runs().listAttemptIds([attempt.id, 'nobody'])).toEqual([attempt.id]);
      }
    });

    it('named to an attempt show at which commits runs bear its id', async () => {
      await start();
      await scene.addTemplate('u', { correlationInput: 'id' });
      const sent = await accepted('1', { templateId: 'u', owner: 'Acme' });
      const listed = () => runs().listNamedCommits([sent], ['c0ffee', 'beef']);
      expect(await listed()).toEqual(new Set());
      const name = `Build ${sent.id}`;
      await runs().recordRun(sent.id, run('1', { name }), 100);
      expect(await listed()).toEqual(new Set([namedAt('id', 'c0ffee')]));
      // By its name alone anybody could have made it.
      const lost = await unknown({ templateId: 'u' });
      const found = run('2', { name: `Build ${lost.id}`, headSha: 'beef' });
      await runs().matchRun(lost.id, found, 'input');
      await runs().recordRun(lost.id, found, 100);
      expect(await listed()).toEqual(new Set([namedAt('id', 'c0ffee')]));
    });

    it.each([
      ['written alike', {}],
      ['that calls its ref and workflow otherwise', { ref: 'refs/heads/main', workflowId: '7' }],
    ])(
      'that lacked its id shows that its commit proves nothing, to a template %s',
      async (_, over) => {
        await start();
        for (const [id, target] of [
          ['u', {}],
          ['v', over],
        ] as const)
          await scene.addTemplate(id, { correlationInput: 'id', ...target });
        let made = 0;
        const seen = async (templateId: string, nameOf: (id: string) => string) => {
          made += 1;
          const sent = await accepted(`${made}`, { templateId });
          const status = 'in_progress';
          await runs().recordRun(sent.id, run(`${made}`, { name: nameOf(sent.id), status }), 100);
          return runs().listNamedCommits([sent], ['c0ffee']);
        };
        const bears = () => seen('u', (id) => `Build ${id}`);
        expect(await bears()).toEqual(new Set([namedAt('id', 'c0ffee')]));
        expect(await seen('v', () => 'Build')).toEqual(new Set());
        expect(await bears()).toEqual(new Set());
      },
    );

    it('queued change nothing on the job', async () => {
      await start();
      const attempt = await accepted();
      expect(await runs().recordRun(attempt.id, run('1'), 100)).toBe(true);
      expect(await job(attempt.jobId)).toMatchObject({ state: 'triggered', startedAt: null });
    });

    it('in progress let the job run, with the forge’s times', async () => {
      await start();
      const attempt = await accepted();
      at.clock.advance(2_000);
      const seen = run('1', { status: 'in_progress', createdAt: 5, startedAt: 7 });
      expect(await told(() => runs().recordRun(attempt.id, seen, 100))).toEqual([
        ...['attempt.changed', 'job.running'],
      ]);
      expect(await job(attempt.jobId)).toMatchObject({
        ...{ state: 'running', startedAt: at.clock.now(), runCreatedAt: 5, runStartedAt: 7 },
      });
    });

    it.each([
      ['success', 'completed', ''],
      ['skipped', 'completed', ''],
      ['neutral', 'completed', ''],
      ['cancelled', 'cancelled', 'cancelled by the forge: concurrency group?'],
      ['failure', 'failed', 'the run ended with failure'],
      ['timed_out', 'failed', 'the run ended with timed_out'],
      ['action_required', 'failed', 'the run ended with action_required'],
      ['startup_failure', 'failed', 'the run ended with startup_failure'],
      ['stale', 'failed', 'the run ended with stale'],
      [null, 'failed', 'the run ended with no conclusion'],
    ])(
      'that end with %s end the job as %s (defect #17)',
      async (conclusion, state, errorMessage) => {
        await start();
        const attempt = await accepted();
        at.clock.advance(MINUTE);
        const ended = run('1', { status: 'completed', conclusion, updatedAt: 9 });
        expect(await told(() => runs().recordRun(attempt.id, ended, 100))).toEqual([
          ...['attempt.ended', `job.${state}`],
        ]);
        expect(await job(attempt.jobId)).toMatchObject({
          ...{ state, errorMessage, completedAt: at.clock.now(), runCompletedAt: 9 },
        });
        expect(await runs().listLive(FORGE)).toEqual([]);
      },
    );

    it('that end bring on the requeue: at once after success, put off after failures', async () => {
      await start();
      const over = { autoRequeue: true };
      const good = await accepted('1', over);
      const ended = { status: 'completed' } as const;
      await runs().recordRun(good.id, run('1', { ...ended, conclusion: 'success' }), 100);
      const bad = await accepted('2', over);
      await runs().recordRun(bad.id, run('2', { ...ended, conclusion: 'failure' }), 100);
      const queue = (await jobs().listQueue('g', {})).jobs;
      expect(queue.map(({ notBefore, failureCount }) => [notBefore, failureCount])).toEqual([
        [null, 0],
        [at.clock.now() + 30_000, 1],
      ]);
    });

    it('are seen by the newest look only, and never come back from their end', async () => {
      await start();
      const attempt = await accepted();
      const seen = (status: string, sentAt: number) =>
        runs().recordRun(attempt.id, run('1', { status, conclusion: 'success' }), sentAt);
      expect(await seen('in_progress', 200)).toBe(true);
      expect(await seen('queued', 100)).toBe(false);
      expect(await seen('queued', 200)).toBe(false);
      expect((await scene.attempt(attempt.id)).run_status).toBe('in_progress');
      expect(await seen('completed', 300)).toBe(true);
      expect(await seen('in_progress', 400)).toBe(false);
      expect((await job(attempt.jobId)).state).toBe('completed');
    });

    it('that end are over, also by a forge’s clock that was put back meanwhile', async () => {
      await start();
      const attempt = await accepted();
      const seen = (status: string, sentAt: number) =>
        runs().recordRun(attempt.id, run('1', { status, conclusion: 'success' }), sentAt);
      expect(await seen('in_progress', 3_600_000)).toBe(true);
      expect(await seen('completed', 200)).toBe(true);
      expect((await job(attempt.jobId)).state).toBe('completed');
    });

    it('that somebody started again move nothing', async () => {
      await start();
      const attempt = await accepted();
      const again = run('1', { attempt: 2, status: 'completed', conclusion: 'success' });
      expect(await runs().recordRun(attempt.id, again, 100)).toBe(false);
      expect((await job(attempt.jobId)).state).toBe('triggered');
    });

    it('of another attempt move nothing', async () => {
      await start();
      const attempt = await accepted();
      const other = run('2', { status: 'completed', conclusion: 'success' });
      expect(await runs().recordRun(attempt.id, other, 100)).toBe(false);
    });

    it('end a cancelled job’s attempt, and nothing of the job (defect #2)', async () => {
      await start();
      const attempt = await accepted();
      await jobs().cancelJob(attempt.jobId, 'ben');
      const ended = run('1', { status: 'completed', conclusion: 'success' });
      expect(await told(() => runs().recordRun(attempt.id, ended, 100))).toEqual(['attempt.ended']);
      expect((await job(attempt.jobId)).state).toBe('cancelled');
    });

    it('whose end races a cancel end the job once, with one requeue (defect #4)', async () => {
      await start();
      for (let n = 0; n < 8; n += 1) {
        const runId = String(n);
        const attempt = await accepted(runId, { autoRequeue: true, requeueLimit: 1 });
        const ended = run(runId, { status: 'completed', conclusion: 'failure' });
        const [, cancelled] = await Promise.all([
          runs().recordRun(attempt.id, ended, 100),
          scene.jobsThere().cancelJob(attempt.jobId, 'ben'),
        ]);
        expect((await job(attempt.jobId)).state).toBe(cancelled.ok ? 'cancelled' : 'failed');
        expect((await jobs().listQueue('g', {})).jobs).toHaveLength(n + 1);
      }
    });

    it('are found for an unknown attempt, and shown on its job', async () => {
      await start();
      const attempt = await unknown();
      expect(await told(() => runs().matchRun(attempt.id, run('7'), 'input'))).toEqual([
        ...['attempt.found', 'job.run-found'],
      ]);
      expect(await job(attempt.jobId)).toMatchObject({
        ...{ state: 'triggered', runId: '7', runUrl: 'https://forge/runs/7' },
      });
      expect(await scene.attempt(attempt.id)).toMatchObject({
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
      expect(await told(() => runs().adoptLateRun(attempt.id, run('1'), 'order'))).toEqual([
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
        expect(await told(() => letGo(attempt.id))).toEqual(['attempt.ambiguous']);
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
      await scene.addRunners('11', '12');
      const attempt = await accepted();
      const sentAt = at.clock.now() + 1;
      const taken = workflowJob('1', {
        ...{ status: 'in_progress', runnerId: '11', runnerName: 'runner-11', startedAt: sentAt },
      });
      expect(await told(() => runs().recordWorkflowJobs(attempt.id, [taken], sentAt))).toEqual([
        ...['runner.changed', 'attempt.changed', 'job.run-found'],
      ]);
      expect(await job(attempt.jobId)).toMatchObject({ runnerId: '11', runnerName: 'runner-11' });
      expect((await scene.attempt(attempt.id)).hold_ended_at).toBe(at.clock.now());
      expect((await scene.load()).classes).toMatchObject([{ free: 1, total: 2 }]);
      expect(await runs().listWorkflowJobs(FORGE, '1')).toEqual([taken]);
      expect(await told(() => runs().recordWorkflowJobs(attempt.id, [taken], sentAt + 1))).toEqual(
        [],
      );
    });

    it('do not mark a runner that was seen later than they were', async () => {
      await start();
      await scene.addRunners('11');
      const attempt = await accepted();
      const startedAt = at.clock.now() - 2_000;
      const taken = workflowJob('1', { status: 'in_progress', runnerId: '11', startedAt });
      await runs().recordWorkflowJobs(attempt.id, [taken], at.clock.now());
      expect((await scene.load()).classes).toMatchObject([{ free: 1 }]);
    });

    it('are to be looked into when their runner has started something else since', async () => {
      await start();
      await scene.addRunners('11');
      const attempt = await accepted();
      const onRunner = (id: string, runId: string, startedAt: number) =>
        workflowJob(id, {
          ...{ runId, startedAt, status: 'in_progress', runnerId: '11', runnerName: 'runner-11' },
        });
      const next = await accepted('2');
      const sentAt = at.clock.now() + 5_000;
      await runs().recordWorkflowJobs(attempt.id, [onRunner('1', '1', 1_000)], sentAt);
      expect(await runs().listToLookInto(FORGE)).toEqual(new Set());
      await runs().recordWorkflowJobs(next.id, [onRunner('2', '2', 2_000)], sentAt + 1);
      expect(await runs().listToLookInto(FORGE)).toEqual(new Set([attempt.id]));
      // Its runner does something else: none is kept for it.
      expect((await scene.load()).holds).toEqual([]);
    });

    it('tell what they are stamped with, the latest of those that are known for sure', async () => {
      await start();
      const [first, second] = [await accepted('1'), await accepted('2')];
      const createdAt = at.clock.now() - 3_000;
      for (const [id, runId] of [[first.id, '1'] as const, [second.id, '2'] as const]) {
        await runs().recordRun(id, run(runId, { createdAt }), at.clock.now());
      }
      await accepted('3');
      const stamps = await runs().listStamped(FORGE, 10);
      expect(stamps.map(({ runId }) => runId).toSorted()).toEqual(['1', '2']);
      expect(stamps).toContainEqual({
        ...{ runId: '2', runCreatedAt: createdAt, matchedBy: 'reply' },
        ...{ claimedAt: second.claimedAt, forgeClaimedAt: second.forgeClaimedAt },
        ...{ sendDeadline: second.sendDeadline, forgeSendDeadline: second.forgeSendDeadline },
      });
      expect((await runs().listStamped(FORGE, 2)).map(({ runId }) => runId)).toEqual(['2']);
      expect(await runs().listStamped('other', 10)).toEqual([]);
    });

    it('hold on while a part of them waits, and hold again for one queued later', async () => {
      await start();
      const attempt = await accepted();
      const running = workflowJob('1', { status: 'in_progress', runnerId: '11' });
      const holdEnd = async () => (await scene.attempt(attempt.id)).hold_ended_at;
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
