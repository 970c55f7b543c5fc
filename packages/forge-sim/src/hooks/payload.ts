import { isoSeconds } from '../clock.ts';
import type { Forge } from '../forge.ts';
import { nodeId, simpleUser } from '../rest/account-body.ts';
import { fullRepository, repoApiUrl, repoHtmlUrl } from '../rest/repo-body.ts';
import { jobBody, runBody } from '../rest/run-body.ts';
import type { ForgeEvent } from '../world/forge-events.ts';
import type { Account, Repo, Run, Workflow } from '../world/state.ts';
import type { Hook } from './hook.ts';

/** The body of a delivery, as it is now. */
export function eventPayload(event: ForgeEvent, forge: Forge): Record<string, unknown> {
  const run = runOf(event);
  const { workflow } = run;
  const subject =
    event.name === 'workflow_job'
      ? { workflow_job: jobBody(event.job, forge) }
      : { workflow_run: runBody(run, forge), workflow: workflowBody(workflow, forge) };
  return {
    action: event.action,
    ...subject,
    ...placeOf(workflow.repo.owner, workflow.repo, forge),
    sender: simpleUser(run.actor, forge),
  };
}

export function runOf(event: ForgeEvent): Run {
  return event.name === 'workflow_job' ? event.job.run : event.run;
}

export function pingPayload(hook: Hook, forge: Forge): Record<string, unknown> {
  const { owner, repo } = hook;
  return {
    zen: 'What waits should know why.',
    hook_id: hook.id,
    hook: hookBody(hook, forge),
    ...placeOf(owner, repo, forge),
    ...(owner === null ? {} : { sender: simpleUser(owner, forge) }),
  };
}

function hookBody(hook: Hook, forge: Forge): Record<string, unknown> {
  const createdAt = isoSeconds(hook.createdAt);
  const { url, secret } = hook.spec;
  return {
    type: hook.target.type,
    id: hook.id,
    name: 'web',
    active: true,
    events: hook.events.filter((event) => event !== 'ping'),
    config: {
      content_type: 'json',
      insecure_ssl: '0',
      url,
      ...(secret === undefined ? {} : { secret: '********' }),
    },
    created_at: createdAt,
    updated_at: createdAt,
    ...hookLinks(hook, forge),
  };
}

/** An App's hook has no address of its own. */
function hookLinks({ id, owner, repo }: Hook, forge: Forge): Record<string, unknown> {
  if (owner === null) return { app_id: 1 };
  const place = repo === null ? `${forge.urls.api}/orgs/${owner.login}` : repoApiUrl(repo, forge);
  const url = `${place}/hooks/${String(id)}`;
  return {
    url,
    ping_url: `${url}/pings`,
    deliveries_url: `${url}/deliveries`,
    last_response: { code: null, status: 'unused', message: null },
  };
}

function placeOf(owner: Account | null, repo: Repo | null, forge: Forge): Record<string, unknown> {
  return {
    ...(repo === null ? {} : { repository: fullRepository(repo, forge) }),
    ...(owner?.type === 'Organization' ? { organization: organizationBody(owner, forge) } : {}),
  };
}

/** `organization-simple-webhooks` of GitHub's description. */
function organizationBody(owner: Account, { urls }: Forge): Record<string, unknown> {
  const api = `${urls.api}/orgs/${owner.login}`;
  return {
    login: owner.login,
    id: owner.id,
    node_id: nodeId('O', owner.id),
    url: api,
    repos_url: `${api}/repos`,
    events_url: `${api}/events`,
    hooks_url: `${api}/hooks`,
    issues_url: `${api}/issues`,
    members_url: `${api}/members{/member}`,
    public_members_url: `${api}/public_members{/member}`,
    avatar_url: `${urls.html}/avatars/u/${String(owner.id)}`,
    description: null,
  };
}

/** `webhooks_workflow` of GitHub's description. */
function workflowBody(workflow: Workflow, forge: Forge): Record<string, unknown> {
  const { id, name, file, repo, refs } = workflow;
  const html = repoHtmlUrl(repo, forge);
  const createdAt = isoSeconds(repo.createdAt);
  return {
    id,
    node_id: nodeId('W', id),
    name,
    path: `.github/workflows/${file}`,
    state: 'active',
    created_at: createdAt,
    updated_at: createdAt,
    url: `${repoApiUrl(repo, forge)}/actions/workflows/${String(id)}`,
    html_url: `${html}/blob/${refs[0] ?? 'main'}/.github/workflows/${file}`,
    badge_url: `${html}/workflows/${encodeURIComponent(name)}/badge.svg`,
  };
}
