import type { FastifyRequest } from 'fastify';
import type { Auth, Session } from '../../auth/auth.ts';
import { findToken } from '../../auth/session-tokens.ts';
import { GuardRefusal } from '../errors.ts';
import type { PageGuard } from './foreign-pages.ts';

export const SESSION_COOKIE = 'session';

/** Guards of a subtree, and who came through them. */
export interface SessionGuard {
  /** onRequest hook: 401 without a valid session, 403 for what a foreign page wants done with somebody's cookie. */
  readonly requireSession: (request: FastifyRequest) => Promise<void>;
  /** onRequest hook, after `requireSession`: 403 for everybody but admins. */
  readonly requireAdmin: (request: FastifyRequest) => Promise<void>;
  /** @param request one that came through `requireSession` */
  readonly sessionOf: (request: object) => Session;
}

export function makeSessionGuard(auth: Pick<Auth, 'findSession'>, pages: PageGuard): SessionGuard {
  const sessions = new WeakMap<object, Session>();
  const sessionOf = (request: object): Session => {
    const session = sessions.get(request);
    if (session === undefined) throw new Error('this route stands outside requireSession');
    return session;
  };
  return {
    sessionOf,
    requireSession: async (request) => {
      if (isUnsafe(request) && isByCookie(request)) await pages.refuseForeign(request);
      const token = findToken({
        authorization: request.headers.authorization,
        cookie: request.cookies[SESSION_COOKIE],
        query: firstToken(request.query),
      });
      const session = token === undefined ? undefined : await auth.findSession(token);
      if (session === undefined) throw new GuardRefusal(401);
      sessions.set(request, session);
    },
    requireAdmin: async (request) => {
      if (sessionOf(request).user.role !== 'admin') throw new GuardRefusal(403);
    },
  };
}

function isUnsafe({ method }: FastifyRequest): boolean {
  return !['GET', 'HEAD', 'OPTIONS'].includes(method);
}

/** Whether the cookie says who asks. Browsers add it to what any page sends; a header or a token in the URL, never. */
function isByCookie({ headers, cookies }: FastifyRequest): boolean {
  const { authorization } = headers;
  const given = findToken({ authorization, cookie: undefined, query: undefined });
  return given === undefined && (cookies[SESSION_COOKIE] ?? '') !== '';
}

/** What a browser can send when it opens a WebSocket. */
export function findSocketToken(request: FastifyRequest): string | undefined {
  const cookie = request.cookies[SESSION_COOKIE];
  return firstToken(request.query) || (cookie === '' ? undefined : cookie);
}

function firstToken(query: unknown): string | undefined {
  if (typeof query !== 'object' || query === null || !('token' in query)) return undefined;
  const token: unknown = [query.token].flat()[0];
  return typeof token === 'string' ? token : undefined;
}
