import type { Run } from '../../domain/attempt.ts';
import type { Observed, RunFilter, RunListing } from '../forge.ts';
import type { Call } from './call.ts';
import type { GithubClient } from './client.ts';
import { DISPATCHED, oddRunsMeant } from './odd-runs.ts';
import { distinct, type Page, PER_PAGE, shownOn } from './pages.ts';
import { runPage } from './schema.ts';

/** 5,000 runs of all kinds, fewer in smaller pages: a look at what was made within minutes, not at a day. */
const MAX_PAGES = 50;

export interface PlainReader {
  readonly client: GithubClient;
  readonly call: Call;
  readonly signal: AbortSignal;
  readonly perPage: number;
}

/**
 * The newest first, until a page is empty or a hundred show nothing but older ones: an old run among newer ones says nothing
 * about those behind it, and a run that is overlooked is started twice. What `total_count` says is not believed: it may be
 * of the same making as the search whose word this is to check.
 *
 * @throws ForgeError
 */
export async function listPlainly(
  reader: PlainReader,
  place: { readonly owner: string; readonly repo: string },
  filter: RunFilter,
): Promise<RunListing> {
  const { createdSince } = filter;
  const pages: Page<Run>[] = [];
  let first: Observed | undefined;
  let isReached = false;
  while (!isReached && pages.length < MAX_PAGES) {
    const { body, ...observed } = await readPage(reader, place, pages.length + 1);
    first ??= observed;
    pages.push(body);
    isReached = shownOn(body) === 0 || areBefore(pages, reader.perPage, createdSince);
  }
  const runs = pages
    .flatMap(({ entries }) => entries)
    .filter(({ event, createdAt }) => event === DISPATCHED && createdAt >= createdSince);
  return {
    ...{ sentAt: first?.sentAt ?? 0, forgeSentAt: first?.forgeSentAt ?? 0 },
    isComplete: isReached && oddRunsMeant(pages, filter).length === 0,
    runs: distinct(runs, ({ id }) => id),
  };
}

/** Of smaller pages it takes as many as show what one of the largest does. */
function areBefore(pages: readonly Page<Run>[], perPage: number, createdSince: number): boolean {
  const needed = Math.ceil(PER_PAGE / perPage);
  const last = pages.slice(-needed);
  return last.length === needed && last.every((page) => isBefore(page, createdSince));
}

function isBefore({ entries }: Page<Run>, createdSince: number): boolean {
  return entries.length > 0 && entries.every(({ createdAt }) => createdAt < createdSince);
}

async function readPage(
  { client, call, signal, perPage }: PlainReader,
  place: { readonly owner: string; readonly repo: string },
  page: number,
): Promise<Observed & { readonly body: Page<Run> }> {
  const answer = await client.ask(call, signal, (request) =>
    request('GET /repos/{owner}/{repo}/actions/runs', { ...place, per_page: perPage, page }),
  );
  const { sentAt, forgeSentAt } = answer;
  return { sentAt, forgeSentAt, body: client.readPage(runPage, answer, call) };
}
