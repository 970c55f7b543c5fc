import { describe, expect, it } from 'vitest';
import type { ListedJob } from '../../store/store.ts';
import { openTestApp } from '../app.testkit.ts';
import { makeJob, makeTemplate } from '../store.testkit.ts';

describe('a request that nothing is answered to', () => {
  it.each([
    ['without a body', { url: '/api/v1/jobs/job-1' }],
    ['with one', { method: 'POST', url: '/api/v1/groups/g/queue', payload: { template_id: 't' } }],
  ] as const)('is given up after a minute, %s', async (_name, request) => {
    const asked = Promise.withResolvers<true>();
    const never = Promise.withResolvers<never>();
    const hang = (): Promise<never> => {
      asked.resolve(true);
      return never.promise;
    };
    const { ask, clock } = await openTestApp({
      jobs: { findJob: hang, enqueue: hang },
      catalog: { findTemplate: async () => makeTemplate() },
    });
    const answer = ask(request);
    await asked.promise;
    await clock.advance(60_000);
    const { statusCode, body } = await answer;
    expect(statusCode).toBe(504);
    expect(JSON.parse(body)).toMatchObject({ code: 'timeout' });
  });

  it('is answered once, also when its answer comes later', async () => {
    const asked = Promise.withResolvers<true>();
    const late = Promise.withResolvers<ListedJob>();
    const { ask, clock, logged } = await openTestApp({
      jobs: {
        findJob: () => {
          asked.resolve(true);
          return late.promise;
        },
      },
    });
    const answer = ask({ url: '/api/v1/jobs/job-1' });
    await asked.promise;
    await clock.advance(60_000);
    expect((await answer).statusCode).toBe(504);
    late.resolve(makeJob());
    await clock.advance(1);
    expect(logged()).not.toContain('request failed');
  });
});
