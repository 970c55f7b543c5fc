import { ForgeError } from '../forge.ts';
import type { Call } from './call.ts';
import { type GithubClient, parseAnswer } from './client.ts';
import { account } from './schema.ts';

const ACCOUNT_CALL = {
  share: 'lookup',
  needs: '',
  isMutation: false,
  isAboutObject: false,
} as const;

/**
 * Asks who the credential is. An installation of an App is nobody: then any answer that only a working
 * credential gets will do.
 *
 * @returns the login, `''` for an installation
 * @throws ForgeError
 */
export async function askWhoWeAre(client: GithubClient, signal: AbortSignal): Promise<string> {
  const call: Call = {
    ...ACCOUNT_CALL,
    about: '',
    endpoint: 'user',
    doing: 'ask who the token belongs to',
  };
  try {
    const answer = await client.ask({ ...call, isAboutObject: true }, signal, (request) =>
      request('GET /user'),
    );
    return parseAnswer(account, answer, call).login;
  } catch (error) {
    if (!isHidden(error)) throw error;
  }
  await askRateLimit(client, signal);
  return '';
}

/** With the credential that dispatches: decides whether a 404 of something in the repository is to be believed. */
export async function canReadRepo(
  client: GithubClient,
  owner: string,
  repo: string,
  signal: AbortSignal,
): Promise<boolean> {
  const call: Call = {
    ...ACCOUNT_CALL,
    endpoint: 'repoGet',
    about: `${owner}/${repo}`,
    doing: `read ${owner}/${repo}`,
    needs: 'Metadata: read (classic tokens: scope repo)',
    isAboutObject: true,
  };
  try {
    await client.ask(call, signal, (request) =>
      request('GET /repos/{owner}/{repo}', { owner, repo }),
    );
    return true;
  } catch (error) {
    if (isHidden(error)) return false;
    throw error;
  }
}

/** Only where runners are looked for depends on it: it must not take the requests that dispatches need. */
export async function findOwnerType(
  client: GithubClient,
  owner: string,
  signal: AbortSignal,
): Promise<'org' | 'user' | 'unknown'> {
  const call: Call = {
    ...ACCOUNT_CALL,
    share: 'poll',
    endpoint: 'userGet',
    about: owner,
    doing: `read the account ${owner}`,
    isAboutObject: true,
  };
  try {
    const answer = await client.ask(call, signal, (request) =>
      request('GET /users/{username}', { username: owner }),
    );
    const { type } = parseAnswer(account, answer, call);
    return type === 'Organization' ? 'org' : 'user';
  } catch (error) {
    if (isHidden(error)) return 'unknown';
    throw error;
  }
}

/** Counts against no limit, and only a working credential is told. */
export async function askRateLimit(client: GithubClient, signal: AbortSignal): Promise<void> {
  const call: Call = {
    ...ACCOUNT_CALL,
    about: '',
    endpoint: 'rateLimit',
    doing: 'read the rate limit',
  };
  try {
    await client.ask(call, signal, (request) => request('GET /rate_limit'));
  } catch (error) {
    // A GHES without limits has nothing here, and says so only to a token that it knows.
    if (!(error instanceof ForgeError && error.code === 'not-found')) throw error;
    client.connection.noteWorks();
  }
}

function isHidden(error: unknown): boolean {
  return error instanceof ForgeError && (error.code === 'not-found' || error.code === 'no-access');
}
