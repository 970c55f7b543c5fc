import { describe, expect, it } from 'vitest';
import type { ForgeSim, WorkflowSpec } from '../index.ts';
import { call, dispatch, getRun, SECOND, smallWorld, startSim, workflow } from '../sim.testkit.ts';
import { runConclusions } from './spec.ts';

async function simWith(spec: Partial<WorkflowSpec>, runners = 1): Promise<ForgeSim> {
  const sim = await startSim({}, { ...smallWorld, workflows: [workflow(spec)] });
  for (let i = 0; i < runners; i += 1) {
    sim.addRunner({ scope: 'org:acme', name: `runner ${i}`, labels: ['linux'] });
  }
  return sim;
}

function job(name: string, more: Partial<WorkflowSpec['jobs'][number]> = {}) {
  return { name, runsOn: ['linux'], durationMs: 10 * SECOND, ...more };
}

function jobsOf(sim: ForgeSim, runId: number): unknown[] {
  return getRun(sim, runId).jobs.map(({ name, status, conclusion, runnerId }) => {
    return [name, status, conclusion, runnerId !== null];
  });
}

describe('the end of a run', () => {
  it.each(runConclusions)('can be %s, given by the workflow', async (conclusion) => {
    const sim = await simWith({ jobs: [job('a')], runConclusion: conclusion });
    const runId = await dispatch(sim);
    await sim.clock.advance(10 * SECOND);
    expect(getRun(sim, runId)).toMatchObject({ status: 'completed', conclusion });
  });

  it.each([
    ['success', ['success', 'success']],
    ['success', ['success', 'skipped']],
    ['skipped', ['skipped', 'skipped']],
    ['neutral', ['neutral', 'skipped']],
    ['failure', ['success', 'failure']],
    ['failure', ['timed_out', 'failure']],
    ['timed_out', ['success', 'timed_out']],
    ['cancelled', ['success', 'cancelled']],
  ] as const)('is %s when its jobs end %j', async (expected, [first, second]) => {
    const jobs = [job('a', { conclusion: first }), job('b', { conclusion: second })];
    const sim = await simWith({ jobs }, 2);
    const runId = await dispatch(sim);
    await sim.clock.advance(10 * SECOND);
    expect(getRun(sim, runId).conclusion).toBe(expected);
  });

  it('can come from an input', async () => {
    const sim = await simWith({
      inputs: { end: {}, ms: {} },
      jobs: [job('a', { conclusion: { fromInput: 'end' }, durationMs: { fromInput: 'ms' } })],
    });
    const runId = await dispatch(sim, { end: 'failure', ms: 3 });
    await sim.clock.advance(3);
    expect(getRun(sim, runId).conclusion).toBe('failure');
  });

  it('starts no job where the workflow cannot start', async () => {
    const sim = await simWith({ jobs: [job('a')], runConclusion: 'startup_failure' });
    const runId = await dispatch(sim);
    expect(getRun(sim, runId)).toMatchObject({ status: 'completed', jobs: [] });
  });

  it('is a failure after a day in the queue', async () => {
    const sim = await simWith({ jobs: [job('a')] }, 0);
    const runId = await dispatch(sim);
    await sim.clock.advance(86_400 * SECOND - 1);
    expect(getRun(sim, runId).status).toBe('queued');
    await sim.clock.advance(1);
    expect(getRun(sim, runId).conclusion).toBe('failure');
  });
});

describe('needs', () => {
  it('let a job appear only when what it needs has succeeded', async () => {
    const sim = await simWith({ jobs: [job('build'), job('test', { needs: ['build'] })] }, 2);
    const runId = await dispatch(sim);
    const path = `GET /repos/acme/app/actions/runs/${runId}/jobs`;
    expect((await call(sim, path)).body.total_count).toBe(1);
    await sim.clock.advance(10 * SECOND);
    expect((await call(sim, path)).body.total_count).toBe(2);
    expect(getRun(sim, runId).status).toBe('in_progress');
    await sim.clock.advance(10 * SECOND);
    expect(getRun(sim, runId).conclusion).toBe('success');
    expect(sim.schemaViolations).toEqual([]);
  });

  it('skip the whole chain behind a failure', async () => {
    const sim = await simWith({
      jobs: [
        job('build', { conclusion: 'failure' }),
        job('test', { needs: ['build'] }),
        job('ship', { needs: ['test'] }),
      ],
    });
    const runId = await dispatch(sim);
    await sim.clock.advance(10 * SECOND);
    expect(jobsOf(sim, runId).slice(1)).toEqual([
      ['test', 'completed', 'skipped', false],
      ['ship', 'completed', 'skipped', false],
    ]);
    expect(getRun(sim, runId).conclusion).toBe('failure');
  });

  it('must name an earlier job', async () => {
    const sim = await startSim();
    const wrong = workflow({ jobs: [job('test', { needs: ['build'] })] });
    expect(() => sim.seed({ workflows: [wrong] })).toThrow('job test needs build');
  });
});

describe('a gated run', () => {
  it.each(['waiting', 'pending', 'requested'] as const)('stays %s until released', async (gate) => {
    const sim = await simWith({ jobs: [job('a')], gate });
    const runId = await dispatch(sim);
    await sim.clock.advance(60 * SECOND);
    expect(getRun(sim, runId).status).toBe(gate);
    expect(jobsOf(sim, runId)).toEqual([['a', gate, null, false]]);
    const body = await call(sim, `GET /repos/acme/app/actions/runs/${runId}/jobs`);
    expect(body.status).toBe(200);
    sim.releaseGate(runId);
    expect(getRun(sim, runId).status).toBe('in_progress');
    expect(() => sim.releaseGate(runId)).toThrow('stands at no gate');
    expect(sim.schemaViolations).toEqual([]);
  });

  it('can be cancelled', async () => {
    const sim = await simWith({ jobs: [job('a')], gate: 'waiting' });
    const runId = await dispatch(sim);
    await call(sim, `POST /repos/acme/app/actions/runs/${runId}/cancel`);
    expect(getRun(sim, runId)).toMatchObject({ status: 'completed', conclusion: 'cancelled' });
  });
});

describe('control of a run', () => {
  it('forces its end, and frees its runner', async () => {
    const sim = await simWith({ jobs: [job('a'), job('b', { needs: ['a'] })] });
    const runId = await dispatch(sim);
    sim.completeRun(runId, 'success');
    expect(getRun(sim, runId)).toMatchObject({ status: 'completed', conclusion: 'success' });
    expect(sim.ledger().runners[0]?.busySpans[0]?.to).toBeDefined();
    expect(() => sim.completeRun(runId, 'failure')).toThrow('has ended');
  });

  it('re-runs it as attempt 2 with new jobs, and keeps the old ones', async () => {
    const sim = await simWith({ jobs: [job('a', { conclusion: 'failure' })] });
    const runId = await dispatch(sim);
    await sim.clock.advance(10 * SECOND);
    sim.rerun(runId);
    const path = `GET /repos/acme/app/actions/runs/${runId}`;
    expect((await call(sim, path)).body).toMatchObject({ run_attempt: 2, status: 'in_progress' });
    expect((await call(sim, `${path}/jobs`)).body.total_count).toBe(1);
    expect((await call(sim, `${path}/jobs?filter=all`)).body.total_count).toBe(2);
    expect(getRun(sim, runId).jobs.map((each) => each.runAttempt)).toEqual([1, 2]);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('deletes it: nobody finds it any more, and its runner is free', async () => {
    const sim = await simWith({ jobs: [job('a')] });
    const runId = await dispatch(sim);
    sim.deleteRun(runId);
    const runs = '/repos/acme/app/actions/runs';
    expect((await call(sim, `GET ${runs}/${runId}`)).status).toBe(404);
    expect((await call(sim, `GET ${runs}`)).body.total_count).toBe(0);
    expect(getRun(sim, runId).deleted).toBe(true);
    expect(sim.ledger().runners[0]?.busySpans[0]?.to).toBeDefined();
  });
});

describe('a new run', () => {
  it('is found by id at once, by listings only after the delay', async () => {
    const sim = await simWith({ jobs: [job('a')] });
    sim.setRunVisibility({ delayMs: 2 * SECOND });
    const runId = await dispatch(sim);
    const runs = '/repos/acme/app/actions/runs';
    expect((await call(sim, `GET ${runs}/${runId}`)).status).toBe(200);
    expect((await call(sim, `GET ${runs}`)).body.workflow_runs).toEqual([]);
    await sim.clock.advance(2 * SECOND);
    expect((await call(sim, `GET ${runs}`)).body.workflow_runs[0].id).toBe(runId);
  });

  it('takes its title from run-name and the inputs', async () => {
    const inputs = { id: { required: true } };
    const sim = await simWith({ inputs, runName: 'build of ${{ inputs.id }}', jobs: [] });
    const runId = await dispatch(sim, { id: 'abc' });
    const { body } = await call(sim, `GET /repos/acme/app/actions/runs/${runId}`);
    expect(body).toMatchObject({ name: 'CI', display_title: 'build of abc' });
  });

  it('takes the first of its inputs that is not empty where run-name names two', async () => {
    const inputs = { id: { default: '' }, title: { default: '' } };
    const runName = 'build of ${{ inputs.title || inputs.id }}';
    const sim = await simWith({ inputs, runName, jobs: [] });
    const titleOf = async (given: Record<string, string>) => {
      const runId = await dispatch(sim, given);
      const { body } = await call(sim, `GET /repos/acme/app/actions/runs/${runId}`);
      return String(body.display_title);
    };
    expect(await titleOf({ id: 'abc', title: 'nights' })).toBe('build of nights');
    expect(await titleOf({ id: 'abc' })).toBe('build of abc');
    expect(await titleOf({})).toBe('build of ');
  });
});
