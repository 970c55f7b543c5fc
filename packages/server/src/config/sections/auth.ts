import type { AuthConfig, BasicUserConfig, GithubAuthConfig, Role } from '../config.ts';
import type { Cursor } from '../cursor.ts';
import { list, mapOf, type Section, type Spotted, section } from '../decode.ts';
import { boolean, duration, integer, quoteAt, secret, text } from '../scalars.ts';
import { takeSecret, takeToken } from './secrets.ts';

const userFields = { username: text(), password: secret(), role: text('readonly') };

const basicFields = {
  enabled: boolean(false),
  users: list(section(userFields)),
  failed_logins_per_minute: integer({ fallback: 60, min: 1, max: 1_000_000 }),
};

const githubAuthFields = {
  enabled: boolean(false),
  client_id: text(),
  client_secret: secret(),
  redirect_url: text(),
  org_role_mapping: mapOf(text('readonly')),
  user_role_mapping: mapOf(text('readonly')),
};

export const authFields = {
  session_ttl: duration({ fallback: '24h', min: '1s', max: '87600h' }),
  basic: section(basicFields),
  github: section(githubAuthFields),
};

export function buildAuth({ values, place }: Section<typeof authFields>): AuthConfig {
  const { basic, github } = values;
  if (!basic.values.enabled && !github.values.enabled) {
    place.problem('nobody can log in; set auth.basic.enabled or auth.github.enabled to true');
  }
  if (!basic.values.enabled) basic.at.users.forgetUnset();
  if (!github.values.enabled) {
    const { enabled: _, ...rest } = github.at;
    for (const at of Object.values(rest)) at.forgetUnset();
  }
  const users = basic.values.users.map((user) => buildUser(user, basic.values.enabled));
  refuseSameNames(basic.values.users);
  if (basic.values.enabled && users.length === 0) {
    basic.at.users.warn('is empty, so nobody can log in with a password; add a user');
  }
  return {
    sessionTtlMs: values.session_ttl,
    basic: {
      enabled: basic.values.enabled,
      users,
      failedLoginsPerMinute: basic.values.failed_logins_per_minute,
    },
    github: buildGithubAuth(github),
  };
}

function buildUser({ values, at }: Section<typeof userFields>, isInUse: boolean): BasicUserConfig {
  if (values.username === '') at.username.problem('is missing; write the name to log in with');
  const password = takeSecret(values.password, at.password, isInUse);
  if (isInUse && password.isEmpty && values.password.unsetVariable === undefined) {
    at.password.problem('is empty, so anyone could log in; write a password or ${VARIABLE}');
  }
  return { username: values.username, password, role: checkRole(values.role, at.role) };
}

function refuseSameNames(users: readonly Section<typeof userFields>[]): void {
  const seen = new Set<string>();
  for (const { values, at } of users) {
    if (values.username !== '' && seen.has(values.username)) {
      at.username.problem('is the name of another user; write a name of its own');
    }
    seen.add(values.username);
  }
}

function buildGithubAuth({ values, at }: Section<typeof githubAuthFields>): GithubAuthConfig {
  const { enabled } = values;
  const clientSecret = takeToken(values.client_secret, at.client_secret, enabled);
  if (enabled && values.client_id === '') {
    at.client_id.problem('is missing; write the client id of your OAuth app');
  }
  if (enabled && clientSecret.isEmpty && values.client_secret.unsetVariable === undefined) {
    at.client_secret.problem('is missing; write ${GITHUB_CLIENT_SECRET} and set that variable');
  }
  if (enabled) checkRedirect(values.redirect_url, at.redirect_url);
  if (enabled && values.org_role_mapping.length + values.user_role_mapping.length === 0) {
    at.enabled.warn('without org_role_mapping or user_role_mapping nobody can log in with GitHub');
  }
  refuseSameLogins(values.user_role_mapping);
  return {
    enabled,
    clientId: values.client_id.trim(),
    clientSecret,
    redirectUrl: values.redirect_url,
    orgRoleMapping: buildMapping(values.org_role_mapping),
    userRoleMapping: buildMapping(values.user_role_mapping),
  };
}

type Mapping = readonly (readonly [string, Spotted<string>])[];

function buildMapping(mapping: Mapping): Record<string, Role> {
  return Object.fromEntries(mapping.map(([name, role]) => [name, checkRole(role.value, role.at)]));
}

// GitHub's user names ignore case, so two spellings would be two roles of one person.
function refuseSameLogins(mapping: Mapping): void {
  const seen = new Set<string>();
  for (const [name, { at }] of mapping) {
    if (seen.has(name.toLowerCase())) {
      at.problem('is the same GitHub user as another key, which differs in case only; keep one');
    }
    seen.add(name.toLowerCase());
  }
}

function checkRole(value: string, at: Cursor): Role {
  if (value === 'admin' || value === 'readonly') return value;
  at.problem(`${quoteAt(at)} is no role; write readonly or admin`);
  return 'readonly';
}

function checkRedirect(url: string, at: Cursor): void {
  if (url === '' || /^\/(?!\/)/.test(url)) return;
  if (URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol)) return;
  at.problem(
    `${quoteAt(at)} is no URL; write where the dashboard is, such as https://ci.example.com`,
  );
}
