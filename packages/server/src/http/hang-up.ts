import type { FastifyReply } from 'fastify';

/** Aborts once nobody waits for the answer any more: it has been sent, or its client has gone. */
export function untilAnswered(reply: FastifyReply): AbortSignal {
  const answered = new AbortController();
  reply.raw.once('close', () => {
    answered.abort();
  });
  return answered.signal;
}
