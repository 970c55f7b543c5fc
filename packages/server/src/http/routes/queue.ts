import { AddJobRequest, Job } from '@dispatchoor/api-contract';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { HttpDeps } from '../deps.ts';
import { badRequest } from '../errors.ts';
import type { HttpApp } from '../http-app.ts';
import { readIdempotencyKey } from '../idempotency-key.ts';
import { checkInputs, newJobOf } from '../new-job.ts';
import type { SessionGuard } from '../plugins/session.ts';
import { LARGEST_PAGE, streamQueue } from '../stream-queue.ts';
import { jobToWire } from '../wire/job-to-wire.ts';
import { ById } from './params.ts';
import { firstOf } from './query.ts';

type QueueDeps = Pick<HttpDeps, 'store'>;

const DEFAULT_PAGE = 100;

/** Where the next page starts, while there is one. */
const NEXT_CURSOR = 'x-next-cursor';

const PageQuery = z.object({ limit: firstOf.optional(), cursor: firstOf.optional() });

export function queueRoutes(app: HttpApp, { store: { jobs } }: QueueDeps): void {
  app.get(
    '/groups/:id/queue',
    { schema: { params: ById, querystring: PageQuery, response: { 200: z.array(Job) } } },
    async (request, reply) => {
      const { id } = request.params;
      const { limit, cursor } = request.query;
      if (limit === undefined && cursor === undefined) return sendWholeQueue(id, reply);
      const page = await jobs.listQueue(id, {
        limit: readLimit(limit),
        ...(cursor !== undefined && { cursor }),
      });
      if (page.nextCursor !== null) reply.header(NEXT_CURSOR, page.nextCursor);
      return page.jobs.map(jobToWire);
    },
  );

  async function sendWholeQueue(groupId: string, reply: FastifyReply): Promise<FastifyReply> {
    const first = await jobs.listQueue(groupId, { limit: LARGEST_PAGE });
    if (first.nextCursor === null) return reply.send(first.jobs.map(jobToWire));
    return reply
      .type('application/json; charset=utf-8')
      .send(streamQueue(first, (page) => jobs.listQueue(groupId, page)));
  }
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT_PAGE;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LARGEST_PAGE) return limit;
  throw badRequest(`limit: must be a whole number from 1 to ${LARGEST_PAGE}`);
}

export function queueAdminRoutes(app: HttpApp, deps: QueueDeps & { guard: SessionGuard }): void {
  const { jobs, catalog } = deps.store;
  app.post(
    '/groups/:id/queue',
    { schema: { params: ById, body: AddJobRequest, response: { 201: Job } } },
    async (request, reply) => {
      const { username } = deps.guard.sessionOf(request).user;
      const job = newJobOf(request.params.id, request.body, username);
      const template =
        job.templateId === null ? undefined : await catalog.findTemplate(job.templateId);
      checkInputs(job, template);
      const key = readIdempotencyKey(request.headers['idempotency-key'], username, job);
      const { job: added, isReplay } = await jobs.enqueue(job, key);
      if (isReplay) reply.header('idempotency-replayed', 'true');
      return reply.code(201).send(jobToWire(added));
    },
  );
}
