import type { ObservedRunner } from '../../domain/runner.ts';
import { findScope, type Scope } from '../../domain/runner.ts';
import { ForgeError, type Observed, type RunnerListing } from '../forge.ts';
import type { Answer, Call } from './call.ts';
import { type GithubClient, parseAnswer, type SendRequest } from './client.ts';
import { distinct, PER_PAGE, pageCount, pagesFrom, readTogether } from './pages.ts';
import { type RunnerPage, runnerPage } from './schema.ts';

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
  const pass = makePass(client, scopeText, signal);
  await client.admit(pass.call);
  if (etags.length > 0) {
    const known = await pass.findByEtags(etags);
    if (known !== undefined) return known;
  }
  const first = await pass.readAll();
  // Runners came or went between two pages: once more, then it stays incomplete and the next pass decides.
  return first.isComplete ? first : pass.readAll();
}

interface Pass {
  readonly call: Call;
  /**
   * `undefined` when some pages changed and some did not: we keep no bodies, so all have to be read anew. One
   * page, the usual case, never needs a second request.
   */
  findByEtags(etags: readonly string[]): Promise<RunnerListing | undefined>;
  readAll(): Promise<RunnerListing>;
}

interface ReadPage extends Observed {
  readonly body: RunnerPage;
  readonly etag: string | undefined;
}

function makePass(client: GithubClient, scopeText: string, signal: AbortSignal): Pass {
  const scope = getScope(scopeText);
  const call: Call = {
    endpoint: 'listRunners',
    share: 'poll',
    doing: `list the runners of ${scopeText}`,
    needs: NEEDS[scope.kind],
    isMutation: false,
    isAboutObject: true,
  };
  const ask = (page: number, etag: string | undefined, either: AbortSignal): Promise<Answer> =>
    client.ask(etag === undefined ? call : { ...call, etag }, either, routeOf(scope, page));
  const readPage = (answer: Answer): ReadPage => {
    const { sentAt, forgeSentAt, headers } = answer;
    const body = parseAnswer(runnerPage, answer, call);
    return { body, etag: headers['etag'], sentAt, forgeSentAt };
  };
  const read = async (page: number, either: AbortSignal): Promise<ReadPage> =>
    readPage(await ask(page, undefined, either));
  return {
    call,
    findByEtags: async (etags) => {
      const answers = await readTogether(pagesFrom(1, etags.length), signal, (page, either) =>
        ask(page, etags[page - 1], either),
      );
      const unchangedCount = answers.filter((answer) => answer.status === 304).length;
      if (unchangedCount === answers.length) {
        return { ...sentTimes(answers), isChanged: false, isComplete: true, runners: [], etags };
      }
      if (unchangedCount > 0) return undefined;
      const listing = listingOf(answers.map(readPage));
      return listing.isComplete ? listing : undefined;
    },
    readAll: async () => {
      const first = await read(1, signal);
      const last = pageCount(first.body.total_count);
      const rest = await readTogether(pagesFrom(2, last), signal, read);
      return listingOf([first, ...rest]);
    },
  };
}

function listingOf(pages: readonly ReadPage[]): RunnerListing {
  const runners = distinct(
    pages.flatMap((page) => page.body.runners),
    (runner: ObservedRunner) => runner.forgeRunnerId,
  );
  const isComplete = pages.every((page) => page.body.total_count === runners.length);
  const etags = pages.map((page) => page.etag).filter((etag) => etag !== undefined);
  // ETags stand for a whole pass or for nothing: a 304 must never confirm pages that do not fit together.
  const isReusable = isComplete && etags.length === pages.length;
  return {
    ...sentTimes(pages),
    isChanged: true,
    isComplete,
    runners,
    etags: isReusable ? etags : [],
  };
}

/** A pass shows no more than what its oldest page does. */
function sentTimes(pages: readonly Observed[]): Observed {
  return {
    sentAt: Math.min(...pages.map((page) => page.sentAt)),
    forgeSentAt: Math.min(...pages.map((page) => page.forgeSentAt)),
  };
}

function routeOf(scope: Scope, page: number): SendRequest {
  const paging = { per_page: PER_PAGE, page };
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
