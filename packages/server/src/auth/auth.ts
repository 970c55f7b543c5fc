import { randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { User, UserStore } from '../store/port/users.ts';
import { argon2id, type Passwords } from './passwords.ts';
import { hashSessionToken, makeSessionToken } from './session-tokens.ts';

/** Who a request comes from, and which session said so: logout ends that one and no other. */
export interface Session {
  readonly user: User;
  readonly tokenHash: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export interface Auth {
  readonly sessionTtlMs: number;
  /** Undefined: no such user, wrong password, or passwords are not in use; nothing tells which. */
  login(username: string, password: string): Promise<{ token: string; user: User } | undefined>;
  /** Undefined: no session has this token, or its time is over. */
  findSession(token: string): Promise<Session | undefined>;
  /** Whether a session that was found before is still one. */
  isLive(session: Session): Promise<boolean>;
  endSession(session: Session): Promise<void>;
}

export interface AuthDeps {
  readonly users: Pick<
    UserStore,
    'findBasicUser' | 'createSession' | 'findSession' | 'deleteSession'
  >;
  readonly clock: Clock;
  /** From login; it does not slide. */
  readonly sessionTtlMs: number;
  readonly isBasicEnabled: boolean;
  /** @default argon2id */
  readonly passwords?: Passwords;
}

// A token of ours has 44 characters. Longer than this it is not worth hashing.
const MAX_TOKEN_LENGTH = 1024;

export function makeAuth(deps: AuthDeps): Auth {
  const { users, clock, sessionTtlMs, passwords = argon2id } = deps;
  // What unknown users are checked against, so that their refusal takes as long. Made while the rest starts.
  const nobodysHash = passwords.hash(randomBytes(32).toString('hex'));
  // Who logs in is told.
  nobodysHash.catch(() => undefined);

  async function findUser(username: string, password: string): Promise<User | undefined> {
    const known = deps.isBasicEnabled ? await users.findBasicUser(username) : undefined;
    const fits = await passwords.fits(known?.passwordHash ?? (await nobodysHash), password);
    if (known === undefined || !fits) return undefined;
    const { passwordHash: _, ...user } = known;
    return user;
  }

  async function findLive(tokenHash: string): Promise<Session | undefined> {
    const found = await users.findSession(tokenHash);
    if (found === undefined || found.expiresAt <= clock.now()) return undefined;
    return { ...found, tokenHash };
  }

  return {
    sessionTtlMs,
    login: async (username, password) => {
      const user = await findUser(username, password);
      if (user === undefined) return undefined;
      const token = makeSessionToken();
      const tokenHash = hashSessionToken(token);
      const expiresAt = clock.now() + sessionTtlMs;
      await users.createSession({ userId: user.id, tokenHash, expiresAt });
      return { token, user };
    },
    findSession: async (token) => {
      if (token.length > MAX_TOKEN_LENGTH) return undefined;
      return findLive(hashSessionToken(token));
    },
    isLive: async ({ tokenHash }) => (await findLive(tokenHash)) !== undefined,
    endSession: async ({ tokenHash }) => {
      await users.deleteSession(tokenHash);
    },
  };
}
