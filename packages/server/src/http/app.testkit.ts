import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { afterEach } from 'vitest';
import { hashSessionToken } from '../auth/session-tokens.ts';
import { FakeClock } from '../lib/clock.testkit.ts';
import { makeLogger } from '../lib/logger.ts';
import { makeMetrics } from '../metrics/metrics.ts';
import type { User } from '../store/port/users.ts';
import { makeHttpApp } from './app.ts';
import type { HttpDeps, HttpOptions, HttpStore } from './deps.ts';
import type { HttpApp } from './http-app.ts';
import { type FakeStoreParts, fakeStore, makeUser, noon } from './store.testkit.ts';

export const adminToken = 'token-of-ada';
export const readonlyToken = 'token-of-grace';

const ada = makeUser();
const grace = makeUser({ id: 'user-2', username: 'grace', role: 'readonly' });

export const testOptions: HttpOptions = {
  corsOrigins: [],
  rateLimit: {
    isEnabled: false,
    authPerMinute: 10,
    publicPerMinute: 60,
    authenticatedPerMinute: 120,
  },
  trustedProxies: [],
  maxConnections: 100,
  sessionTtlMs: 24 * 3_600_000,
  failedLoginsPerMinute: 60,
  isBasicAuthEnabled: true,
  isGithubAuthEnabled: false,
  pickupTimeoutMs: 15 * 60_000,
};

export interface TestAppParts extends FakeStoreParts {
  readonly options?: Partial<HttpOptions>;
  readonly deps?: Partial<Omit<HttpDeps, 'options' | 'store'>>;
  /** Instead of the fake one. */
  readonly store?: HttpStore;
}

export interface TestApp {
  readonly app: HttpApp;
  readonly clock: FakeClock;
  /** Everything logged so far, at every level. */
  readonly logged: () => string;
  /** As the admin, unless the request says otherwise. */
  readonly ask: (request: InjectOptions) => Promise<LightMyRequestResponse>;
}

const opened: HttpApp[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((app) => app.close()));
});

/** The whole app on a fake store, with two sessions: an admin's and a readonly user's. Closed after the test. */
export async function openTestApp(parts: TestAppParts = {}): Promise<TestApp> {
  const clock = new FakeClock(noon);
  const lines: string[] = [];
  const logger = makeLogger('trace', { write: (line) => lines.push(line) });
  const store =
    parts.store ?? fakeStore({ ...parts, users: { ...sessionsOfTwo(), ...parts.users } });
  const version = { version: '1.2.3', gitCommit: 'abc1234', buildDate: '2026-01-01' };
  const metrics = makeMetrics({
    store,
    clock,
    version,
    runnersRateRemaining: () => null,
    onScrapeError: () => undefined,
  });
  const app = await makeHttpApp({
    ...{ store, clock, logger, metrics, version },
    options: { ...testOptions, ...parts.options },
    forgeStatus: () => [],
    webhookVerifiers: new Map(),
    isDispatchEnabled: () => true,
    listUnready: () => [],
    listenToEvents: () => undefined,
    ...parts.deps,
  });
  opened.push(app);
  const asAdmin = { authorization: `Bearer ${adminToken}` };
  return {
    app,
    clock,
    logged: () => lines.join(''),
    ask: (request) => app.inject({ ...request, headers: request.headers ?? asAdmin }),
  };
}

function sessionsOfTwo(): Partial<HttpStore['users']> {
  const users = new Map<string, User>([
    [hashSessionToken(adminToken), ada],
    [hashSessionToken(readonlyToken), grace],
  ]);
  return {
    findSession: async (tokenHash) => {
      const user = users.get(tokenHash);
      return user === undefined ? undefined : { user, expiresAt: noon + 3_600_000 };
    },
  };
}
