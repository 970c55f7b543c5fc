import cookie from '@fastify/cookie';
import { type FastifyBaseLogger, fastify, LogController } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { type Auth, makeAuth } from '../auth/auth.ts';
import { compileValidator, takeAnyContentType } from './body.ts';
import type { HttpDeps } from './deps.ts';
import { answerError } from './errors.ts';
import type { HttpApp } from './http-app.ts';
import { logRequests, makeRequestId } from './plugins/access-log.ts';
import { answerWithin, requireBodyWithin } from './plugins/answer-deadline.ts';
import { answerBrokenRequests, requireHost } from './plugins/broken-requests.ts';
import { findClientAddress } from './plugins/client-address.ts';
import { endConnectionsOnClose } from './plugins/closing.ts';
import { limitConnections } from './plugins/connection-limit.ts';
import { allowOrigins } from './plugins/cors.ts';
import { makePageGuard } from './plugins/foreign-pages.ts';
import { answerUnknownRoutes } from './plugins/not-found.ts';
import { makeRateLimits } from './plugins/rate-limit.ts';
import { addSecurityHeaders } from './plugins/security-headers.ts';
import { makeSessionGuard } from './plugins/session.ts';
import { type FindUpgrade, isWebSocketRequest, routeUpgrades } from './plugins/upgrades.ts';
import { loginRoutes, sessionRoutes } from './routes/auth.ts';
import { groupAdminRoutes, groupRoutes } from './routes/groups.ts';
import { healthRoutes } from './routes/health.ts';
import { historyRoutes } from './routes/history.ts';
import { jobAdminRoutes, jobRoutes } from './routes/jobs.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { queueAdminRoutes, queueRoutes } from './routes/queue.ts';
import { statusRoutes } from './routes/status.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { whyRoutes } from './routes/why.ts';
import { webSocketRoutes } from './websocket.ts';

const BODY_LIMIT_BYTES = 1024 * 1024;
const HEADER_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** As long as a webhook's: both may be sent by anybody. */
const LOGIN_WITHIN_MS = 10_000;
/** How late Node may notice that one of these is over; its own default is 30 s. */
const TIMEOUTS_CHECKED_EVERY_MS = 5_000;
const LONGEST_PARAM = 1024;

/** The whole HTTP side, not listening yet. Ask it with `inject`, or `listen` and `close` it. */
export async function makeHttpApp(deps: HttpDeps): Promise<HttpApp> {
  const { options, clock } = deps;
  const auth = makeAuth({
    users: deps.store.users,
    clock,
    sessionTtlMs: options.sessionTtlMs,
    failedLoginsPerMinute: options.failedLoginsPerMinute,
    isBasicEnabled: options.isBasicAuthEnabled,
  });
  const app = makeBareApp(deps);
  limitConnections(app, { most: options.maxConnections, clock, metrics: deps.metrics });
  findClientAddress(app, options);
  const upgrades = routeUpgrades(app);
  endConnectionsOnClose(app, { clock, destroyOthers: upgrades.destroyAll });
  answerWithin(app, REQUEST_TIMEOUT_MS, clock);
  allowOrigins(app, options.corsOrigins);
  logRequests(app, deps.metrics);
  await addSecurityHeaders(app);
  await app.register(cookie);
  answerUnknownRoutes(app);
  addRoutes(app, { ...deps, auth, findUpgrade: upgrades.find });
  await app.ready();
  return app;
}

/** Ours are set below. Without these Fastify loads its own at each start, 200 files that nobody uses. */
const NO_COMPILERS = { buildValidator: noCompiler, buildSerializer: noCompiler };

function noCompiler(): never {
  throw new Error('a schema was compiled before its compiler was set');
}

function makeBareApp({ logger, options, clock }: HttpDeps): HttpApp {
  // Fastify's own lines about a request would print its URL, query and all.
  const loggerInstance: FastifyBaseLogger = logger.child(
    {},
    { serializers: { req: ({ method }: { method: string }) => ({ method }) } },
  );
  const app = fastify({
    loggerInstance,
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'requestId',
    }),
    genReqId: ({ headers }) => makeRequestId(headers['x-request-id'], clock),
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: {
      headersTimeout: HEADER_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUTS_CHECKED_EVERY_MS,
      shouldUpgradeCallback: isWebSocketRequest,
      requireHostHeader: false,
    },
    clientErrorHandler: answerBrokenRequests(clock, loggerInstance),
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: LONGEST_PARAM },
    frameworkErrors: answerError,
    schemaController: { compilersFactory: NO_COMPILERS },
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(compileValidator);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(answerError);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.addHook('onRequest', requireHost);
  takeAnyContentType(app);
  return app;
}

interface RouteDeps extends HttpDeps {
  readonly auth: Auth;
  readonly findUpgrade: FindUpgrade;
}

/** A hook of a subtree guards that subtree: who may ask is said here, once, and nowhere in a route. */
function addRoutes(root: HttpApp, deps: RouteDeps): void {
  const limits = makeRateLimits(deps.options.rateLimit, deps.clock);
  root.register(async (app: HttpApp) => {
    app.addHook('onRequest', limits.public);
    healthRoutes(app, deps);
    metricsRoutes(app, deps);
  });

  // Neither a session nor a limit: forges send in bursts, and every byte is signed.
  root.register(async (app: HttpApp) => {
    webhookRoutes(app, deps);
  });

  root.register(async (api: HttpApp) => addApi(api, deps, limits), { prefix: '/api/v1' });
}

/** Who may look, and who may change something. */
const READING = [groupRoutes, queueRoutes, jobRoutes, whyRoutes, historyRoutes, statusRoutes];
const CHANGING = [groupAdminRoutes, queueAdminRoutes, jobAdminRoutes];

function addApi(api: HttpApp, deps: RouteDeps, limits: ReturnType<typeof makeRateLimits>): void {
  const pages = makePageGuard(deps.options.corsOrigins);
  const guard = makeSessionGuard(deps.auth, pages);
  const withSession = { ...deps, guard };
  api.register(async (app: HttpApp) => {
    app.addHook('onRequest', limits.auth);
    // A foreign page could log people in as somebody else, cookie or not.
    app.addHook('onRequest', pages.refuseForeign);
    requireBodyWithin(app, LOGIN_WITHIN_MS, deps.clock);
    loginRoutes(app, deps);
  });
  api.register(async (app: HttpApp) => {
    app.addHook('onRequest', limits.authenticated);
    webSocketRoutes(app, { ...deps, pages });
  });
  api.register(async (app: HttpApp) => {
    app.addHook('onRequest', limits.authenticated);
    app.addHook('onRequest', guard.requireSession);
    for (const add of READING) add(app, deps);
    sessionRoutes(app, withSession);
    app.register(async (admin: HttpApp) => {
      admin.addHook('onRequest', guard.requireAdmin);
      for (const add of CHANGING) add(admin, withSession);
    });
  });
}
