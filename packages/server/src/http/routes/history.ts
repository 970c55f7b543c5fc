import { HistoryPage } from '@dispatchoor/api-contract';
import { z } from 'zod';
import { ENDED_STATES, type EndedState } from '../../domain/job.ts';
import type { HistoryQuery } from '../../store/port/jobs.ts';
import type { HttpDeps } from '../deps.ts';
import type { HttpApp } from '../http-app.ts';
import { jobToWire } from '../wire/job-to-wire.ts';
import { ById } from './params.ts';
import { firstOf } from './query.ts';

const DEFAULT_PAGE = 50;
const LARGEST_PAGE = 100;
const LABEL_PREFIX = 'label.';

const Query = z.record(z.string(), firstOf);

export function historyRoutes(app: HttpApp, { store: { jobs } }: Pick<HttpDeps, 'store'>): void {
  app.get(
    '/groups/:id/history',
    { schema: { params: ById, querystring: Query, response: { 200: HistoryPage } } },
    async (request) => {
      const query = readHistoryQuery(request.query);
      const page = await jobs.listHistory(request.params.id, query);
      return {
        jobs: page.jobs.map(jobToWire),
        has_more: page.hasMore,
        ...(page.nextCursor !== null && { next_cursor: page.nextCursor }),
        total_count: page.totalCount,
      };
    },
  );
}

/** Contract: what cannot be read counts as not given, never as an error. */
function readHistoryQuery(query: Readonly<Record<string, string>>): HistoryQuery {
  const labels = Object.entries(query)
    .filter(([key]) => key.startsWith(LABEL_PREFIX) && key !== LABEL_PREFIX)
    .map(([key, value]) => [key.slice(LABEL_PREFIX.length), value]);
  return {
    limit: readLimit(query['limit']),
    before: query['before'] === undefined || query['before'] === '' ? null : query['before'],
    states: readStates(query['status']),
    labels: Object.fromEntries(labels) as Record<string, string>,
  };
}

/** Not clamped: 101 is as good as nothing. */
function readLimit(text = ''): number {
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : DEFAULT_PAGE;
  return limit >= 1 && limit <= LARGEST_PAGE ? limit : DEFAULT_PAGE;
}

function readStates(text = ''): readonly EndedState[] {
  const wanted = text.split(',').map((state) => state.trim());
  const known = ENDED_STATES.filter((state) => wanted.includes(state));
  return known.length > 0 ? known : ENDED_STATES;
}
