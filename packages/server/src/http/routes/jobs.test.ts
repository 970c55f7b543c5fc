import { describe, expect, it } from 'vitest';
import type { ListedJob, Outcome } from '../../store/port/jobs.ts';
import { openTestApp } from '../app.testkit.ts';
import { makeGroup, makeJob, makeTemplate } from '../store.testkit.ts';

const gone: Outcome<never> = { ok: false, reason: 'not-found' };
const wrong: Outcome<never> = { ok: false, reason: 'wrong-state', state: 'completed' };

describe('GET a job', () => {
  it('answers it, or 404', async () => {
    const { ask } = await openTestApp({
      jobs: { findJob: async (id) => (id === 'j1' ? makeJob({ id }) : undefined) },
    });
    expect((await ask({ url: '/api/v1/jobs/j1' })).json()).toMatchObject({ id: 'j1' });
    const unknown = await ask({ url: '/api/v1/jobs/j2' });
    expect(unknown.statusCode).toBe(404);
    expect(unknown.json()).toEqual({ error: 'job not found', code: 'unknown-job' });
  });
});

describe('a name __proto__ that a template of the configuration gave its jobs', () => {
  const map = JSON.parse('{"__proto__":"x","y":"z"}') as Readonly<Record<string, string>>;
  const inReply = '{"__proto__":"x","y":"z"}';

  it('is in the reply of a job, among its inputs and its labels', async () => {
    const { ask } = await openTestApp({
      jobs: { findJob: async (id) => makeJob({ id, inputs: map, labels: map }) },
    });
    const { body } = await ask({ url: '/api/v1/jobs/j1' });
    expect(body).toContain(`"inputs":${inReply}`);
    expect(body).toContain(`"labels":${inReply}`);
  });

  it('is in the reply of the template', async () => {
    const template = makeTemplate({ defaultInputs: map, labels: map });
    const { ask } = await openTestApp({
      catalog: { findGroup: async () => makeGroup(), listTemplates: async () => [template] },
    });
    const { body } = await ask({ url: '/api/v1/groups/g1/templates' });
    expect(body).toContain(`"default_inputs":${inReply}`);
    expect(body).toContain(`"labels":${inReply}`);
  });
});

describe('pause and unpause', () => {
  it('answer the job, and name who did it', async () => {
    const asked: unknown[] = [];
    const { ask } = await openTestApp({
      jobs: {
        setPaused: async (id, isPaused, actor): Promise<Outcome<ListedJob>> => {
          asked.push([id, isPaused, actor]);
          return { ok: true, value: makeJob({ id, isPaused }) };
        },
      },
    });
    const paused = await ask({ method: 'POST', url: '/api/v1/jobs/j1/pause', payload: 'not json' });
    expect(paused.json()).toMatchObject({ id: 'j1', paused: true });
    const resumed = await ask({ method: 'POST', url: '/api/v1/jobs/j1/unpause' });
    expect(resumed.json()).toMatchObject({ paused: false });
    expect(asked).toEqual([
      ['j1', true, 'ada'],
      ['j1', false, 'ada'],
    ]);
  });

  it('are 400 for an unknown job, as they were', async () => {
    const { ask } = await openTestApp({ jobs: { setPaused: async () => gone } });
    const reply = await ask({ method: 'POST', url: '/api/v1/jobs/j1/pause' });
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toMatchObject({ code: 'unknown-job' });
  });

  it('are 400 for a job that is not pending', async () => {
    const { ask } = await openTestApp({ jobs: { setPaused: async () => wrong } });
    const reply = await ask({ method: 'POST', url: '/api/v1/jobs/j1/unpause' });
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toEqual({
      error: 'the job is completed; only pending jobs can be unpaused',
      code: 'wrong-state',
    });
  });
});

describe('DELETE a job', () => {
  it.each([
    [{ ok: true, value: null } as const, 204],
    [gone, 400],
    [wrong, 400],
  ])('is %j → %i', async (outcome, status) => {
    const { ask } = await openTestApp({ jobs: { deleteJob: async () => outcome } });
    const reply = await ask({ method: 'DELETE', url: '/api/v1/jobs/j1' });
    expect(reply.statusCode).toBe(status);
    if (status === 204) expect(reply.body).toBe('');
  });
});

describe('cancelling', () => {
  it('answers the cancelled job at once: its run is cancelled by a loop, known or found later (defect #19)', async () => {
    const { ask } = await openTestApp({
      jobs: { cancelJob: async (id) => ({ ok: true, value: makeJob({ id, state: 'cancelled' }) }) },
    });
    const reply = await ask({ method: 'POST', url: '/api/v1/jobs/j1/cancel' });
    expect(reply.statusCode).toBe(200);
    expect(reply.json()).toMatchObject({ status: 'cancelled' });
  });

  it('is 404 for an unknown job and 400 for one that is not active', async () => {
    const unknown = await openTestApp({ jobs: { cancelJob: async () => gone } });
    const reply = await unknown.ask({ method: 'POST', url: '/api/v1/jobs/j1/cancel' });
    expect(reply.statusCode).toBe(404);
    const ended = await openTestApp({ jobs: { cancelJob: async () => wrong } });
    const refused = await ended.ask({ method: 'POST', url: '/api/v1/jobs/j1/cancel' });
    expect(refused.statusCode).toBe(400);
  });
});

describe('take-template', () => {
  it('answers the job as it is then, and names who did it', async () => {
    const asked: unknown[] = [];
    const { ask } = await openTestApp({
      jobs: {
        takeTemplate: async (id, actor): Promise<Outcome<ListedJob>> => {
          asked.push([id, actor]);
          return { ok: true, value: makeJob({ id, inputs: { client: 'reth' } }) };
        },
      },
    });
    const took = await ask({ method: 'POST', url: '/api/v1/jobs/j1/take-template' });
    expect(took.json()).toMatchObject({ id: 'j1', inputs: { client: 'reth' } });
    expect(asked).toEqual([['j1', 'ada']]);
  });

  it('is refused for a job that does not wait', async () => {
    const { ask } = await openTestApp({ jobs: { takeTemplate: async () => wrong } });
    const refused = await ask({ method: 'POST', url: '/api/v1/jobs/j1/take-template' });
    expect(refused.statusCode).toBe(400);
    expect(refused.json()).toMatchObject({ code: 'wrong-state' });
  });
});
