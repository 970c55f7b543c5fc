import type { Clock } from '../../lib/clock.ts';
import { HttpError } from '../errors.ts';
import type { HttpApp } from '../http-app.ts';

/**
 * A request that nothing was answered to within `ms` gets a 504; an answer that has begun may take as long as it
 * takes. Fastify's own limit ends as soon as the body is read, and makes an error for each request besides.
 */
export function answerWithin(app: HttpApp, ms: number, clock: Clock): void {
  app.addHook('onRequest', async (_request, reply) => {
    const cancel = clock.after(ms, () => {
      if (reply.sent || reply.raw.headersSent) return;
      reply.send(new HttpError(504, 'timeout', 'this took too long and was given up; try again'));
    });
    reply.raw.once('close', cancel);
  });
}
