import { describe, expect, it } from 'vitest';
import type { HistoryPage, HistoryQuery } from '../../store/port/jobs.ts';
import { openTestApp } from '../app.testkit.ts';
import { makeJob } from '../store.testkit.ts';

const empty: HistoryPage = { jobs: [], hasMore: false, nextCursor: null, totalCount: 0 };

async function queryOf(search: string): Promise<HistoryQuery> {
  const asked: HistoryQuery[] = [];
  const { ask } = await openTestApp({
    jobs: {
      listHistory: async (_groupId, query) => {
        asked.push(query);
        return empty;
      },
    },
  });
  const reply = await ask({ url: `/api/v1/groups/g1/history${search}` });
  expect(reply.statusCode).toBe(200);
  return asked[0]!;
}

describe('the history', () => {
  it('is told with its cursor and its count', async () => {
    const { ask } = await openTestApp({
      jobs: {
        listHistory: async () => ({
          jobs: [makeJob({ state: 'completed' })],
          hasMore: false,
          nextCursor: '2026-01-01T12:00:00.000Z~a',
          totalCount: 7,
        }),
      },
    });
    const page = (await ask({ url: '/api/v1/groups/g1/history' })).json();
    expect(page).toMatchObject({
      has_more: false,
      next_cursor: '2026-01-01T12:00:00.000Z~a',
      total_count: 7,
      jobs: [{ status: 'completed' }],
    });
  });

  it('has no cursor when it has no jobs', async () => {
    const { ask } = await openTestApp({ jobs: { listHistory: async () => empty } });
    expect((await ask({ url: '/api/v1/groups/g1/history' })).json()).toEqual({
      jobs: [],
      has_more: false,
      total_count: 0,
    });
  });

  it.each([
    ['', 50],
    ['?limit=100', 100],
    ['?limit=1', 1],
    ['?limit=101', 50],
    ['?limit=0', 50],
    ['?limit=-3', 50],
    ['?limit=abc', 50],
    ['?limit=7&limit=9', 7],
  ])('%s reads as a page of %i', async (search, limit) => {
    expect((await queryOf(search)).limit).toBe(limit);
  });

  it.each([
    ['', ['completed', 'failed', 'cancelled']],
    ['?status=failed', ['failed']],
    ['?status=failed,cancelled,nope', ['failed', 'cancelled']],
    ['?status=nope', ['completed', 'failed', 'cancelled']],
  ])('%s asks for %j', async (search, states) => {
    expect((await queryOf(search)).states).toEqual(states);
  });

  it('takes a label for every parameter that begins with "label.", the first value of each', async () => {
    const { labels } = await queryOf(
      '?label.client=geth&label.client=reth&label.a.b=c%3Dd&label.=x',
    );
    expect(labels).toEqual({ client: 'geth', 'a.b': 'c=d' });
  });

  it('hands the cursor on as it came', async () => {
    expect((await queryOf('?before=2026-01-01T00:00:00Z')).before).toBe('2026-01-01T00:00:00Z');
    expect((await queryOf('?before=')).before).toBeNull();
    expect((await queryOf('')).before).toBeNull();
  });
});
