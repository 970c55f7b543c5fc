import type { Clock } from '../../lib/clock.ts';
import { bodyTooSlow, tookTooLong } from '../errors.ts';
import type { HttpApp } from '../http-app.ts';

/**
 * A request that nothing was answered to within `ms` gets a 504, or a 408 if it is not whole itself; an answer that
 * has begun may take as long as it takes. Fastify's own limit ends as soon as the body is read, and makes an error for
 * each request besides.
 */
export function answerWithin(app: HttpApp, ms: number, clock: Clock): void {
  app.addHook('onRequest', async ({ raw }, reply) => {
    const cancel = clock.after(ms, () => {
      if (reply.sent || reply.raw.headersSent) return;
      // Not `!`: a request that was injected does not say.
      reply.send(Object.is(raw.complete, false) ? bodyTooSlow : tookTooLong);
    });
    reply.raw.once('close', cancel);
  });
}
