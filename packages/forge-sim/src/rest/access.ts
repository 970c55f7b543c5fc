import type { Forge } from '../forge.ts';
import type { Repo, Run, Token, WorldState } from '../world/state.ts';
import { notFound, param, RestError, type RestRequest } from './rest.ts';

export function findToken(state: WorldState, authorization: string | undefined): Token | undefined {
  const [, text] = /^(?:bearer|token)\s+(\S+)$/i.exec(authorization ?? '') ?? [];
  const token = text === undefined ? undefined : state.tokens.get(text);
  return token?.isValid === true ? token : undefined;
}

export function canSeeOwner(token: Token, owner: string): boolean {
  const wanted = owner.toLowerCase();
  if (token.blindTo.includes(wanted)) return false;
  return token.owners === null || token.owners.includes(wanted);
}

/** GitHub hides what a token may not see: 404, never 403. */
export function getVisibleRepo(request: RestRequest, forge: Forge): Repo {
  const repo = forge.state.findRepo(param(request, 'owner'), param(request, 'repo'));
  if (repo === undefined || !canSeeRepo(request.token, repo)) throw notFound();
  mustBeAuthorised(request.token, repo.owner.login, forge);
  return repo;
}

/** Whose single sign-on wants the token authorised first is told where: a link for one hour. */
export function mustBeAuthorised(token: Token, owner: string, { urls }: Forge): void {
  if (!token.unauthorisedBy.includes(owner.toLowerCase())) return;
  const url = `${urls.html}/orgs/${owner}/sso?authorization_request=AZSCKtL4U8yX1H3sCQIVnVgmjmon5f`;
  throw new RestError(
    403,
    'Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.',
    { 'x-github-sso': `required; url=${url}` },
  );
}

/** Also for those who may read an archived repository, and change others. */
export function mustNotBeArchived(repo: Repo): void {
  if (repo.isArchived) throw new RestError(403, 'Repository was archived so is read-only.');
}

function canSeeRepo(token: Token, repo: Repo): boolean {
  const fullName = `${repo.owner.login}/${repo.name}`.toLowerCase();
  return canSeeOwner(token, repo.owner.login) && !token.blindTo.includes(fullName);
}

/** A run is found by id as soon as it exists, also before listings show it. */
export function getVisibleRun(request: RestRequest, forge: Forge): Run {
  const repo = getVisibleRepo(request, forge);
  const run = forge.state.runs.get(Number(param(request, 'run_id')));
  if (run === undefined || run.deletedAt !== null || run.workflow.repo !== repo) throw notFound();
  return run;
}

export function mustBeAbleToWrite(token: Token): void {
  if (token.canWrite) return;
  throw new RestError(403, 'Resource not accessible by personal access token');
}
