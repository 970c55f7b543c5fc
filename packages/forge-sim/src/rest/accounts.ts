import { getVisibleRepo } from './access.ts';
import { privateUser, publicUser } from './account-body.ts';
import { fullRepository } from './repo-body.ts';
import { type Endpoint, notFound, param, RestError } from './rest.ts';

const userEndpoint: Endpoint = {
  name: 'user',
  method: 'GET',
  paths: ['/user'],
  docs: 'users/users#get-the-authenticated-user',
  handle: ({ account }, forge) => ({ status: 200, body: privateUser(account, forge) }),
};

const userGetEndpoint: Endpoint = {
  name: 'userGet',
  method: 'GET',
  paths: ['/users/:username'],
  docs: 'users/users#get-a-user',
  handle: (request, forge) => {
    const account = forge.state.findAccount(param(request, 'username'));
    if (account === undefined) throw notFound();
    return { status: 200, body: publicUser(account, forge) };
  },
};

const repoGetEndpoint: Endpoint = {
  name: 'repoGet',
  method: 'GET',
  paths: ['/repos/:owner/:repo'],
  docs: 'repos/repos#get-a-repository',
  handle: (request, forge) => ({
    status: 200,
    body: fullRepository(getVisibleRepo(request, forge), forge),
  }),
};

const rateLimitEndpoint: Endpoint = {
  name: 'rateLimit',
  method: 'GET',
  paths: ['/rate_limit'],
  docs: 'rate-limit/rate-limit#get-rate-limit-status-for-the-authenticated-user',
  isFree: true,
  handle: ({ account }, { limits, clock }) => {
    const core = limits.findRate(account.login);
    if (core === undefined) throw new RestError(404, 'Rate limiting is not enabled.');
    const reset = Math.ceil(clock.now() / 1000);
    const unused = (limit: number, windowS: number): unknown => {
      return { limit, used: 0, remaining: limit, reset: reset + windowS };
    };
    const resources = {
      core,
      search: unused(30, 60),
      graphql: unused(5_000, 3_600),
      integration_manifest: unused(5_000, 3_600),
      actions_runner_registration: unused(10_000, 3_600),
    };
    return { status: 200, body: { resources, rate: core } };
  },
};

export const accountEndpoints: readonly Endpoint[] = [
  userEndpoint,
  userGetEndpoint,
  repoGetEndpoint,
  rateLimitEndpoint,
];
