import type { User, UserStore } from '../store/port/users.ts';
import { LoginRefusal } from './login-refusal.ts';
import { type LoginAttempt, PasswordLogin, type PasswordLoginDeps } from './password-login.ts';
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
  /**
   * Undefined: no such user, wrong password, or passwords are not in use; nothing tells which. Rejects with a
   * `LoginRefusal` where that was not found out, or was asked too often.
   */
  login(attempt: LoginAttempt): Promise<{ token: string; user: User } | undefined>;
  /** Undefined: no session has this token, or its time is over. */
  findSession(token: string): Promise<Session | undefined>;
  /** Whether a session that was found before is still one. */
  isLive(session: Session): Promise<boolean>;
  endSession(session: Session): Promise<void>;
}

export interface AuthDeps extends Omit<PasswordLoginDeps, 'users'> {
  readonly users: Pick<
    UserStore,
    'findBasicUser' | 'createSession' | 'findSession' | 'deleteSession'
  >;
  /** From login; it does not slide. */
  readonly sessionTtlMs: number;
}

// A token of ours has 44 characters. Longer than this it is not worth hashing.
const MAX_TOKEN_LENGTH = 1024;

export function makeAuth(deps: AuthDeps): Auth {
  const { users, clock, sessionTtlMs } = deps;
  const passwords = new PasswordLogin(deps);

  async function findLive(tokenHash: string): Promise<Session | undefined> {
    const found = await users.findSession(tokenHash);
    if (found === undefined || found.expiresAt <= clock.now()) return undefined;
    return { ...found, tokenHash };
  }

  return {
    sessionTtlMs,
    login: async (attempt) => {
      const user = await passwords.findUser(attempt);
      if (user === undefined) return undefined;
      // Nobody would get its token.
      if (attempt.signal.aborted) throw new LoginRefusal('gone');
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
