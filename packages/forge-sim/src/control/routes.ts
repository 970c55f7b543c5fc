import type { FastifyInstance, FastifyRequest } from 'fastify';
import { profiles } from '../profiles.ts';
import { checkShape, ShapeError } from '../shape-check.ts';
import type { ForgeSim } from '../sim.ts';
import { controlShapes, type ShapeOf } from './shapes.ts';

type Control = (sim: ForgeSim, body: unknown, request: FastifyRequest) => unknown;

interface ControlRoute {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  run: Control;
}

/** The in-process interface over HTTP: JSON in, JSON out, 204 where there is nothing to say. */
export function controlRoutes(app: FastifyInstance, started: Promise<ForgeSim>): void {
  for (const route of [
    ...readRoutes,
    ...worldRoutes,
    ...runRoutes,
    ...faultRoutes,
    ...hookRoutes,
    ...timeRoutes,
  ]) {
    app.route({
      method: route.method,
      url: route.path,
      handler: async (request, reply) => {
        const result: unknown = await route.run(await started, parseBody(request.body), request);
        if (result === undefined) return reply.code(204).send();
        return reply.type('application/json').send(JSON.stringify(result));
      },
    });
  }
  app.setErrorHandler(async (error: Error, _request, reply) => {
    const status =
      error instanceof ShapeError || error.message.startsWith('forge-sim:') ? 400 : 500;
    await reply.code(status).send({ error: error.message });
  });
  app.setNotFoundHandler(async (request, reply) => {
    const known = 'see packages/forge-sim/README.md for what /_sim/ can do';
    await reply.code(404).send({ error: `no ${request.method} ${request.url}; ${known}` });
  });
}

function parseBody(text: unknown): unknown {
  if (typeof text !== 'string' || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ShapeError(`body: ${error instanceof Error ? error.message : 'is no JSON'}`);
  }
}

function shaped<Shape>(body: unknown, schema: ShapeOf<Shape>): Shape {
  checkShape('body', schema, body);
  return body as Shape;
}

function idOf(request: FastifyRequest): number {
  return Number((request.params as { id: string }).id);
}

const readRoutes: readonly ControlRoute[] = [
  { method: 'GET', path: '/health', run: (sim) => ({ url: sim.url, now: sim.clock.now() }) },
  { method: 'GET', path: '/ledger', run: (sim) => sim.ledger() },
  {
    method: 'GET',
    path: '/schema-violations',
    run: (sim) => ({ violations: sim.schemaViolations }),
  },
  { method: 'GET', path: '/profiles', run: () => profiles },
];

const worldRoutes: readonly ControlRoute[] = [
  { method: 'POST', path: '/seed', run: (sim, body) => sim.seed(body as never) },
  { method: 'POST', path: '/runners', run: (sim, body) => sim.addRunner(body as never) },
  {
    method: 'PATCH',
    path: '/runners/:id',
    run: (sim, body, request) =>
      sim.setRunner(idOf(request), shaped(body, controlShapes.runnerChange)),
  },
  {
    method: 'DELETE',
    path: '/runners/:id',
    run: (sim, _body, request) => sim.removeRunner(idOf(request)),
  },
  { method: 'POST', path: '/tokens', run: (sim, body) => sim.addToken(body as never) },
  {
    method: 'PATCH',
    path: '/tokens',
    run: (sim, body) => {
      const { token, ...change } = shaped(body, controlShapes.tokenChange);
      sim.setToken(token, change);
    },
  },
  {
    method: 'DELETE',
    path: '/tokens',
    run: (sim, body) => sim.removeToken(shaped(body, controlShapes.token).token),
  },
];

const runRoutes: readonly ControlRoute[] = [
  {
    method: 'PUT',
    path: '/run-visibility',
    run: (sim, body) => sim.setRunVisibility(shaped(body, controlShapes.visibility)),
  },
  {
    method: 'PUT',
    path: '/run-search',
    run: (sim, body) => sim.setRunSearch(shaped(body, controlShapes.search)),
  },
  {
    method: 'DELETE',
    path: '/runs/:id',
    run: (sim, _body, request) => sim.deleteRun(idOf(request)),
  },
  {
    method: 'POST',
    path: '/runs/:id/release-gate',
    run: (sim, _body, request) => sim.releaseGate(idOf(request)),
  },
  {
    method: 'POST',
    path: '/runs/:id/complete',
    run: (sim, body, request) => {
      sim.completeRun(idOf(request), shaped(body, controlShapes.ending).conclusion);
    },
  },
  {
    method: 'POST',
    path: '/runs/:id/rerun',
    run: (sim, _body, request) => sim.rerun(idOf(request)),
  },
];

const faultRoutes: readonly ControlRoute[] = [
  { method: 'POST', path: '/faults', run: (sim, body) => sim.addFault(body as never) },
  { method: 'DELETE', path: '/faults', run: (sim) => sim.clearFaults() },
  {
    method: 'POST',
    path: '/faults/:id/release',
    run: (sim, _body, request) => sim.release(idOf(request)),
  },
  {
    method: 'PUT',
    path: '/limits/primary',
    run: (sim, body) => {
      const { token, isOff, ...state } = shaped(body, controlShapes.primary);
      sim.setRateLimit(token, isOff === true ? null : state);
    },
  },
  {
    method: 'PUT',
    path: '/limits/secondary',
    run: (sim, body) => sim.setSecondaryLimits(shaped(body, controlShapes.secondary)),
  },
];

const hookRoutes: readonly ControlRoute[] = [
  { method: 'POST', path: '/hooks', run: (sim, body) => sim.addHook(body as never) },
  {
    method: 'DELETE',
    path: '/hooks/:id',
    run: (sim, _body, request) => sim.removeHook(idOf(request)),
  },
  { method: 'POST', path: '/hooks/pause', run: (sim) => sim.pauseHooks() },
  { method: 'POST', path: '/hooks/resume', run: (sim) => sim.resumeHooks() },
  { method: 'PUT', path: '/hook-faults', run: (sim, body) => sim.setHookFaults(body as never) },
];

const timeRoutes: readonly ControlRoute[] = [
  { method: 'GET', path: '/clock', run: (sim) => ({ now: sim.clock.now() }) },
  {
    method: 'POST',
    path: '/clock/advance',
    run: (sim, body) => sim.clock.advance(shaped(body, controlShapes.advance).ms),
  },
  {
    method: 'POST',
    path: '/clock/offset',
    run: (sim, body) => sim.clock.setOffset(shaped(body, controlShapes.offset).ms),
  },
];
