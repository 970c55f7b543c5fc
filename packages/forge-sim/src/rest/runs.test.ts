import { describe, expect, it } from 'vitest';
import type { ForgeSim } from '../index.ts';
import { call, dispatch, NOON, SECOND, smallWorld, startSim, workflow } from '../sim.testkit.ts';

const runs = 'GET /repos/acme/app/actions/runs';

async function listed(sim: ForgeSim, query: string): Promise<number[]> {
  const { body } = await call(sim, `${runs}?${query}`);
  return (body.workflow_runs as { id: number }[]).map((run) => run.id);
}

/** Three runs, a minute apart: a finished one, a running one, a queued one. */
async function simWithRuns(): Promise<{ sim: ForgeSim; ids: [number, number, number] }> {
  const sim = await startSim();
  sim.addToken({ token: 'jane-token', login: 'jane' });
  sim.addRunner({ scope: 'org:acme', name: 'one', labels: ['linux'] });
  const first = await dispatch(sim);
  await sim.clock.advance(60 * SECOND);
  const second = await dispatch(sim);
  await sim.clock.advance(5 * SECOND);
  return { sim, ids: [first, second, await dispatch(sim)] };
}

describe('listing runs', () => {
  it('goes from the newest to the oldest', async () => {
    const { sim, ids } = await simWithRuns();
    expect(await listed(sim, '')).toEqual(ids.toReversed());
    expect(sim.schemaViolations).toEqual([]);
  });

  it('filters by status or conclusion, event, actor and branch', async () => {
    const { sim, ids } = await simWithRuns();
    const [first, second, third] = ids;
    expect(await listed(sim, 'status=completed')).toEqual([first]);
    expect(await listed(sim, 'status=success')).toEqual([first]);
    expect(await listed(sim, 'status=in_progress')).toEqual([second]);
    expect(await listed(sim, 'status=queued')).toEqual([third]);
    expect(await listed(sim, 'event=push')).toEqual([]);
    expect(await listed(sim, 'event=workflow_dispatch&branch=main&actor=Acme-Bot')).toHaveLength(3);
    expect(await listed(sim, 'actor=jane')).toEqual([]);
    expect(await listed(sim, 'branch=dev')).toEqual([]);
    expect(sim.schemaViolations).toEqual([]);
  });

  it.each([
    ['>=2026-01-31T12:01:00Z', 2],
    ['>2026-01-31T12:01:00Z', 1],
    ['<=2026-01-31T12:01:00Z', 2],
    ['<2026-01-31T12:01:00Z', 1],
    ['2026-01-31T12:00:00Z..2026-01-31T12:01:00Z', 2],
    ['2026-01-31T12:00:01Z..*', 2],
    ['*..2026-01-31T12:00:59Z', 1],
    ['2026-01-31', 3],
    ['2026-01-30', 0],
    ['2026-01-31T12:00:00Z', 1],
    ['>=2026-01-31T13:01:00%2B01:00', 2],
  ])('understands created=%s', async (created, count) => {
    const { sim } = await simWithRuns();
    expect(await listed(sim, `created=${created}`)).toHaveLength(count);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('compares whole seconds: a run made within the second counts as made at its start', async () => {
    const sim = await startSim({ startAt: NOON + 999 });
    await dispatch(sim);
    expect(await listed(sim, 'created=<=2026-01-31T12:00:00Z')).toHaveLength(1);
  });

  it('can be of one workflow, by file or id, and is 404 for none', async () => {
    const { sim, ids } = await simWithRuns();
    sim.seed({ workflows: [workflow({ file: 'other.yml' })] });
    const of = (name: string) => call(sim, `GET /repos/acme/app/actions/workflows/${name}/runs`);
    const [run] = (await of('ci.yml')).body.workflow_runs;
    expect((await of(String(run.workflow_id))).body.total_count).toBe(ids.length);
    expect((await of('other.yml')).body.total_count).toBe(0);
    expect((await of('none.yml')).status).toBe(404);
    expect(sim.schemaViolations).toEqual([]);
  });

  it('never shows more than 1,000', async () => {
    const sim = await startSim({ validator: false });
    const body = { ref: 'main' };
    const path = '/repos/acme/app/actions/workflows/ci.yml/dispatches';
    const send = () => call(sim, `POST ${path}`, { body });
    for (let i = 0; i < 1_001; i += 77) await Promise.all(Array.from({ length: 77 }, send));
    const last = await call(sim, `${runs}?per_page=100&page=11`);
    expect(last.body).toEqual({ total_count: 1_001, workflow_runs: [] });
    expect((await call(sim, `${runs}?per_page=100&page=10`)).body.workflow_runs).toHaveLength(100);
  });
});

describe('a run and its jobs', () => {
  it('have the times, runner and links that GitHub gives', async () => {
    const { sim, ids } = await simWithRuns();
    const [first, , third] = ids;
    const path = `/repos/acme/app/actions/runs/${first}`;
    const run = await call(sim, `GET ${path}`);
    expect(run.body).toMatchObject({
      id: first,
      status: 'completed',
      conclusion: 'success',
      event: 'workflow_dispatch',
      created_at: '2026-01-31T12:00:00Z',
      updated_at: '2026-01-31T12:00:10Z',
      run_attempt: 1,
      html_url: `${sim.url}/acme/app/actions/runs/${first}`,
      actor: { login: 'acme-bot' },
      repository: { full_name: 'acme/app' },
    });
    const [done] = (await call(sim, `GET ${path}/jobs`)).body.jobs;
    expect(done).toMatchObject({ runner_id: 1, runner_name: 'one', conclusion: 'success' });
    const queued = await call(sim, `GET /repos/acme/app/actions/runs/${third}/jobs`);
    expect(queued.body.jobs[0]).toMatchObject({
      status: 'queued',
      conclusion: null,
      completed_at: null,
      runner_id: null,
      runner_name: null,
      labels: ['linux'],
    });
    expect(sim.schemaViolations).toEqual([]);
  });

  it('are hidden from a token that does not see the repository any more', async () => {
    const { sim, ids } = await simWithRuns();
    const path = `GET /repos/acme/app/actions/runs/${ids[0]}`;
    sim.setToken('jane-token', { blindTo: ['acme/app'] });
    expect((await call(sim, path, { token: 'jane-token' })).status).toBe(404);
    sim.setToken('jane-token', { blindTo: [] });
    expect((await call(sim, path, { token: 'jane-token' })).status).toBe(200);
  });
});

it('gives every conclusion that GitHub describes for a job', async () => {
  const conclusions = [
    'success',
    'failure',
    'neutral',
    'cancelled',
    'skipped',
    'timed_out',
  ] as const;
  const jobs = conclusions.map((conclusion) => {
    return { name: conclusion, runsOn: ['linux'], durationMs: 0, conclusion };
  });
  const sim = await startSim({}, { ...smallWorld, workflows: [workflow({ jobs })] });
  sim.addRunner({ scope: 'org:acme', name: 'one', labels: ['linux'] });
  const runId = await dispatch(sim);
  const { body } = await call(sim, `GET /repos/acme/app/actions/runs/${runId}/jobs`);
  const ends = (body.jobs as { conclusion: string }[]).map((job) => job.conclusion);
  expect(ends).toEqual(conclusions);
  expect(sim.schemaViolations).toEqual([]);
});
