import type { IncomingMessage } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Clock } from '../../lib/clock.ts';
import { bodyTooSlow, type HttpError, tookTooLong } from '../errors.ts';
import type { HttpApp } from '../http-app.ts';

/**
 * A request that nothing was answered to within `ms` gets a 504, or a 408 if it is not whole itself; an answer that
 * has begun may take as long as it takes. Fastify's own limit ends as soon as the body is read, and makes an error for
 * each request besides.
 */
export function answerWithin(app: HttpApp, ms: number, clock: Clock): void {
  const givenUp = new WeakSet<FastifyReply>();
  app.addHook('onRequest', async ({ raw }, reply) => {
    const cancel = clock.after(ms, () => {
      if (reply.sent || reply.raw.headersSent) return;
      giveUp(reply, isWhole(raw) ? tookTooLong : bodyTooSlow);
      givenUp.add(reply);
    });
    reply.raw.once('close', cancel);
  });
  dropLateFailures(app, givenUp);
}

/** A request that is not whole within `ms` gets a 408, and its connection ends: for routes that are open to anybody. */
export function requireBodyWithin(app: HttpApp, ms: number, clock: Clock): void {
  app.addHook('onRequest', async ({ raw }, reply) => {
    const cancel = clock.after(ms, () => {
      if (isWhole(raw) || reply.sent || reply.raw.headersSent) return;
      giveUp(reply, bodyTooSlow);
    });
    reply.raw.once('close', cancel);
  });
}

/** One that was injected does not say. */
function isWhole({ complete }: IncomingMessage): boolean {
  return !Object.is(complete, false);
}

function giveUp(reply: FastifyReply, why: HttpError): void {
  reply.send(why);
  // Whatever hook or handler comes to its end later has nobody to say it to.
  reply.send = () => reply;
}

/** Call before the routes are added. Fastify would log each of them as an error, stack and all. */
function dropLateFailures(app: HttpApp, givenUp: WeakSet<FastifyReply>): void {
  app.addHook('onRoute', (route) => {
    const { handler } = route;
    route.handler = async function (request, reply) {
      try {
        return await handler.call(this, request, reply);
      } catch (error) {
        if (!givenUp.has(reply)) throw error;
        const reason = error instanceof Error ? error.message : String(error);
        request.log.debug({ reason }, 'ended after its request was given up');
        return undefined;
      }
    };
  });
}
