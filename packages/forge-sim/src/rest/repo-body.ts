import { isoSeconds } from '../clock.ts';
import type { Forge } from '../forge.ts';
import type { Repo } from '../world/state.ts';
import { nodeId, simpleUser } from './account-body.ts';

/** Path below the repository's API URL, by the field that carries it. */
const links: Readonly<Record<string, string>> = {
  archive_url: '/{archive_format}{/ref}',
  assignees_url: '/assignees{/user}',
  blobs_url: '/git/blobs{/sha}',
  branches_url: '/branches{/branch}',
  collaborators_url: '/collaborators{/collaborator}',
  comments_url: '/comments{/number}',
  commits_url: '/commits{/sha}',
  compare_url: '/compare/{base}...{head}',
  contents_url: '/contents/{+path}',
  contributors_url: '/contributors',
  deployments_url: '/deployments',
  downloads_url: '/downloads',
  events_url: '/events',
  forks_url: '/forks',
  git_commits_url: '/git/commits{/sha}',
  git_refs_url: '/git/refs{/sha}',
  git_tags_url: '/git/tags{/sha}',
  hooks_url: '/hooks',
  issue_comment_url: '/issues/comments{/number}',
  issue_events_url: '/issues/events{/number}',
  issues_url: '/issues{/number}',
  keys_url: '/keys{/key_id}',
  labels_url: '/labels{/name}',
  languages_url: '/languages',
  merges_url: '/merges',
  milestones_url: '/milestones{/number}',
  notifications_url: '/notifications{?since,all,participating}',
  pulls_url: '/pulls{/number}',
  releases_url: '/releases{/id}',
  stargazers_url: '/stargazers',
  statuses_url: '/statuses/{sha}',
  subscribers_url: '/subscribers',
  subscription_url: '/subscription',
  tags_url: '/tags',
  teams_url: '/teams',
  trees_url: '/git/trees{/sha}',
};

export function repoApiUrl(repo: Repo, { urls }: Forge): string {
  return `${urls.api}/repos/${repo.owner.login}/${repo.name}`;
}

export function repoHtmlUrl(repo: Repo, { urls }: Forge): string {
  return `${urls.html}/${repo.owner.login}/${repo.name}`;
}

/** A list of 100 runs carries 200 of these, all the same. */
const made = new WeakMap<Repo, Record<string, unknown>>();
const madeFull = new WeakMap<Repo, Record<string, unknown>>();

/** `minimal-repository`, with just the fields that a run carries. */
export function minimalRepository(repo: Repo, forge: Forge): Record<string, unknown> {
  const known = made.get(repo);
  if (known !== undefined) return known;
  const api = repoApiUrl(repo, forge);
  const body = {
    id: repo.id,
    node_id: nodeId('R', repo.id),
    name: repo.name,
    full_name: `${repo.owner.login}/${repo.name}`,
    private: true,
    owner: simpleUser(repo.owner, forge),
    html_url: repoHtmlUrl(repo, forge),
    description: null,
    fork: false,
    url: api,
    ...Object.fromEntries(Object.entries(links).map(([name, path]) => [name, api + path])),
  };
  made.set(repo, body);
  return body;
}

/** `full-repository`; every webhook carries one. */
export function fullRepository(repo: Repo, forge: Forge): Record<string, unknown> {
  const body = madeFull.get(repo) ?? makeFullRepository(repo, forge);
  madeFull.set(repo, body);
  return body;
}

function makeFullRepository(repo: Repo, forge: Forge): Record<string, unknown> {
  const html = repoHtmlUrl(repo, forge);
  const createdAt = isoSeconds(repo.createdAt);
  return {
    ...minimalRepository(repo, forge),
    created_at: createdAt,
    updated_at: createdAt,
    pushed_at: createdAt,
    git_url: `${html.replace(/^https?/, 'git')}.git`,
    ssh_url: `git@forge-sim:${repo.owner.login}/${repo.name}.git`,
    clone_url: `${html}.git`,
    svn_url: html,
    homepage: null,
    size: 1,
    stargazers_count: 0,
    watchers_count: 0,
    language: null,
    has_issues: true,
    has_projects: true,
    has_downloads: true,
    has_wiki: true,
    has_pages: false,
    has_discussions: false,
    forks_count: 0,
    mirror_url: null,
    archived: repo.isArchived,
    disabled: false,
    open_issues_count: 0,
    license: null,
    allow_forking: true,
    is_template: false,
    web_commit_signoff_required: false,
    topics: [],
    visibility: 'private',
    forks: 0,
    open_issues: 0,
    watchers: 0,
    default_branch: 'main',
    permissions: { admin: true, maintain: true, push: true, triage: true, pull: true },
    network_count: 0,
    subscribers_count: 0,
    ...(repo.owner.type === 'Organization' ? { organization: simpleUser(repo.owner, forge) } : {}),
  };
}
