import type { ObservedRunner } from '../../domain/runner.ts';
import { findScope, type Scope } from '../../domain/runner.ts';
import { ForgeError, type Observed, type RunnerListing } from '../forge.ts';
import type { Call } from './call.ts';
import type { GithubClient, SendRequest } from './client.ts';
import { badReply } from './failure.ts';
import {
  distinct,
  haveSameIds,
  isOneShortPage,
  type Page,
  PageBudget,
  pagesFrom,
  readList,
  readTogether,
  shownOn,
} from './pages.ts';
import { runnerPage } from './schema.ts';

const NEEDS: Readonly<Record<Scope['kind'], string>> = {
  repo: 'Administration: read (classic tokens: scope repo)',
  org: 'Self-hosted runners: read (classic tokens: scope admin:org)',
  enterprise: 'scope manage_runners:enterprise',
};

/** @throws ForgeError */
export async function listRunners(
  client: GithubClient,
  scopeText: string,
  etags: readonly string[],
  signal: AbortSignal,
): Promise<RunnerListing> {
  const scope = getScope(scopeText);
  await client.admit(callOf(scope, scopeText));
  return client.pageSizes.read(`runners of ${scopeText}`, (perPage) =>
    listIn(makeReading(client, { scope, scopeText, perPage }, signal), etags),
  );
}

async function listIn(reading: RunnerReading, etags: readonly string[]): Promise<RunnerListing> {
  if (etags.length > 0) {
    const known = await reading.findByEtags(etags);
    if (known !== undefined) return known;
  }
  const { perPage } = reading;
  const budget = new PageBudget(perPage);
  const first = await reading.readAll(budget);
  const listing = listingOf(first, perPage);
  if (listing.isComplete || budget.left < first.length) return listing;
  // Runners came or went between two pages: once more, and whom either reading has shown was there.
  const second = await reading.readAll(budget);
  const again = listingOf(second, perPage);
  return again.isComplete ? again : listingOfBoth(first, second, again);
}

interface RunnerReading {
  /** Runners of a page. */
  readonly perPage: number;
  /**
   * `undefined` when some pages changed and some did not: we keep no bodies, so all have to be read anew. One
   * page, the usual case, never needs a second request.
   */
  findByEtags(etags: readonly string[]): Promise<RunnerListing | undefined>;
  readAll(budget: PageBudget): Promise<ReadPage[]>;
}

interface ReadPage extends Observed {
  readonly body: Page<ObservedRunner>;
  readonly etag: string | undefined;
}

/** 304, and no body. */
type Unchanged = Observed & { readonly body?: never };

function callOf(scope: Scope, scopeText: string): Call {
  return {
    endpoint: 'listRunners',
    share: 'poll',
    about: scopeText,
    doing: `list the runners of ${scopeText}`,
    needs: NEEDS[scope.kind],
    isMutation: false,
    isAboutObject: true,
  };
}

interface ReadingOf {
  readonly scope: Scope;
  readonly scopeText: string;
  readonly perPage: number;
}

function makeReading(
  client: GithubClient,
  { scope, scopeText, perPage }: ReadingOf,
  signal: AbortSignal,
): RunnerReading {
  const call = callOf(scope, scopeText);
  const read = async (
    page: number,
    either: AbortSignal,
    etag?: string,
  ): Promise<ReadPage | Unchanged> => {
    const asked = { ...call, isContinued: page > 1, etag };
    const answer = await client.ask(asked, either, routeOf(scope, { per_page: perPage, page }));
    const { sentAt, forgeSentAt, headers } = answer;
    if (answer.status === 304) return { sentAt, forgeSentAt };
    const body = client.readPage(runnerPage, answer, call);
    return { body, etag: headers['etag'], sentAt, forgeSentAt };
  };
  return {
    perPage,
    findByEtags: async (etags) => {
      const pages = await readTogether(pagesFrom(1, etags.length), signal, (page, either) =>
        read(page, either, etags[page - 1]),
      );
      const changed = pages.filter(isChanged);
      if (changed.length === 0) {
        const isAsBefore = { isChanged: false, isComplete: true, mismatch: '' };
        return { ...sentTimes(pages), ...isAsBefore, runners: [], etags };
      }
      if (changed.length < pages.length) return undefined;
      const listing = listingOf(assertReadable(changed, call), perPage);
      return listing.isComplete ? listing : undefined;
    },
    readAll: async (budget) => {
      const readNew = async (page: number, either: AbortSignal): Promise<ReadPage> => {
        const answered = await read(page, either);
        if (isChanged(answered)) return answered;
        throw badReply('304 to a request without an ETag', call);
      };
      return assertReadable(await readList(readNew, signal, budget), call);
    },
  };
}

function isChanged(page: ReadPage | Unchanged): page is ReadPage {
  return page.body !== undefined;
}

/** One odd entry is left out. All of them are another format: then nothing is known of any runner, and none is gone. */
function assertReadable(pages: ReadPage[], call: Call): ReadPage[] {
  const [odd] = pages.flatMap(({ body }) => body.odd);
  if (odd === undefined || pages.some(({ body }) => body.entries.length > 0)) return pages;
  throw badReply(`no runner is as documented: ${odd.problem}`, call);
}

function listingOf(pages: readonly ReadPage[], perPage: number): RunnerListing {
  const runners = runnersOn(pages);
  const mismatch = mismatchOf(pages, runners.length, perPage);
  const etags = pages.map((page) => page.etag).filter((etag) => etag !== undefined);
  // ETags stand for a whole listing or for nothing: a 304 must never confirm pages that do not fit together.
  const isReusable = mismatch === '' && etags.length === pages.length;
  return {
    ...sentTimes(pages),
    isChanged: true,
    isComplete: mismatch === '',
    mismatch,
    runners,
    etags: isReusable ? etags : [],
  };
}

/** Of two readings that do not add up each: a runner slips through one of them now and then, hardly through both. */
function listingOfBoth(
  first: readonly ReadPage[],
  second: readonly ReadPage[],
  { mismatch }: RunnerListing,
): RunnerListing {
  const runners = runnersOn([...first, ...second]);
  const isCountWrong = haveSameRunners(runnersOn(first), runnersOn(second));
  return {
    ...sentTimes([...first, ...second]),
    isChanged: true,
    isComplete: false,
    mismatch: isCountWrong ? `${mismatch}, twice the same: its count is wrong` : mismatch,
    runners,
    etags: [],
  };
}

function runnersOn(pages: readonly ReadPage[]): ObservedRunner[] {
  return distinct(
    pages.flatMap((page) => page.body.entries),
    (runner) => runner.forgeRunnerId,
  );
}

function haveSameRunners(some: readonly ObservedRunner[], others: readonly ObservedRunner[]) {
  const idsOf = (runners: readonly ObservedRunner[]) =>
    runners.map(({ forgeRunnerId: id }) => ({ id }));
  return haveSameIds(idsOf(some), idsOf(others));
}

/** `''`: the pages show as many as the forge counts on each of them. */
function mismatchOf(pages: readonly ReadPage[], runnerCount: number, perPage: number): string {
  const oddCount = pages.reduce((sum, { body }) => sum + body.odd.length, 0);
  const shown = runnerCount + oddCount;
  const bodies = pages.map(({ body }) => body);
  if (bodies.every(({ total }) => total === null)) {
    // Of several pages a runner may have slipped from one to another, and none at all may be a fault of the moment.
    return isOneShortPage(bodies, perPage)
      ? ''
      : `the forge does not count them and shows ${String(shown)}`;
  }
  const other = pages.find(({ body }) => body.total !== null && body.total !== shown);
  if (other === undefined) return '';
  const counts = `the forge counts ${String(other.body.total)} and shows ${String(shown)}`;
  const empty = pages.findIndex(({ body }) => shownOn(body) === 0);
  return empty < 0 ? counts : `${counts}, page ${String(empty + 1)} being empty`;
}

/** A listing shows no more than what its oldest page does. */
function sentTimes(pages: readonly Observed[]): Observed {
  return {
    sentAt: Math.min(...pages.map((page) => page.sentAt)),
    forgeSentAt: Math.min(...pages.map((page) => page.forgeSentAt)),
  };
}

function routeOf(
  scope: Scope,
  paging: { readonly per_page: number; readonly page: number },
): SendRequest {
  const { name } = scope;
  switch (scope.kind) {
    case 'org':
      return (request) => request('GET /orgs/{org}/actions/runners', { org: name, ...paging });
    case 'repo': {
      const [owner = '', repo = ''] = name.split('/');
      return (request) =>
        request('GET /repos/{owner}/{repo}/actions/runners', { owner, repo, ...paging });
    }
    case 'enterprise':
      return (request) =>
        request('GET /enterprises/{enterprise}/actions/runners', { enterprise: name, ...paging });
  }
}

function getScope(text: string): Scope {
  const scope = findScope(text);
  if (scope !== undefined) return scope;
  throw new ForgeError(
    `"${text}" is no scope: write org:NAME, repo:OWNER/NAME or enterprise:NAME`,
    {
      code: 'invalid',
      acted: 'no',
    },
  );
}
