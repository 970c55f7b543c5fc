import { setTimeout as wait } from 'node:timers/promises';
import type { Job } from '@dispatchoor/api-contract';
import { expect } from 'vitest';
import { databases, type TestDatabase } from '../../src/store/databases.testkit.ts';
import type { ConfigKeys } from '../harness/config-file.ts';
import { sqlite } from '../harness/world.ts';
import type { ServerProcess } from '../processes/server-process.ts';
import { Site, type StartOptions } from '../processes/site.ts';
import { verify } from '../processes/verify/verify.ts';
import { postgres } from '../replicas/pair.ts';
import { type ChaosContext, type ChaosCounts, chaos } from './chaos.ts';
import { JobFlow } from './job-flow.ts';
import { namedScenario } from './scenario.ts';
import { TcpProxy } from './tcp-proxy.ts';

function openSite(
  context: ChaosContext,
  database: TestDatabase,
  runners: number,
  over: ConfigKeys = {},
): Promise<Site> {
  const config = { waits: { reconnect: '500ms', forge_breaker: '3s' }, ...over };
  return Site.open({ database, ...namedScenario(runners), config }, context);
}

/** No answer is given up because the machine is busy: each dispatch is then to be sent once. */
const PATIENT = { github: { request_timeout: '30s' }, dispatcher: { run_lookup_timeout: '60s' } };

/** It ends by itself: after its 10 s the code would be 1. @returns how long it took, milliseconds */
async function stop(server: ServerProcess): Promise<number> {
  const startedAt = performance.now();
  const exit = await server.kill('SIGTERM');
  expect(exit, server.logLines.slice(-20).join('\n')).toEqual({ code: 0, signal: null });
  return Math.round(performance.now() - startedAt);
}

for (const database of databases) {
  const title = `graceful:stop-${database.name} with many dispatches under way`;
  chaos(title, (context) => stopAgainAndAgain(context, database));
}

async function stopAgainAndAgain(
  context: ChaosContext,
  database: TestDatabase,
): Promise<ChaosCounts> {
  const { rounds, replyMs } =
    context.size === 'full' ? { rounds: 4, replyMs: 2_500 } : { rounds: 1, replyMs: 1_000 };
  const site = await openSite(context, database, 12, PATIENT);
  // Told to stop, it has that many answers to wait for.
  site.sim.addFault({ on: 'dispatch', kind: 'latency', latencyMs: replyMs, times: Infinity });
  let server = await site.start();
  const flow = new JobFlow(site, { servers: () => [server], everyMs: 200 });
  let slowestMs = 0;
  for (let round = 0; round < rounds; round += 1) {
    await site.runs(site.ourRuns().length + 8);
    await wait(context.random.within([0, replyMs]));
    const tookMs = await stop(server);
    slowestMs = Math.max(slowestMs, tookMs);
    context.say(`stopped in ${tookMs} ms`);
    server = await site.start();
  }
  site.sim.clearFaults();
  const counts = await verify(site, await flow.end());
  expect(site.dispatches(), 'no stop cut a dispatch off').toHaveLength(counts.jobs);
  return { ...counts, rounds, 'stopped within ms': slowestMs };
}

chaos('graceful:forge-down at the start, and answering with 503', async (context) => {
  const site = await openSite(context, sqlite, 4);
  const line = await startWithoutForge(context, site);
  const jobs = await site.enqueue(['refused 1', 'refused 2']);
  await saysForgeIsAway(site, jobs);
  const { status, github } = await site.api.status();
  expect(status).toBe('degraded');
  expect(github['dispatch']).toMatchObject({ connected: false });
  context.say(github['dispatch']?.error ?? '');
  site.sim.addFault({ on: '*', kind: 'status-before', status: 503, times: Infinity });
  line.set('open');
  jobs.push(...(await site.enqueue(['503 1', '503 2'])));
  await site.sim.wait(({ requests }) => requests.some((request) => request.status === 503), {
    timeoutMs: site.giveUpAfterMs,
  });
  await saysForgeIsAway(site, jobs);
  expect(site.ourRuns()).toEqual([]);
  site.sim.clearFaults();
  return verify(site, jobs);
});

/** @returns the server's line to the forge, which refuses every connection */
async function startWithoutForge(context: ChaosContext, site: Site): Promise<TcpProxy> {
  const { hostname: host, port } = new URL(site.sim.url);
  const line = await TcpProxy.open({ host, port: Number(port) });
  context.onTestFinished(() => line.close());
  line.set('refused');
  await site.start({ forgeUrl: `http://127.0.0.1:${line.port}` });
  return line;
}

async function saysForgeIsAway(site: Site, jobs: readonly Job[]): Promise<void> {
  await site.until(
    'the job says that the forge is away',
    () => site.api.why(jobs.at(-1)?.id ?? ''),
    ({ code }) => code === 'forge-unavailable',
  );
}

chaos('graceful:rolling-upgrade from one version to the next', async (context) => {
  const site = await openSite(context, postgres, 6);
  const servers: ServerProcess[] = [];
  const join = async (options?: StartOptions): Promise<ServerProcess> => {
    const server = await site.start(options);
    servers.push(server);
    return server;
  };
  const leave = (server: ServerProcess): Promise<number> => {
    servers.splice(servers.indexOf(server), 1);
    return stop(server);
  };
  const older = [await join(), await join()] as const;
  const flow = new JobFlow(site, { servers: () => servers, everyMs: 150 });
  const stoppedMs = await upgrade(context, older, { join, leave });
  await expectTooOld(await site.spawn());
  const jobs = await flow.end();
  site.ask(servers.at(-1) as ServerProcess);
  const unclear = flow.refusals.filter(({ status }) => status !== 0 && status !== 503);
  expect(unclear).toEqual([]);
  const counts = await verify(site, jobs);
  return { ...counts, refusals: flow.refusals.length, 'stopped within ms': stoppedMs };
});

interface Fleet {
  readonly join: (options?: StartOptions) => Promise<ServerProcess>;
  /** @returns how long it took, milliseconds */
  readonly leave: (server: ServerProcess) => Promise<number>;
}

/** In three steps. @returns how long the slowest stop took, milliseconds */
async function upgrade(
  { size, random }: ChaosContext,
  [first, second]: readonly [ServerProcess, ServerProcess],
  { join, leave }: Fleet,
): Promise<number> {
  const restMs = size === 'full' ? ([1_000, 3_000] as const) : ([100, 300] as const);
  const rest = (): Promise<void> => wait(random.within(restMs));
  await rest();
  // The next version migrates while this one goes on.
  await join({ adds: ['expand'] });
  await rest();
  // One of this version comes anew: a newer schema is no reason not to.
  const stoppedMs = [await leave(first)];
  const older = [second, await join()];
  await rest();
  // All of this version go.
  for (const server of older) stoppedMs.push(await leave(server));
  await rest();
  // Only then may the schema lose what they needed.
  await join({ adds: ['expand', 'contract'] });
  return Math.max(...stoppedMs);
}

/** It does not know the schema any more, and says so. */
async function expectTooOld(server: ServerProcess): Promise<void> {
  expect(await server.exited).toEqual({ code: 1, signal: null });
  const errors = server.logLines.filter((text) => text.startsWith('Error: '));
  expect(errors).toEqual([
    expect.stringMatching(
      /the database was changed by a newer dispatchoor \(migration \d+, future-contract\): run that version or a later one$/,
    ),
  ]);
}
