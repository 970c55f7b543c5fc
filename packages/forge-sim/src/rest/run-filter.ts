import type { Run } from '../world/state.ts';
import { RestError } from './rest.ts';

export interface RunQuery {
  readonly event?: string;
  readonly status?: string;
  readonly actor?: string;
  readonly branch?: string;
  readonly head_sha?: string;
  readonly created?: string;
}

const FILTERS = ['event', 'status', 'actor', 'branch', 'head_sha', 'created'] as const;

/** Asks for some of the runs, which GitHub answers from a search index; without a filter it reads the runs themselves. */
export function isSearch(query: RunQuery): boolean {
  return FILTERS.some((filter) => query[filter] !== undefined);
}

type RunTest = (run: Run) => boolean;

/** The filters of the run search: `event`, `status`, `actor`, `branch`, `head_sha`, `created`. */
export function runFilter(query: RunQuery): RunTest {
  const { event, status, actor, branch, head_sha: headSha, created } = query;
  const isInSpan = created === undefined ? () => true : createdFilter(created);
  return (run) =>
    (event === undefined || event === 'workflow_dispatch') &&
    (status === undefined || run.status === status || run.conclusion === status) &&
    (actor === undefined || run.actor.login.toLowerCase() === actor.toLowerCase()) &&
    (branch === undefined || run.ref === branch) &&
    (headSha === undefined || run.headSha === headSha) &&
    isInSpan(run);
}

interface Moment {
  fromMs: number;
  /** Of the last second that the text means: a whole day for a bare date. */
  toMs: number;
}

function parseMoment(text: string): Moment {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const fromMs = Date.parse(text);
  if (Number.isNaN(fromMs)) throw new RestError(422, `The created date ${text} is not a date`);
  return { fromMs, toMs: fromMs + (isDay ? 86_400_000 : 1_000) - 1 };
}

/** `>=T`, `>T`, `<=T`, `<T`, `A..B` with `*` for an open end, or a day or second. */
function createdFilter(text: string): RunTest {
  const span = createdSpan(text);
  // Run times have whole seconds on the wire, so they are compared as such.
  return (run) => {
    const createdAt = Math.floor(run.createdAt / 1_000) * 1_000;
    return createdAt >= span.fromMs && createdAt <= span.toMs;
  };
}

function createdSpan(text: string): Moment {
  const open = { fromMs: -Infinity, toMs: Infinity };
  const [, sign, rest] = /^(>=|<=|>|<)(.*)$/.exec(text) ?? [];
  if (sign !== undefined && rest !== undefined) {
    const moment = parseMoment(rest);
    if (sign === '>=') return { ...open, fromMs: moment.fromMs };
    if (sign === '>') return { ...open, fromMs: moment.toMs + 1 };
    if (sign === '<=') return { ...open, toMs: moment.toMs };
    return { ...open, toMs: moment.fromMs - 1 };
  }
  const [from, to] = text.split('..');
  if (from === undefined || to === undefined) return parseMoment(text);
  return {
    fromMs: from === '*' ? -Infinity : parseMoment(from).fromMs,
    toMs: to === '*' ? Infinity : parseMoment(to).toMs,
  };
}
