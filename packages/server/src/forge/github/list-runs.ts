import type { Run } from '../../domain/attempt.ts';
import type { Observed, RunFilter, RunListing } from '../forge.ts';
import { ACTIONS_READ, type Call } from './call.ts';
import type { GithubClient, SendRequest } from './client.ts';
import { listPlainly } from './list-runs-plainly.ts';
import { DISPATCHED, oddRunsMeant } from './odd-runs.ts';
import {
  distinct,
  haveSameIds,
  isShort,
  type Page,
  PageBudget,
  PER_PAGE,
  shownOn,
} from './pages.ts';
import { runPage } from './schema.ts';

/** GitHub shows no more of one search, however many there are. */
const SEARCH_LIMIT = 1_000;

/** 12,000 runs of one repository in one window: beyond that the window is wrong, not the forge busy. */
const MAX_WINDOWS = 12;

export interface RunPlace {
  readonly owner: string;
  readonly repo: string;
}

/** @throws ForgeError */
export async function listRuns(
  client: GithubClient,
  place: RunPlace,
  filter: RunFilter,
  signal: AbortSignal,
): Promise<RunListing> {
  const call: Call = {
    endpoint: 'listRuns',
    share: filter.purpose ?? 'track',
    about: `${place.owner}/${place.repo}`,
    doing: `list the runs of ${place.owner}/${place.repo}`,
    needs: ACTIONS_READ,
    isMutation: false,
    isAboutObject: true,
  };
  await client.admit(call);
  return client.pageSizes.read(listOf(place, filter), (perPage) => {
    if (filter.isPlain === true) {
      return listPlainly({ client, call, signal, perPage }, place, filter);
    }
    const read: ReadPage = async (created, page) => {
      const route = routeOf(place, filter, { created, per_page: perPage, page });
      const answer = await client.ask(call, signal, route);
      return { ...timesOf(answer), body: client.readPage(runPage, answer, call) };
    };
    return search(read, filter, new PageBudget(perPage));
  });
}

/** Those that fail each for itself. */
function listOf({ owner, repo }: RunPlace, { workflowId, isPlain }: RunFilter): string {
  const runs = `runs of ${owner}/${repo}`;
  if (isPlain === true) return `all ${runs}`;
  return workflowId === undefined ? `dispatched ${runs}` : `dispatched ${runs}, ${workflowId}`;
}

async function search(read: ReadPage, filter: RunFilter, budget: PageBudget): Promise<RunListing> {
  const mostPages = budget.left;
  const first = await readSince(read, filter, budget);
  if (first.isComplete || first.isCutOff || budget.left < mostPages - budget.left) return first;
  const second = await readSince(read, filter, budget);
  // The same runs twice: then it is the count that is wrong, and it may stay so for ever.
  const isSettled = !second.isCutOff && !second.hasOdd && haveSameIds(first.runs, second.runs);
  const { runs, sentAt, forgeSentAt } = second;
  return { runs, sentAt, forgeSentAt, isComplete: second.isComplete || isSettled };
}

type ReadPage = (created: string, page: number) => Promise<Observed & { readonly body: Page<Run> }>;

interface Reading extends RunListing {
  /** Older runs are there, but cannot be asked for. */
  readonly isCutOff: boolean;
  /** A run was shown that cannot be read and may be of those asked for: that none was made cannot be said. */
  readonly hasOdd: boolean;
}

/**
 * The newest runs come first; where a search is cut off, the next one asks for those up to the oldest seen. Both
 * ends count whole seconds and belong to the range, so neighbours overlap and nothing falls between.
 */
async function readSince(read: ReadPage, filter: RunFilter, budget: PageBudget): Promise<Reading> {
  const since = isoSecond(filter.createdSince);
  const runs: Run[] = [];
  let created = `>=${since}`;
  let observed: Observed | undefined;
  let hasOdd = false;
  for (let windows = 0; windows < MAX_WINDOWS && budget.tryTake(); windows += 1) {
    const window = await readWindow(read, created, filter, budget);
    observed ??= window;
    runs.push(...window.runs);
    hasOdd ||= window.hasOdd;
    if (window.isGivenUp) break;
    const next = window.isCutOff ? `${since}..${isoSecond(oldestOf(window.runs))}` : created;
    if (next === created) {
      const { isCutOff } = window;
      const isComplete = window.isWhole && !isCutOff && !hasOdd;
      return { ...timesOf(observed), isComplete, isCutOff, hasOdd, runs: newestFirst(runs) };
    }
    created = next;
  }
  const found = { runs: newestFirst(runs), hasOdd };
  return { ...timesOf(observed), ...found, isComplete: false, isCutOff: true };
}

interface Window extends Observed {
  readonly runs: readonly Run[];
  /** The forge has more than it shows of one search. */
  readonly isCutOff: boolean;
  /** There was more to ask for than one listing may. */
  readonly isGivenUp: boolean;
  /** As many as the forge said there were when the first page was read. */
  readonly isWhole: boolean;
  readonly hasOdd: boolean;
}

async function readWindow(
  read: ReadPage,
  created: string,
  filter: RunFilter,
  budget: PageBudget,
): Promise<Window> {
  const first = await read(created, 1);
  const { total } = first.body;
  // Uncounted it may have as many as a search shows: it is read to its end, and whole by no single reading.
  const shown = Math.min(total ?? SEARCH_LIMIT, SEARCH_LIMIT);
  const promised = Math.max(1, Math.ceil(shown / budget.perPage));
  const pages = [first.body];
  // In turn, not side by side: a page is empty only here and there, and most searches have one.
  const isOver = (): boolean => pages.length >= promised || isEnd(pages, total, budget.perPage);
  while (!isOver() && budget.tryTake()) {
    pages.push((await read(created, pages.length + 1)).body);
  }
  const hasMore = total === null ? !isEnd(pages, total, budget.perPage) : total > SEARCH_LIMIT;
  const found = distinct(
    pages.flatMap((page) => page.entries),
    (run) => run.id,
  );
  return {
    ...timesOf(first),
    runs: found,
    isCutOff: hasMore && found.length > 0 && pages.length === promised,
    isGivenUp: !isOver(),
    isWhole: total !== null && found.length >= shown,
    hasOdd: oddRunsMeant(pages, filter).length > 0,
  };
}

/**
 * A search may skip a page; two empty ones of the largest, or as much in smaller ones, are its end, whatever it counts.
 * Without a count, so is one that is not full, unless it is where GitHub stops showing.
 */
function isEnd(pages: readonly Page<Run>[], total: number | null, perPage: number): boolean {
  const last = pages.slice(-2 * Math.ceil(PER_PAGE / perPage));
  if (last.every((one) => shownOn(one) === 0)) return true;
  const [newest] = last.slice(-1);
  if (total !== null || newest === undefined) return false;
  const upTo = (pages.length - 1) * perPage + shownOn(newest);
  return upTo < SEARCH_LIMIT && isShort(newest, perPage);
}

function oldestOf(runs: readonly Run[]): number {
  return Math.min(...runs.map((run) => run.createdAt));
}

function newestFirst(runs: readonly Run[]): Run[] {
  return distinct(runs, (run) => run.id).sort((a, b) => b.createdAt - a.createdAt);
}

function timesOf(observed: Observed | undefined): Observed {
  return { sentAt: observed?.sentAt ?? 0, forgeSentAt: observed?.forgeSentAt ?? 0 };
}

function routeOf(
  place: RunPlace,
  filter: RunFilter,
  paging: { readonly created: string; readonly per_page: number; readonly page: number },
): SendRequest {
  const query = { event: DISPATCHED, ...paging };
  const { workflowId } = filter;
  if (workflowId === undefined) {
    return (request) => request('GET /repos/{owner}/{repo}/actions/runs', { ...place, ...query });
  }
  return (request) =>
    request('GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs', {
      ...place,
      workflow_id: workflowId,
      ...query,
    });
}

/** `2026-01-31T12:00:00Z`, rounded down: asking for a little more loses nothing. */
function isoSecond(epochMs: number): string {
  const second = Math.floor(epochMs / 1_000) * 1_000;
  return `${new Date(second).toISOString().slice(0, 19)}Z`;
}
