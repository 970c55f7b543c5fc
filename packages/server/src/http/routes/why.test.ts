import { describe, expect, it } from 'vitest';
import type { WaitFacts } from '../../store/port/jobs.ts';
import { openTestApp, type TestAppParts } from '../app.testkit.ts';
import type { ForgeClient } from '../deps.ts';
import { makeGroup, makeJob, noon } from '../store.testkit.ts';

const client: ForgeClient = {
  use: 'dispatch',
  configKey: 'github.token',
  isConfigured: true,
  isConnected: true,
  error: '',
  rate: { remaining: 5_000, resetAt: null, blockedUntil: null },
};

const facts: WaitFacts = {
  job: makeJob(),
  target: { owner: 'acme', repo: 'rockets', workflowId: 'build.yml', ref: 'main' },
  templateChange: undefined,
  group: makeGroup(),
  attempt: undefined,
  plan: undefined,
  block: undefined,
  doubt: undefined,
  ahead: 3,
  workflowJobs: [],
  listings: [],
};

async function why(found: WaitFacts | undefined, deps: TestAppParts['deps'] = {}) {
  const { ask } = await openTestApp({
    jobs: { findWaitFacts: async () => found },
    deps: { forgeStatus: () => [client], ...deps },
  });
  return ask({ url: '/api/v1/jobs/j1/why' });
}

describe('why a job waits', () => {
  it('is told with every field', async () => {
    const reply = await why({ ...facts, job: makeJob({ isPaused: true }) });
    expect(reply.statusCode).toBe(200);
    expect(reply.json()).toEqual({
      code: 'job-paused',
      message: expect.stringMatching(/./),
      since: '2026-01-01T12:00:00.000Z',
      ahead: 3,
      free: 0,
      fitting: 0,
      held_by: [],
      retry_at: null,
      labels_missing: [],
      template_change: null,
      actions: [],
    });
  });

  it('names what its template says by now, and that it may take it', async () => {
    const { target } = facts;
    const templateChange = { queued: target, now: { ...target, ref: 'v2' }, inputs: { n: '1' } };
    const wire = { owner: 'acme', repo: 'rockets', workflow_id: 'build.yml' };
    expect((await why({ ...facts, templateChange })).json()).toMatchObject({
      message: expect.stringContaining('(ref main → v2)'),
      template_change: {
        queued: { ...wire, ref: 'main' },
        now: { ...wire, ref: 'v2' },
        inputs: { n: '1' },
      },
      actions: ['take-template'],
    });
  });

  it('is told by the state of the credential and of the dispatcher', async () => {
    const codeOf = async (deps: TestAppParts['deps']): Promise<unknown> =>
      (await why(facts, deps)).json<{ code: string }>().code;
    expect(await codeOf({ isDispatchEnabled: () => false })).toBe('dispatch-disabled');
    expect(await codeOf({ forgeStatus: () => [] })).toBe('forge-unavailable');
    const limited = { ...client, rate: { ...client.rate, blockedUntil: noon + 60_000 } };
    const reply = await why(facts, { forgeStatus: () => [limited] });
    expect(reply.json()).toMatchObject({
      code: 'rate-limited',
      retry_at: '2026-01-01T12:01:00.000Z',
    });
  });

  it('is nothing for a job that runs or has ended: a 200 with code null', async () => {
    const reply = await why({ ...facts, job: makeJob({ state: 'running', triggeredAt: noon }) });
    expect(reply.statusCode).toBe(200);
    expect(reply.json()).toMatchObject({ code: null, message: '', since: null });
  });

  it('of an unknown job is a 404', async () => {
    expect((await why(undefined)).statusCode).toBe(404);
  });
});
