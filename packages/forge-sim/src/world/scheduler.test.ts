import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { type ForgeSim, type Ledger, startForgeSim } from '../index.ts';
import { dispatch, getRun, NOON, SECOND, smallWorld, startSim, workflow } from '../sim.testkit.ts';

const slowPickup = {
  replyMs: [0, 0],
  visibleMs: [0, 0],
  pickupMs: [2 * SECOND, 2 * SECOND],
  cancelMs: [0, 0],
  runnerLostMs: 60 * SECOND,
  secondary: null,
} as const;

const linux = { scope: 'org:acme', name: 'linux', labels: ['linux'] };

describe('the scheduler', () => {
  it('gives the oldest waiting job the runner that becomes free', async () => {
    const sim = await startSim();
    sim.addRunner(linux);
    const ids = [await dispatch(sim), await dispatch(sim), await dispatch(sim)];
    const statuses = (): unknown[] => ids.map((id) => getRun(sim, id).status);
    expect(statuses()).toEqual(['in_progress', 'queued', 'queued']);
    await sim.clock.advance(10 * SECOND);
    expect(statuses()).toEqual(['completed', 'in_progress', 'queued']);
  });

  it('lets a younger job go first where the older has no runner', async () => {
    const sim = await startSim(
      {},
      {
        ...smallWorld,
        workflows: [
          workflow({
            inputs: { on: {} },
            jobs: [{ name: 'test', runsOn: { fromInput: 'on' }, durationMs: 1 }],
          }),
        ],
      },
    );
    sim.addRunner(linux);
    const older = await dispatch(sim, { on: 'gpu' });
    const younger = await dispatch(sim, { on: '["Linux"]' });
    expect(getRun(sim, older).status).toBe('queued');
    expect(getRun(sim, younger).status).toBe('in_progress');
  });

  it('shows a runner as idle until the job is picked up', async () => {
    const sim = await startSim({ profile: slowPickup });
    sim.addRunner(linux);
    const runId = await dispatch(sim);
    expect(getRun(sim, runId).status).toBe('queued');
    expect(sim.ledger().runners[0]?.busySpans).toEqual([]);
    await sim.clock.advance(2 * SECOND);
    expect(getRun(sim, runId).jobs[0]?.startedAt).toBe(NOON + 2 * SECOND);
  });

  it('gives a job to another runner when its first is taken before the pickup', async () => {
    const sim = await startSim({ profile: slowPickup });
    const { id } = sim.addRunner(linux);
    const runId = await dispatch(sim);
    await sim.clock.advance(SECOND);
    sim.setRunner(id, { busy: true });
    sim.addRunner({ ...linux, name: 'other' });
    await sim.clock.advance(2 * SECOND);
    expect(getRun(sim, runId).jobs[0]?.runnerName).toBe('other');
  });

  it('does not use a runner that is offline, or busy with an outside job', async () => {
    const sim = await startSim();
    const offline = sim.addRunner({ ...linux, online: false });
    const busy = sim.addRunner({ ...linux, busy: true });
    const runId = await dispatch(sim);
    expect(getRun(sim, runId).status).toBe('queued');
    sim.setRunner(busy.id, { busy: false });
    expect(getRun(sim, runId).jobs[0]?.runnerId).toBe(busy.id);
    const next = await dispatch(sim);
    sim.setRunner(offline.id, { online: true });
    expect(getRun(sim, next).jobs[0]?.runnerId).toBe(offline.id);
  });

  it('removes an ephemeral runner after its one job', async () => {
    const sim = await startSim();
    sim.addRunner({ ...linux, ephemeral: true });
    await dispatch(sim);
    const next = await dispatch(sim);
    await sim.clock.advance(10 * SECOND);
    expect(sim.ledger().runners[0]?.goneAt).toBe(NOON + 10 * SECOND);
    expect(getRun(sim, next).status).toBe('queued');
  });
});

describe('a runner that vanishes with its job', () => {
  it('fails the job after a while', async () => {
    const sim = await startSim({ profile: { ...slowPickup, pickupMs: [0, 0] } });
    const { id } = sim.addRunner(linux);
    const runId = await dispatch(sim);
    sim.removeRunner(id);
    await sim.clock.advance(59 * SECOND);
    expect(getRun(sim, runId).status).toBe('in_progress');
    await sim.clock.advance(SECOND);
    expect(getRun(sim, runId)).toMatchObject({ status: 'completed', conclusion: 'failure' });
  });

  it('ends the job well if it is back in time', async () => {
    const sim = await startSim({ profile: { ...slowPickup, pickupMs: [0, 0] } });
    const { id } = sim.addRunner(linux);
    const runId = await dispatch(sim);
    sim.setRunner(id, { online: false });
    await sim.clock.advance(20 * SECOND);
    expect(getRun(sim, runId).status).toBe('in_progress');
    sim.setRunner(id, { online: true });
    expect(getRun(sim, runId)).toMatchObject({ status: 'completed', conclusion: 'success' });
  });
});

const labels = fc.subarray(['a', 'b', 'c'], { minLength: 1 });
const runners = fc.array(fc.record({ labels, isLate: fc.boolean() }), { maxLength: 4 });
const jobs = fc.array(fc.record({ labels, durationS: fc.integer({ min: 0, max: 5 }) }), {
  minLength: 1,
  maxLength: 8,
});

function overlaps(spans: Ledger['runners'][number]['busySpans']): boolean {
  return spans.some((span, i) => {
    const next = spans[i + 1];
    return next !== undefined && (span.to === undefined || span.to > next.from);
  });
}

function idleFit(sim: ForgeSim): string | undefined {
  const { runs, runners: all } = sim.ledger();
  const idle = all.filter((runner) => runner.busySpans.every((span) => span.to !== undefined));
  const waiting = runs.flatMap((run) => run.jobs).filter((job) => job.status === 'queued');
  const fits = (job: (typeof waiting)[number]): boolean =>
    idle.some((runner) => job.labels.every((label) => runner.labels.includes(label)));
  return waiting.find(fits)?.name;
}

describe('whatever the world', () => {
  test.prop([runners, jobs, fc.nat()], { numRuns: 25 })(
    'a runner has one job at a time that fits it, and none idles while one that fits waits',
    async (specs, wanted, seed) => {
      const sim = await startForgeSim({ clock: 'manual', seed, validator: false });
      const named = wanted.map((job, i) => ({
        name: `job ${i}`,
        runsOn: job.labels,
        durationMs: job.durationS * SECOND,
      }));
      sim.seed({ ...smallWorld, workflows: [workflow({ jobs: named })] });
      const add = (isLate: boolean): void => {
        for (const spec of specs.filter((each) => each.isLate === isLate)) {
          sim.addRunner({ scope: 'org:acme', name: 'r', labels: spec.labels });
        }
      };
      add(false);
      await dispatch(sim);
      for (let second = 0; second < 50; second += 1) {
        expect(idleFit(sim)).toBeUndefined();
        await sim.clock.advance(SECOND);
        if (second === 2) add(true);
      }
      const ledger = sim.ledger();
      await sim.close();
      expect(ledger.runners.filter((runner) => overlaps(runner.busySpans))).toEqual([]);
      for (const job of ledger.runs.flatMap((run) => run.jobs)) {
        const canRun = specs.some((spec) =>
          job.labels.every((label) => spec.labels.includes(label)),
        );
        expect(job.status).toBe(canRun ? 'completed' : 'queued');
        const taker = ledger.runners.find((runner) => runner.id === job.runnerId);
        if (canRun) expect(taker?.labels).toEqual(expect.arrayContaining(job.labels));
      }
    },
  );
});
