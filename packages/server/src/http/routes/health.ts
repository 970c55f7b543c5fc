import { Health, Readiness } from '@dispatchoor/api-contract';
import type { HttpDeps } from '../deps.ts';
import type { HttpApp } from '../http-app.ts';
import { within } from '../within.ts';

/** Long enough for a busy database, short enough for who asks. */
export const PING_TIMEOUT_MS = 2_000;

type HealthDeps = Pick<HttpDeps, 'options' | 'store' | 'clock' | 'listUnready'>;

export function healthRoutes(app: HttpApp, deps: HealthDeps): void {
  const { isBasicAuthEnabled: basic, isGithubAuthEnabled: github } = deps.options;
  app.route({
    method: ['GET', 'HEAD'],
    url: '/health',
    schema: { response: { 200: Health } },
    handler: async () => ({ status: 'ok' as const, config: { auth: { basic, github } } }),
  });

  app.route({
    method: ['GET', 'HEAD'],
    url: '/ready',
    schema: { response: { 200: Readiness, 503: Readiness } },
    handler: async (_request, reply) => {
      const reasons = await listReasons(deps);
      const isReady = reasons.length === 0;
      const status = isReady ? ('ready' as const) : ('not-ready' as const);
      return reply.code(isReady ? 200 : 503).send({ status, reasons });
    },
  });
}

async function listReasons({ store, clock, listUnready }: HealthDeps): Promise<string[]> {
  const reasons = [...listUnready()];
  try {
    await within(clock, PING_TIMEOUT_MS, store.ping());
  } catch {
    reasons.push('the database does not answer, or cannot be written to');
  }
  return reasons;
}
