import { describe, expect, it } from 'vitest';
import { planDispatch } from '../../domain/dispatch-plan/dispatch-plan.ts';
import { labelSetOf } from '../../domain/runner.ts';
import { databases, useDatabase } from '../databases.testkit.ts';
import { fixtureOn, manual, newJob } from './dispatch.testkit.ts';

const MINUTE = 60_000;

for (const kind of databases) {
  describe(`what the planner is told on ${kind.name}`, () => {
    const at = useDatabase(kind);
    const fixture = fixtureOn(at);
    const { start, add, lease, claimNew, dispatch, load, runs, run, jobs, workflowJob, block } =
      fixture;

    const group = async (id = 'g') => (await load()).groups.find((one) => one.id === id)!;
    const head = async (id = 'g') => (await group(id)).head.map((job) => job.id);
    const setJob = (id: string, set: object) =>
      at.database.write((tx) => tx.db.updateTable('jobs').set(set).where('id', '=', id).execute());

    it('is the head of each queue in order, as long as there are runners, and how many wait', async () => {
      await start();
      await fixture.addRunners('1');
      const added = [];
      for (const priority of [0, 0, 1, 0, 0, -1]) added.push((await add({ priority })).id);
      const [a, b, c] = added;
      expect(await head()).toEqual([c, a, b]);
      expect(await group()).toMatchObject({
        ...{ pendingCount: 6, live: 0, labels: ['linux'], scopes: null, maxParallel: null },
        ...{ isEnabled: true, isPaused: false },
      });
      expect((await group()).head[0]).toEqual({
        ...{ id: c, priority: 1, rank: 3 * 2 ** 20, createdAt: at.clock.now(), runners: 1 },
        ...{ owner: 'acme', repo: 'app', workflowId: 'ci.yml', ref: 'main', credentialId: 'token' },
        ...{ isNamed: false, inputsHash: expect.any(String), isYielding: false },
      });
    });

    it('shows nothing of groups that may not send, and still counts them', async () => {
      await start();
      await fixture.addGroup('off', { isEnabled: false });
      await fixture.addGroup('paused', { isPaused: true });
      for (const groupId of ['off', 'paused']) await add({ ...manual, groupId });
      for (const id of ['off', 'paused']) {
        expect(await group(id)).toMatchObject({ head: [], pendingCount: 1 });
      }
    });

    it('passes over jobs that are paused, put off or blocked, to those behind them', async () => {
      await start();
      await fixture.addTemplate('u', { workflowId: 'other.yml' });
      await fixture.addRunners('1');
      const hidden = [await add(), await add(), await add(), await add({ ...manual, ref: 'dev' })];
      await jobs().setPaused(hidden[0]!.id, true, 'ben');
      await setJob(hidden[1]!.id, { not_before: at.clock.now() + 1 });
      await block({});
      await block({ ref: 'dev' });
      const other = await add({ templateId: 'u' });
      const own = await add({ ref: 'fix' });
      const byHand = await add({ ...manual, ref: 'fix' });
      expect(await head()).toEqual([other.id, own.id, byHand.id]);
    });

    it('shows those behind jobs that wait for the outcome of one with other inputs', async () => {
      await start();
      await fixture.addTemplate('u', { workflowId: 'other.yml', correlationInput: 'id' });
      const { attempt } = await fixture.claimNew(await fixture.lease(), { inputs: { n: 'lost' } });
      await fixture.dispatch().recordUnknown(attempt.id, '502');
      await fixture.addRunners('1', '2');
      for (let n = 0; n < 9; n += 1) await add({ inputs: { n: String(n) } });
      const behind = await add({ templateId: 'u' });
      expect(await head()).toContain(behind.id);
      expect((await fixture.load()).doubts).toMatchObject([{ jobId: attempt.jobId }]);
    });

    it.each([
      ['manual jobs', manual],
      ['jobs with a ref of their own', { ref: 'dev' }],
    ])('shows those behind %s that wait so, however these are written', async (_, doubted) => {
      await start();
      await fixture.addTemplate('u', { workflowId: 'other.yml', correlationInput: 'id' });
      await fixture.addTemplate('named', { correlationInput: 'id' });
      const { attempt } = await claimNew(await lease(), { ...doubted, inputs: { n: 'lost' } });
      await dispatch().recordUnknown(attempt.id, '502');
      await fixture.addRunners('1', '2', '3');
      const spellings = [{}, { owner: 'ACME' }, { workflowId: '.github/workflows/ci.yml' }];
      for (const over of [
        ...spellings,
        { workflowId: '7' },
        { ref: `refs/heads/${attempt.ref}` },
      ]) {
        for (let n = 0; n < 5; n += 1) await add({ ...doubted, ...over, inputs: { n: String(n) } });
      }
      const first = (await head())[0];
      // Its runs are known by the id in their names: it has no need to wait.
      const named = await add({ templateId: 'named', ref: attempt.ref });
      const own = await add({ ...manual, workflowId: 'other.yml' });
      const behind = await add({ templateId: 'u' });
      expect(await head()).toEqual(expect.arrayContaining([first, named.id, own.id, behind.id]));
      // The lost one keeps the third runner.
      const { sends } = planDispatch({ ...(await load()), allowances: [] });
      expect(sends.map(({ jobId }) => jobId)).toEqual([named.id, own.id]);
    });

    it('passes over jobs whose repository no free runner serves, but names who waits', async () => {
      await start();
      await fixture.addTemplate('u', { owner: 'other', repo: 'lib' });
      await fixture.addRunnersAs({ scope: 'repo:Other/Lib' }, '1');
      const waiting = [];
      for (let n = 0; n < 6; n += 1) waiting.push((await add()).id);
      for (let n = 0; n < 3; n += 1) waiting.push((await add(manual)).id);
      const served = await add({ templateId: 'u' });
      const byHand = await add({ ...manual, owner: 'other', repo: 'lib' });
      expect(await head()).toEqual([...waiting.slice(0, 2), served.id, byHand.id]);
    });

    it('names who waits first when nothing is free', async () => {
      await start();
      const ids = [(await add()).id, (await add()).id];
      await add();
      expect(await head()).toEqual(ids);
    });

    it('tells jobs that can never be sent apart (defect #17)', async () => {
      await start();
      await fixture.addRunners('1');
      await fixture.addTemplate('bare', { ref: '', workflowId: '' });
      const bad = await add({ templateId: 'bare' });
      const fine = await add();
      const state = await load();
      expect(state.undispatchable).toEqual([{ jobId: bad.id, missing: ['workflow_id', 'ref'] }]);
      expect(state.groups[0]!.head.map(({ id }) => id)).toEqual([fine.id]);
    });

    it('counts free runners per scope and labels: idle, seen lately, and not missed', async () => {
      await start();
      await fixture.addRunners('1', '2');
      await fixture.addRunnersAs({ is_busy: 1 }, '3');
      await fixture.addRunnersAs({ status: 'offline' }, '4');
      await fixture.addRunnersAs({ missed_passes: 1 }, '5');
      const labels = ['gpu', 'linux'];
      const gpu = { scope: 'repo:acme/app', label_set: labelSetOf(labels) };
      await fixture.addRunnersAs(gpu, '1');
      const byScope = async () =>
        (await load()).classes.toSorted((a, b) => (a.scope < b.scope ? -1 : 1));
      const linux = { scope: 'org:acme', labels: ['linux'], free: 2, online: 4, total: 5 };
      const other = { scope: gpu.scope, labels, free: 1, online: 1, total: 1 };
      expect(await byScope()).toEqual([
        { ...linux, isFresh: true },
        { ...other, isFresh: true },
      ]);
      at.clock.advance(3 * MINUTE + 1);
      expect(await byScope()).toEqual([
        { ...linux, free: 0, isFresh: false },
        { ...other, free: 0, isFresh: false },
      ]);
    });

    it('counts live attempts, and holds runners for those that have none', async () => {
      await start();
      await fixture.addRunners('11');
      const fence = await lease();
      const one = (await claimNew(fence)).attempt;
      const two = (await claimNew(fence)).attempt;
      await dispatch().giveBack(two.id, 'late');
      const state = await load();
      expect(state.groups[0]).toMatchObject({ live: 1 });
      expect(state.holds).toEqual([
        {
          ...{ attemptId: one.id, jobId: one.jobId, groupId: 'g', labels: ['linux'] },
          ...{ owner: 'acme', repo: 'app', count: 1 },
        },
      ]);
    });

    it('keeps a runner for a sending that may have started nothing only until its run would have shown', async () => {
      await start();
      await fixture.addRunners('1');
      const fence = await lease();
      const { attempt } = await claimNew(fence);
      await dispatch().recordUnknown(attempt.id, 'the forge answered 500');
      at.clock.advance(MINUTE - 1);
      expect((await load()).holds).toHaveLength(1);
      at.clock.advance(1);
      const { holds, endedHolds, groups } = await load();
      expect({ holds, endedHolds }).toEqual({ holds: [], endedHolds: [attempt.id] });
      // It may run all the same: in its place among max_parallel nobody else goes.
      expect(groups[0]).toMatchObject({ live: 1 });
    });

    it('holds what the parts of a run ask for, until their runner is seen busy', async () => {
      await start();
      await fixture.addRunners('11');
      const { attempt } = await claimNew(await lease());
      await dispatch().recordAccepted(attempt.id, { runId: '1', runUrl: '' });
      const now = at.clock.now();
      await runs().recordRun(attempt.id, run('1', { status: 'in_progress' }), now + 1);
      const parts = [workflowJob('1', { labels: ['gpu'] }), workflowJob('2')];
      await runs().recordWorkflowJobs(attempt.id, parts, now + 1);
      expect((await load()).holds.map(({ labels, count }) => [labels, count])).toEqual([
        [['gpu'], 1],
        [['linux'], 1],
      ]);
      const taken = { status: 'in_progress', startedAt: now + 1_000 } as const;
      const started = [
        workflowJob('1', { ...taken, runnerId: '99', runnerName: 'elsewhere' }),
        workflowJob('2', { ...taken, runnerId: '11', runnerName: 'runner-11' }),
      ];
      await runs().recordWorkflowJobs(attempt.id, started, now + 2_000);
      expect(await load()).toMatchObject({ holds: [], endedHolds: [] });
      expect((await fixture.attempt(attempt.id)).hold_ended_at).toBe(now);
    });

    it('tells of a run whose runner another job took, and records it once', async () => {
      await start();
      await fixture.addRunners('11');
      const { attempt } = await claimNew(await lease());
      await dispatch().recordAccepted(attempt.id, { runId: '1', runUrl: '' });
      const now = at.clock.now();
      await runs().recordRun(attempt.id, run('1', { status: 'queued', createdAt: now }), now);
      await at.database.write((tx) => tx.db.updateTable('runners').set({ is_busy: 1 }).execute());
      expect((await load()).displaced).toEqual([]);
      at.clock.advance(31_000);
      const { displaced } = await load();
      expect(displaced).toEqual([attempt.id]);
      expect(await fixture.emitted(() => dispatch().recordDisplaced(displaced))).toEqual([
        'attempt.displaced',
      ]);
      expect((await load()).displaced).toEqual([]);
      expect(await fixture.emitted(() => dispatch().recordDisplaced(displaced))).toEqual([]);
    });

    it('writes down of any number of attempts that they are displaced or hold nothing more', async () => {
      await start();
      await fixture.addRunners('11');
      const { attempt } = await claimNew(await lease());
      await dispatch().recordAccepted(attempt.id, { runId: '1', runUrl: '' });
      const ids = [...Array.from({ length: 70_000 }, (_, n) => `other-${n}`), attempt.id];
      expect(await fixture.emitted(() => dispatch().recordDisplaced(ids))).toEqual([
        'attempt.displaced',
      ]);
      expect(await fixture.emitted(() => dispatch().recordHoldsEnded(ids))).toEqual([
        'attempt.changed',
      ]);
    });

    it('ends a hold by a pass that looked after the run had started, and records it once', async () => {
      await start();
      await fixture.addRunners('11');
      const { attempt } = await claimNew(await lease());
      await dispatch().recordAccepted(attempt.id, { runId: '1', runUrl: '' });
      const sentAt = at.clock.now();
      await runs().recordRun(attempt.id, run('1', { status: 'in_progress' }), sentAt);
      expect((await load()).endedHolds).toEqual([]);
      await at.database.write((tx) =>
        tx.db
          .updateTable('runner_scopes')
          .set({ pass_sent_at: sentAt + 5_000 })
          .execute(),
      );
      const { endedHolds, holds } = await load();
      expect({ endedHolds, holds }).toEqual({ endedHolds: [attempt.id], holds: [] });
      expect(await fixture.emitted(() => dispatch().recordHoldsEnded(endedHolds))).toEqual([
        'attempt.changed',
      ]);
      expect((await load()).endedHolds).toEqual([]);
      expect(await fixture.emitted(() => dispatch().recordHoldsEnded(endedHolds))).toEqual([]);
    });

    it('says when something becomes due by time alone', async () => {
      await start();
      expect((await load()).nextDueAt).toBeNull();
      const now = at.clock.now();
      const [one, two] = [await add(), await add()];
      await setJob(one.id, { not_before: now + 7_000 });
      await setJob(two.id, { not_before: now - 1 });
      expect((await load()).nextDueAt).toBe(now + 7_000);
      await block({ next_probe_at: now + 3_000 });
      await block({ ref: 'x', next_probe_at: now - 3_000 });
      expect((await load()).nextDueAt).toBe(now + 3_000);
    });

    it('shares out one read among many groups in the order in which they compete', async () => {
      await start();
      const ids = Array.from({ length: 2_100 }, (_, n) => String(n));
      await fixture.addRunners(...ids);
      for (const id of ['a', 'b', 'c']) {
        await fixture.addGroup(id);
        for (let n = 0; n < 5; n += 1) await add({ ...manual, groupId: id });
      }
      await add({ ...manual, groupId: 'c', priority: 1 });
      expect((await head('c')).length).toBe(6);
      expect((await head('a')).length).toBe(5);
      expect((await head('b')).length).toBe(2);
    });

    it('keeps plans as they were last saved, and writes only what says something else', async () => {
      await start();
      const fence = await lease();
      const { job } = await jobs().enqueue(newJob, undefined);
      const now = at.clock.now();
      const plan = {
        ...{ groupId: 'g', plannedAt: now, free: 1, fitting: 2, online: 2, isStale: false },
        ...{ labelsMissing: [], scopes: [], heldBy: [], limit: null, limitMessage: '' },
        ...{ retryAt: null, sends: 0 },
      };
      const saved = async () => (await jobs().findWaitFacts(job.id))!.plan;
      await dispatch().savePlans(fence, [plan]);
      await dispatch().savePlans(fence, [{ ...plan, plannedAt: now + 1_000 }]);
      expect(await saved()).toEqual(plan);
      await dispatch().savePlans({ ...fence, epoch: 9 }, [{ ...plan, free: 7 }]);
      expect(await saved()).toEqual(plan);
      await dispatch().savePlans(fence, [{ ...plan, free: 0, plannedAt: now + 2_000 }]);
      expect((await saved())!.free).toBe(0);
      await dispatch().savePlans(fence, [{ ...plan, free: 0, plannedAt: now + 9_000 }]);
      expect((await saved())!.plannedAt).toBe(now + 9_000);
    });
  });
}
