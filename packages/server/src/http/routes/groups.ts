import {
  Group,
  GroupWithStats,
  JobTemplate,
  Runner,
  TakenTemplate,
} from '@dispatchoor/api-contract';
import { z } from 'zod';
import type { HttpDeps } from '../deps.ts';
import { notFound } from '../errors.ts';
import type { HttpApp } from '../http-app.ts';
import type { SessionGuard } from '../plugins/session.ts';
import { groupToWire, groupWithStatsToWire, templateToWire } from '../wire/catalog-to-wire.ts';
import { runnerToWire } from '../wire/runner-to-wire.ts';
import { ById } from './params.ts';

type GroupDeps = Pick<HttpDeps, 'store'>;

export function groupRoutes(app: HttpApp, { store: { catalog, runners } }: GroupDeps): void {
  app.get('/groups', { schema: { response: { 200: z.array(GroupWithStats) } } }, async () =>
    (await catalog.listGroupsWithStats()).map(groupWithStatsToWire),
  );

  app.get(
    '/groups/:id',
    { schema: { params: ById, response: { 200: Group } } },
    async (request) => {
      const group = await catalog.findGroup(request.params.id);
      if (group === undefined) throw notFound('group');
      return groupToWire(group);
    },
  );

  app.get(
    '/groups/:id/templates',
    { schema: { params: ById, response: { 200: z.array(JobTemplate) } } },
    async (request) => (await catalog.listTemplates(request.params.id)).map(templateToWire),
  );

  app.get(
    '/templates/:id',
    { schema: { params: ById, response: { 200: JobTemplate } } },
    async (request) => {
      const template = await catalog.findTemplate(request.params.id);
      if (template === undefined) throw notFound('template');
      return templateToWire(template);
    },
  );

  app.get(
    '/groups/:id/runners',
    { schema: { params: ById, response: { 200: z.array(Runner) } } },
    async (request) => {
      const found = await runners.listRunnersOfGroup(request.params.id);
      if (found === undefined) throw notFound('group');
      return found.map(runnerToWire);
    },
  );

  app.get('/runners', { schema: { response: { 200: z.array(Runner) } } }, async () =>
    (await runners.listRunners()).map(runnerToWire),
  );
}

export function groupAdminRoutes(app: HttpApp, deps: GroupDeps & { guard: SessionGuard }): void {
  const { catalog, jobs } = deps.store;
  const actorOf = (request: object) => deps.guard.sessionOf(request).user.username;

  for (const [verb, isPaused] of [
    ['pause', true],
    ['unpause', false],
  ] as const) {
    app.post(
      `/groups/:id/${verb}`,
      { schema: { params: ById, response: { 200: Group } } },
      async (request) => {
        const group = await catalog.setGroupPaused(request.params.id, isPaused, actorOf(request));
        if (group === undefined) throw notFound('group');
        return groupToWire(group);
      },
    );
  }

  app.post(
    '/templates/:id/take',
    { schema: { params: ById, response: { 200: TakenTemplate } } },
    async (request) => {
      const { id } = request.params;
      if ((await catalog.findTemplate(id)) === undefined) throw notFound('template');
      return { jobs: await jobs.takeTemplateByAll(id, actorOf(request)) };
    },
  );
}
