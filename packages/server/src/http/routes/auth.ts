import { LoginRequest, LoginResponse, User } from '@dispatchoor/api-contract';
import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyRequest } from 'fastify';
import type { Auth } from '../../auth/auth.ts';
import { HttpError } from '../errors.ts';
import type { HttpApp } from '../http-app.ts';
import { SESSION_COOKIE, type SessionGuard } from '../plugins/session.ts';
import { userToWire } from '../wire/user-to-wire.ts';

/** Before a session. */
export function loginRoutes(app: HttpApp, { auth }: { auth: Auth }): void {
  app.post(
    '/auth/login',
    { schema: { body: LoginRequest, response: { 200: LoginResponse } } },
    async (request, reply) => {
      const { username, password } = request.body;
      const login = await auth.login(username, password);
      if (login === undefined) {
        throw new HttpError(401, 'wrong-credentials', 'invalid username or password');
      }
      const maxAge = Math.floor(auth.sessionTtlMs / 1000);
      reply.setCookie(SESSION_COOKIE, login.token, { ...cookieOptions(request), maxAge });
      return { token: login.token, user: userToWire(login.user) };
    },
  );
}

/** With a session. */
export function sessionRoutes(app: HttpApp, deps: { auth: Auth; guard: SessionGuard }): void {
  app.get('/auth/me', { schema: { response: { 200: User } } }, async (request) =>
    userToWire(deps.guard.sessionOf(request).user),
  );

  app.post('/auth/logout', async (request, reply) => {
    try {
      await deps.auth.endSession(deps.guard.sessionOf(request));
    } catch (error) {
      // Contract: 204 all the same. The browser forgets the token; the session ends with its time.
      request.log.warn({ err: error }, 'session not ended');
    }
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
