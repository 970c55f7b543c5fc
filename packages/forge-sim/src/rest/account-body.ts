import { isoSeconds } from '../clock.ts';
import type { Forge } from '../forge.ts';
import type { Account } from '../world/state.ts';

export function nodeId(kind: string, id: number): string {
  return `${kind}_${Buffer.from(`0:${kind}${String(id)}`).toString('base64url')}`;
}

/** `simple-user` of GitHub's description. */
export function simpleUser(account: Account, { urls }: Forge): Record<string, unknown> {
  const { id, login, type } = account;
  const api = `${urls.api}/users/${login}`;
  return {
    login,
    id,
    node_id: nodeId(type === 'User' ? 'U' : 'O', id),
    avatar_url: `${urls.html}/avatars/u/${String(id)}`,
    gravatar_id: '',
    url: api,
    html_url: `${urls.html}/${login}`,
    followers_url: `${api}/followers`,
    following_url: `${api}/following{/other_user}`,
    gists_url: `${api}/gists{/gist_id}`,
    starred_url: `${api}/starred{/owner}{/repo}`,
    subscriptions_url: `${api}/subscriptions`,
    organizations_url: `${api}/orgs`,
    repos_url: `${api}/repos`,
    events_url: `${api}/events{/privacy}`,
    received_events_url: `${api}/received_events`,
    type,
    user_view_type: 'public',
    site_admin: false,
  };
}

/** `public-user`: what anyone is told of an account. */
export function publicUser(account: Account, forge: Forge): Record<string, unknown> {
  const createdAt = isoSeconds(account.createdAt);
  return {
    ...simpleUser(account, forge),
    name: account.login,
    company: null,
    blog: '',
    location: null,
    email: null,
    hireable: null,
    bio: null,
    twitter_username: null,
    public_repos: 0,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: createdAt,
    updated_at: createdAt,
  };
}

/** `private-user`: what a token is told of its own account. */
export function privateUser(account: Account, forge: Forge): Record<string, unknown> {
  return {
    ...publicUser(account, forge),
    user_view_type: 'private',
    notification_email: null,
    private_gists: 0,
    total_private_repos: 0,
    owned_private_repos: 0,
    disk_usage: 0,
    collaborators: 0,
    two_factor_authentication: true,
    plan: { name: 'free', space: 976_562_499, collaborators: 0, private_repos: 10_000 },
  };
}
