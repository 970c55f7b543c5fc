import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { databases, useDatabase } from '../databases.testkit.ts';
import { FORGE, fixtureOn, manual, refused } from '../dispatch/dispatch.testkit.ts';
import { moveJob } from './jobs.ts';

for (const kind of databases) {
  describe(`moves of jobs on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { jobs, dispatch, runs } = fixture;

    it('that the table does not name are bugs, and write nothing', async () => {
      await fixture.start();
      const { id } = await fixture.add();
      const event = { kind: 'job.running' } as const;
      const wrong = at.database.write((tx) =>
        moveJob(tx, { id, from: 'pending', to: 'running', set: {}, event }),
      );
      await expect(wrong).rejects.toThrow('no edge pending -> running');
      const lost = await at.database.write((tx) =>
        moveJob(tx, { id, from: 'triggered', to: 'running', set: {}, event }),
      );
      expect(lost).toBeUndefined();
      expect((await fixture.job(id)).state).toBe('pending');
    });

    const steps = [
      ...['enqueue', 'enqueue-manual', 'claim', 'claim', 'give-back', 'accept', 'accept', 'refuse'],
      ...['fail', 'unknown', 'match', 'absent', 'start', 'end-good', 'end-bad', 'gone', 'cancel'],
      ...['delete', 'pause', 'later', 'late-run'],
    ] as const;
    type Step = (typeof steps)[number];
    let runCount = 0;

    /** Any operation on any job or attempt, whether it may or not. */
    async function take(step: Step, pick: number): Promise<void> {
      const one = <T>(items: readonly T[]): T | undefined =>
        items[pick % Math.max(1, items.length)];
      const rows = await at.database.read.selectFrom('jobs').select('id').orderBy('id').execute();
      const job = one(rows)?.id ?? '';
      const attempts = await at.database.read.selectFrom('attempts').selectAll().execute();
      const live = attempts.filter(({ ended_at }) => ended_at === null);
      // Mostly where something can still happen.
      const attempt = one(pick % 4 === 0 || live.length === 0 ? attempts : live);
      const id = attempt?.id ?? '';
      const runId = attempt?.run_id ?? String((runCount += 1));
      const seen = (status: string, conclusion: string | null = null) =>
        runs().recordRun(id, fixture.run(runId, { status, conclusion }), at.clock.now());
      const over = { autoRequeue: pick % 2 === 0, requeueLimit: 2 };
      const actions: Record<Step, () => Promise<unknown>> = {
        enqueue: () => fixture.add(over),
        'enqueue-manual': () => fixture.add({ ...manual, ...over, priority: (pick % 5) - 2 }),
        claim: async () => dispatch().claim(await fixture.lease(), fixture.request(job)),
        'give-back': () => dispatch().giveBack(id, 'late'),
        // Sometimes a run that a guess has already.
        accept: () => dispatch().recordAccepted(id, { runId: String(pick % 4), runUrl: '' }),
        refuse: () => dispatch().recordRefused(id, refused),
        fail: () => dispatch().recordRefused(id, { ...refused, then: 'fail' }),
        unknown: () => dispatch().recordUnknown(id, '502'),
        match: () => runs().matchRun(id, fixture.run(String(pick % 4)), 'order'),
        absent: () => runs().concludeAbsent(id, 'run not found'),
        start: () => seen('in_progress'),
        'end-good': () => seen('completed', 'success'),
        'end-bad': () => seen('completed', 'failure'),
        gone: () => runs().recordRunGone(id, 0, 'deleted'),
        cancel: () => jobs().cancelJob(job, 'ben'),
        delete: () => jobs().deleteJob(job, 'ben'),
        pause: () => jobs().setPaused(job, pick % 2 === 0, 'ben'),
        'late-run': () => runs().adoptLateRun(id, fixture.run(String(pick % 4)), 'order'),
        later: async () => at.clock.advance(60_000),
      };
      await actions[step]();
    }

    async function countsAsKept(): Promise<Record<string, number>> {
      const rows = await at.database.read.selectFrom('job_counts').selectAll().execute();
      const kept = rows.filter((row) => row.n !== 0);
      return Object.fromEntries(kept.map((row) => [`${row.template_id} ${row.state}`, row.n]));
    }

    async function countsAsFound(): Promise<Record<string, number>> {
      const rows = await at.database.read.selectFrom('jobs').selectAll().execute();
      const found: Record<string, number> = {};
      for (const { template_id, state } of rows) {
        const key = `${template_id ?? ''} ${state}`;
        found[key] = (found[key] ?? 0) + 1;
      }
      return found;
    }

    /** What must be true after every transaction. */
    async function expectSound(): Promise<void> {
      expect(await countsAsKept()).toEqual(await countsAsFound());
      const rows = await at.database.read.selectFrom('jobs').selectAll().execute();
      const live = await runs().listLive(FORGE);
      for (const row of rows) {
        const isActive = row.state === 'triggered' || row.state === 'running';
        const own = live.filter(({ id, jobId }) => jobId === row.id && id === row.attempt_id);
        if (isActive) expect(own).toHaveLength(1);
        if (row.state === 'pending') expect([row.attempt_id, row.run_id]).toEqual([null, null]);
        const hasEnded = ['completed', 'failed', 'cancelled'].includes(row.state);
        expect(row.completed_at !== null).toBe(hasEnded);
      }
    }

    it('keep the counts what they are, and one live attempt for each active job', async () => {
      const step = fc.tuple(fc.constantFrom(...steps), fc.nat(60));
      const numRuns = kind.name === 'sqlite' ? 25 : 8;
      await fixture.start();
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }),
          async (taken) => {
            await at.database.write(async ({ db }) => {
              for (const table of ['jobs', 'job_counts', 'attempts', 'events'] as const) {
                await db.deleteFrom(table).execute();
              }
            });
            for (const [name, pick] of taken) await take(name, pick);
            await expectSound();
          },
        ),
        { numRuns },
      );
    });

    it('happening at once keep the counts too', async () => {
      await fixture.start();
      for (let n = 0; n < 10; n += 1) await take('enqueue', n);
      const random = fc.sample(fc.tuple(fc.constantFrom(...steps), fc.nat(60)), 120);
      for (let from = 0; from < random.length; from += 12) {
        const burst = random.slice(from, from + 12);
        await Promise.all(burst.map(([name, pick]) => take(name, pick)));
      }
      await expectSound();
    });
  });
}
