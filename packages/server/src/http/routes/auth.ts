import { LoginRequest, LoginResponse, User } from '@dispatchoor/api-contract';
import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyRequest } from 'fastify';
import type { Auth } from '../../auth/auth.ts';
import { LoginRefusal } from '../../auth/login-refusal.ts';
import type { Clock } from '../../lib/clock.ts';
import { clientKey } from '../client-key.ts';
import { HttpError } from '../errors.ts';
import { untilAnswered } from '../hang-up.ts';
import type { HttpApp } from '../http-app.ts';
import { SESSION_COOKIE, type SessionGuard } from '../plugins/session.ts';
import { userToWire } from '../wire/user-to-wire.ts';

/** Many times a name and a password. Anybody may send one, and what is larger costs the main thread its reading. */
const LOGIN_LIMIT_BYTES = 16_384;

/** Before a session. */
export function loginRoutes(app: HttpApp, { auth, clock }: { auth: Auth; clock: Clock }): void {
  const pause = pausing(clock);
  app.post(
    '/auth/login',
    {
      bodyLimit: LOGIN_LIMIT_BYTES,
      schema: { body: LoginRequest, response: { 200: LoginResponse } },
    },
    async (request, reply) => {
      const signal = untilAnswered(reply);
      const asked = { ...request.body, client: clientKey(request.ip), signal };
      const login = await auth.login(asked).catch(async (error: unknown) => {
        if (error instanceof LoginRefusal) await pause(signal);
        throw asHttpError(error);
      });
      if (login === undefined) {
        throw new HttpError(401, 'wrong-credentials', 'invalid username or password');
      }
      const maxAge = Math.floor(auth.sessionTtlMs / 1000);
      reply.setCookie(SESSION_COOKIE, login.token, { ...cookieOptions(request), maxAge });
      return { token: login.token, user: userToWire(login.user) };
    },
  );
}

const SHORTEST_PAUSE_MS = 1_000;
const PAUSE_PER_WAITING_MS = 20;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Before a refusal is told: longer, the more of them wait, so some fifty are told a second. Clients that try again at
 * once would keep the main thread, which also sends the jobs, from everything else.
 */
function pausing(clock: Clock): (signal: AbortSignal) => Promise<void> {
  let waiting = 0;
  return async (signal) => {
    waiting += 1;
    const pauseMs = SHORTEST_PAUSE_MS + waiting * PAUSE_PER_WAITING_MS;
    await clock.sleep(Math.min(pauseMs, LONGEST_PAUSE_MS), signal);
    waiting -= 1;
  };
}

function asHttpError(error: unknown): unknown {
  if (!(error instanceof LoginRefusal)) return error;
  const retryAfter = String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
  const headers = { 'retry-after': retryAfter };
  if (error.reason !== 'too-many-failures') {
    const text = 'too many logins at this moment; the password was not looked at, try again';
    return new HttpError(503, 'logins-busy', text, headers);
  }
  const text =
    'too many logins of this user from this address have failed; wait, then try the right password';
  return new HttpError(429, 'too-many-failed-logins', text, headers);
}

/** With a session. */
export function sessionRoutes(app: HttpApp, deps: { auth: Auth; guard: SessionGuard }): void {
  app.get('/auth/me', { schema: { response: { 200: User } } }, async (request) =>
    userToWire(deps.guard.sessionOf(request).user),
  );

  app.post('/auth/logout', async (request, reply) => {
    // What is not saved is an error, and the cookie stays: 204 would call a session ended that still lets people in.
    await deps.auth.endSession(deps.guard.sessionOf(request));
    reply.setCookie(SESSION_COOKIE, '', { ...cookieOptions(request), maxAge: 0 });
    return reply.code(204).send();
  });
}

function cookieOptions(request: FastifyRequest): CookieSerializeOptions {
  // Believed from anybody: who lies makes his own cookie stricter.
  const isForwardedTls = request.headers['x-forwarded-proto'] === 'https';
  return {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: isForwardedTls || request.protocol === 'https',
    // A token is URL-safe as it is; escaping its padding would make another text of it.
    encode: (token) => token,
  };
}
