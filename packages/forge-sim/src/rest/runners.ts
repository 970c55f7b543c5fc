import type { Forge } from '../forge.ts';
import type { Runner } from '../world/state.ts';
import { canSeeOwner, getVisibleRepo, mustBeAbleToWrite, mustBeAuthorised } from './access.ts';
import { pageOf } from './paging.ts';
import { type Endpoint, notFound, type RestRequest } from './rest.ts';

/** Labels that the runner's own registration sets; GitHub marks them read-only. */
const systemLabels = new Set(['self-hosted', 'linux', 'windows', 'macos', 'x64', 'arm', 'arm64']);

/** The scope that a path names, lower case; throws 404 where the token may not look. */
function scopeOf(request: RestRequest, forge: Forge): string {
  const org = request.params['org'];
  const enterprise = request.params['enterprise'];
  if (org !== undefined) {
    const account = forge.state.findAccount(org);
    if (account?.type !== 'Organization' || !canSeeOwner(request.token, org)) throw notFound();
    mustBeAuthorised(request.token, org, forge);
    return `org:${org}`.toLowerCase();
  }
  if (enterprise !== undefined) {
    const scope = `enterprise:${enterprise}`.toLowerCase();
    const isKnown = [...forge.state.runners.values()].some((r) => r.scope.toLowerCase() === scope);
    if (!isKnown || !canSeeOwner(request.token, enterprise)) throw notFound();
    return scope;
  }
  const repo = getVisibleRepo(request, forge);
  return `repo:${repo.owner.login}/${repo.name}`.toLowerCase();
}

function runnerBody(runner: Runner): Record<string, unknown> {
  return {
    id: runner.id,
    runner_group_id: 1,
    name: runner.name,
    os: runner.os,
    status: runner.isOnline ? 'online' : 'offline',
    busy: runner.isTakenOutside || runner.job !== null,
    ephemeral: runner.isEphemeral,
    labels: runner.labels.map((name, index) => ({
      id: runner.id * 100 + index,
      name,
      type: systemLabels.has(name.toLowerCase()) ? 'read-only' : 'custom',
    })),
  };
}

const listRunnersEndpoint: Endpoint = {
  name: 'listRunners',
  method: 'GET',
  paths: [
    '/orgs/:org/actions/runners',
    '/repos/:owner/:repo/actions/runners',
    '/enterprises/:enterprise/actions/runners',
  ],
  docs: 'actions/self-hosted-runners',
  handle: (request, forge) => {
    const scope = scopeOf(request, forge);
    // Runners are administration: reading them takes more than reading code.
    mustBeAbleToWrite(request.token);
    const name = request.query['name'];
    const runners = [...forge.state.runners.values()].filter(
      (runner) =>
        runner.goneAt === null &&
        runner.scope.toLowerCase() === scope &&
        (name === undefined || runner.name === name),
    );
    const { items, headers } = pageOf(request, runners, forge.urls.api);
    const body = { total_count: runners.length, runners: items.map(runnerBody) };
    return { status: 200, body, headers };
  },
};

export const runnerEndpoints: readonly Endpoint[] = [listRunnersEndpoint];
