import { describe, expect, it } from 'vitest';
import { namedAt } from '../../domain/correlation/clusters.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import { FORGE } from '../dispatch/dispatch.testkit.ts';
import { runFixtureOn } from './runs.testkit.ts';

const MINUTE = 60_000;

for (const kind of databases) {
  describe(`runs on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = runFixtureOn(at);
    const { start, job, emitted, run, runs, jobs, accepted, unknown } = fixture;

    it('that may be another’s end the job whose answer was lost, which is never sent again', async () => {
      await start();
      const chain = { autoRequeue: true };
      for (const attempt of [await unknown(chain), await accepted(null, chain)]) {
        const ended = () => runs().concludeAmbiguous(attempt.id, 'outcome-ambiguous: run 7');
        expect(await emitted(ended)).toEqual(['attempt.ambiguous', 'job.failed']);
        const failed = { state: 'failed', errorMessage: 'outcome-ambiguous: run 7', runId: null };
        expect(await job(attempt.jobId)).toMatchObject(failed);
        expect(await ended()).toBe(false);
        expect((await runs().listWatched(FORGE, 0)).map(({ id }) => id)).toContain(attempt.id);
        expect(await runs().listAttemptIds([attempt.id, 'nobody'])).toEqual([attempt.id]);
      }
    });

    it('named to an attempt show at which commits runs bear its id', async () => {
      await start();
      await fixture.addTemplate('u', { correlationInput: 'id' });
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
          await fixture.addTemplate(id, { correlationInput: 'id', ...target });
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
      expect(await emitted(() => runs().recordRun(attempt.id, seen, 100))).toEqual([
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
        expect(await emitted(() => runs().recordRun(attempt.id, ended, 100))).toEqual([
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
      expect((await fixture.attempt(attempt.id)).run_status).toBe('in_progress');
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
      expect(await emitted(() => runs().recordRun(attempt.id, ended, 100))).toEqual([
        'attempt.ended',
      ]);
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
          fixture.jobsThere().cancelJob(attempt.jobId, 'ben'),
        ]);
        expect((await job(attempt.jobId)).state).toBe(cancelled.ok ? 'cancelled' : 'failed');
        expect((await jobs().listQueue('g', {})).jobs).toHaveLength(n + 1);
      }
    });
  });
}
