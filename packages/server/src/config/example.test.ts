import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadGood, loadText, withLogin } from './config.testkit.ts';
import { listKnownKeys } from './schema.ts';

const example = await readFile(
  join(import.meta.dirname, '../../../../config.example.yaml'),
  'utf8',
);

/** With every setting that is off switched on. */
const complete = example.replaceAll(/^#(?=  )/gm, '');

const env = { GITHUB_TOKEN: 'token', ADMIN_PASSWORD: 'password' };

it('starts once GITHUB_TOKEN and ADMIN_PASSWORD are set, without a warning', async () => {
  const { problems, warnings, config } = await loadText(example, { env });
  expect([...problems, ...warnings]).toEqual([]);
  expect(config?.auth.basic.users).toMatchObject([{ username: 'admin', role: 'admin' }]);
});

it('says which variable is missing', async () => {
  const { problems } = await loadText(example);
  expect(problems).toEqual([
    expect.stringContaining('github.token: the variable GITHUB_TOKEN is not set'),
    expect.stringContaining('users[0].password: the variable ADMIN_PASSWORD is not set'),
  ]);
});

it('shows the defaults', async () => {
  const { auth, groups, ...shown } = await loadGood(example, { env });
  const defaults = await loadGood(`${withLogin}github: { token: token }`);
  expect(shown).toEqual({ ...defaults, auth: undefined, groups: undefined });
  expect(auth.sessionTtlMs).toBe(defaults.auth.sessionTtlMs);
  expect(groups).toHaveLength(1);
});

it('shows every key there is, and none that there is not', async () => {
  expect(listPaths(parse(complete))).toEqual(expect.arrayContaining(listKnownKeys()));
  const everything = {
    ...env,
    DB_PASSWORD: 'p',
    GITHUB_RUNNERS_TOKEN: 't',
    GITHUB_WEBHOOK_SECRET: 's',
    VIEWER_PASSWORD: 'p',
    GITHUB_CLIENT_ID: 'c',
    GITHUB_CLIENT_SECRET: 's',
  };
  const { problems, warnings } = await loadText(complete, {
    env: everything,
    files: { 'templates/mainnet.yaml': '' },
    fetch: () => Promise.resolve(new Response('')),
  });
  expect([...problems, ...warnings]).toEqual([]);
});

function listPaths(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return [path, ...value.flatMap((item) => listPaths(item, `${path}[]`))];
  if (typeof value !== 'object' || value === null) return [path];
  const below = Object.entries(value).flatMap(([key, item]) =>
    listPaths(item, path === '' ? key : `${path}.${key}`),
  );
  return [path, ...below];
}
