import { expect, it } from 'vitest';
import { databases } from '../src/store/databases.testkit.ts';
import { ADMIN_PASSWORD, VIEWER_PASSWORD } from './harness/config-file.ts';
import { acme } from './harness/fixtures.ts';
import { floodLogins } from './harness/login-flood.ts';
import { Site } from './processes/site.ts';
import { verify } from './processes/verify/verify.ts';

const NOTES = ['one', 'two', 'three', 'four'];
/** A flood makes a busy machine of any. */
const GIVE_UP_AFTER_MS = 150_000;

const [sqlite] = databases.filter(({ name }) => name === 'sqlite');

it('a login flood of 1,500 connections stops neither dispatching nor a login with the right password', {
  timeout: 2 * GIVE_UP_AFTER_MS,
}, async (context) => {
  const options = {
    ...{ forge: acme(4), giveUpAfterMs: GIVE_UP_AFTER_MS },
    config: { server: { trusted_proxies: ['127.0.0.1'] } },
  };
  const site = await Site.open({ database: sqlite!, ...options }, context);
  // By name: to look one up takes a thread of those that hash passwords.
  const forgeUrl = site.sim.url.replace('127.0.0.1', 'localhost');
  const server = await site.start({ forgeUrl });
  const login = async (username: string, password: string, from?: string): Promise<number> => {
    const ask = { method: 'POST', body: { username, password } };
    const headers = from === undefined ? {} : { 'x-forwarded-for': from };
    return (await site.api.ask('/api/v1/auth/login', { ...ask, headers })).status;
  };
  expect(await login('viewer', VIEWER_PASSWORD)).toBe(200);

  const flood = floodLogins(server.url, 1_500);
  context.onTestFinished(flood.end);
  const answered = (status: number) => flood.statuses.filter((other) => other === status).length;
  await site.until(
    'logins are refused',
    async () => answered(503) * answered(429),
    (n) => n > 0,
  );
  const jobs = await site.enqueue(NOTES);
  await site.runs(NOTES.length);
  const checkedBefore = answered(401);
  expect(await login('viewer', VIEWER_PASSWORD)).toBe(200);
  // Under whose name the flood goes on, from the same address.
  expect(await login('admin', ADMIN_PASSWORD)).toBe(200);
  // In a line for all 1,500 it would have been one of the last.
  expect(answered(401) - checkedBefore, 'passwords checked meanwhile').toBeLessThan(200);
  // Who has not logged in before, each at an address of his own.
  for (const from of ['192.0.2.1', '192.0.2.2', '2001:db8::1']) {
    expect(await login('viewer', VIEWER_PASSWORD, from), from).toBe(200);
  }
  flood.end();
  await verify(site, jobs);
});
