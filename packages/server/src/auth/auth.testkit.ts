import { FakeClock } from '../lib/clock.testkit.ts';
import type { User, UserWithPassword } from '../store/port/users.ts';
import { type AuthDeps, makeAuth } from './auth.ts';
import type { LoginAttempt } from './password-login.ts';
import { argon2id } from './passwords.ts';

/** Never aborted: who logs in waits for the answer. */
const waits = new AbortController();

export const noon = Date.UTC(2026, 0, 1, 12);

export const ada: User = {
  id: 'user-1',
  username: 'ada',
  role: 'admin',
  authProvider: 'basic',
  githubId: null,
  createdAt: noon,
  updatedAt: noon,
};

/** One user, `ada` with the password `right`, and the sessions made so far. */
export async function openAuth(over: Partial<AuthDeps> = {}) {
  const known: UserWithPassword = { ...ada, passwordHash: await argon2id.hash('right') };
  const sessions = new Map<string, number>();
  const clock = new FakeClock(noon);
  const auth = makeAuth({
    clock,
    sessionTtlMs: 60_000,
    isBasicEnabled: true,
    failedLoginsPerMinute: 60,
    users: {
      findBasicUser: async (name) => (name === 'ada' ? known : undefined),
      createSession: async ({ tokenHash, expiresAt }) => {
        sessions.set(tokenHash, expiresAt);
      },
      findSession: async (tokenHash) => {
        const expiresAt = sessions.get(tokenHash);
        return expiresAt === undefined ? undefined : { user: ada, expiresAt };
      },
      deleteSession: async (tokenHash) => sessions.delete(tokenHash),
    },
    ...over,
  });
  const login = (username: string, password: string, from: Partial<LoginAttempt> = {}) =>
    auth.login({ username, password, client: '192.0.2.1', signal: waits.signal, ...from });
  return { auth, clock, sessions, login };
}
