import { Job } from '@dispatchoor/api-contract';
import type { ListedJob, Outcome } from '../../store/port/jobs.ts';
import type { HttpDeps } from '../deps.ts';
import { badRequest, notFound } from '../errors.ts';
import type { HttpApp } from '../http-app.ts';
import type { SessionGuard } from '../plugins/session.ts';
import { jobToWire } from '../wire/job-to-wire.ts';
import { ById } from './params.ts';

type JobDeps = Pick<HttpDeps, 'store'>;

export function jobRoutes(app: HttpApp, { store: { jobs } }: JobDeps): void {
  app.get('/jobs/:id', { schema: { params: ById, response: { 200: Job } } }, async (request) => {
    const job = await jobs.findJob(request.params.id);
    if (job === undefined) throw notFound('job');
    return jobToWire(job);
  });
}

export function jobAdminRoutes(app: HttpApp, deps: JobDeps & { guard: SessionGuard }): void {
  const { jobs } = deps.store;
  const actorOf = (request: object) => deps.guard.sessionOf(request).user.username;

  for (const [verb, isPaused] of [
    ['pause', true],
    ['unpause', false],
  ] as const) {
    app.post(
      `/jobs/:id/${verb}`,
      { schema: { params: ById, response: { 200: Job } } },
      async (request) => {
        const outcome = await jobs.setPaused(request.params.id, isPaused, actorOf(request));
        return jobToWire(valueOf(outcome, `only pending jobs can be ${verb}d`));
      },
    );
  }

  app.post(
    '/jobs/:id/take-template',
    { schema: { params: ById, response: { 200: Job } } },
    async (request) => {
      const outcome = await jobs.takeTemplate(request.params.id, actorOf(request));
      return jobToWire(valueOf(outcome, 'only pending jobs can take their template as it is now'));
    },
  );

  app.delete('/jobs/:id', { schema: { params: ById } }, async (request, reply) => {
    const outcome = await jobs.deleteJob(request.params.id, actorOf(request));
    valueOf(outcome, 'only pending and failed jobs can be deleted');
    return reply.code(204).send();
  });

  app.post(
    '/jobs/:id/cancel',
    { schema: { params: ById, response: { 200: Job } } },
    async (request) => {
      const outcome = await jobs.cancelJob(request.params.id, actorOf(request));
      if (!outcome.ok && outcome.reason === 'not-found') throw notFound('job');
      return jobToWire(valueOf(outcome, 'only triggered and running jobs can be cancelled'));
    },
  );
}

/** Contract: an unknown job is a 400 here, 404 only for GET and cancel. */
function valueOf<T extends ListedJob | null>(outcome: Outcome<T>, rule: string): T {
  if (outcome.ok) return outcome.value;
  if (outcome.reason === 'not-found') throw badRequest('job not found', 'unknown-job');
  const state = outcome.state === undefined ? 'in another state' : outcome.state;
  throw badRequest(`the job is ${state}; ${rule}`, 'wrong-state');
}
