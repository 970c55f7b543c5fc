import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import { databases, type TestDatabase } from '../../src/store/databases.testkit.ts';
import { sqlite } from '../harness/world.ts';
import { judge } from '../processes/judge/judge.ts';
import type { ServerProcess } from '../processes/server-process.ts';
import { Site } from '../processes/site.ts';
import { postgres } from '../replicas/pair.ts';
import { type ChaosContext, chaos } from './chaos.ts';
import { JobFlow } from './job-flow.ts';
import { namedScene } from './scene.ts';
import { TcpProxy } from './tcp-proxy.ts';

function openSite(context: ChaosContext, database: TestDatabase, runners: number): Promise<Site> {
  const config = { waits: { reconnect: '500ms', forge_breaker: '3s' } };
  return Site.open({ database, ...namedScene(runners), config }, context);
}

/** It ends by itself: after its 10 s the code would be 1. @returns how long it took, milliseconds */
async function stop(server: ServerProcess): Promise<number> {
  const startedAt = performance.now();
  const exit = await server.kill('SIGTERM');
  expect(exit, server.logLines.slice(-20).join('\n')).toEqual({ code: 0, signal: null });
  return Math.round(performance.now() - startedAt);
}

for (const database of databases) {
  chaos(`graceful:stop-${database.name} with many dispatches under way`, async (context) => {
    const rounds = context.size === 'full' ? 4 : 1;
    const site = await openSite(context, database, 12);
    const replyMs = context.size === 'full' ? 2_500 : 1_000;
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
    const counts = await judge(site, await flow.end());
    expect(site.dispatches(), 'no stop cut a dispatch off').toHaveLength(counts.jobs);
    return { ...counts, rounds, 'stopped within ms': slowestMs };
  });
}

chaos('graceful:forge-down at the start, and answering with 503', async (context) => {
  const site = await openSite(context, sqlite, 4);
  const { hostname: host, port } = new URL(site.sim.url);
  const line = await TcpProxy.open({ host, port: Number(port) });
  context.onTestFinished(() => line.close());
  line.set('refused');
  await site.start({ forgeUrl: `http://127.0.0.1:${line.port}` });
  const jobs = await site.enqueue(['refused 1', 'refused 2']);
  const sayWhy = (): Promise<unknown> =>
    site.until(
      'the job says that the forge is away',
      () => site.api.why(jobs.at(-1)?.id ?? ''),
      ({ code }) => code === 'forge-unavailable',
    );
  await sayWhy();
  const { status, github } = await site.api.status();
  expect(status).toBe('degraded');
  expect(github['dispatch']).toMatchObject({ connected: false });
  context.say(github['dispatch']?.error ?? '');
  site.sim.addFault({
    on: '*',
    kind: 'status-before',
    status: 503,
    times: Infinity,
  });
  line.set('open');
  jobs.push(...(await site.enqueue(['503 1', '503 2'])));
  await site.sim.wait(({ requests }) => requests.some((request) => request.status === 503), {
    timeoutMs: site.giveUpAfterMs,
  });
  await sayWhy();
  expect(site.ourRuns()).toEqual([]);
  site.sim.clearFaults();
  return judge(site, jobs);
});

chaos('graceful:rolling-upgrade from one version to the next', async (context) => {
  const site = await openSite(context, postgres, 6);
  const servers = [await site.start(), await site.start()];
  const flow = new JobFlow(site, { servers: () => servers, everyMs: 150 });
  const isFull = context.size === 'full';
  const rest = (): Promise<void> =>
    wait(context.random.within(isFull ? [1_000, 3_000] : [100, 300]));
  await rest();
  // The next version migrates while this one goes on.
  const newer = await site.start({ adds: ['expand'] });
  servers.push(newer);
  await rest();
  // One of this version comes anew: a newer schema is no reason not to.
  const [first, second] = servers as [ServerProcess, ServerProcess, ServerProcess];
  servers.splice(servers.indexOf(first), 1);
  const firstMs = await stop(first);
  const again = await site.start();
  servers.push(again);
  await rest();
  // All of this version go.
  for (const older of [second, again]) {
    servers.splice(servers.indexOf(older), 1);
    await stop(older);
  }
  await rest();
  // Only then may the schema lose what they needed.
  const newest = await site.start({ adds: ['expand', 'contract'] });
  servers.push(newest);
  const late = await site.spawn();
  expect(await late.exited).toEqual({ code: 1, signal: null });
  const errors = late.logLines.filter((text) => text.startsWith('Error: '));
  expect(errors).toEqual([
    expect.stringMatching(
      /the database was changed by a newer dispatchoor \(migration \d+, future-contract\): run that version or a later one$/,
    ),
  ]);
  const jobs = await flow.end();
  site.ask(newest);
  const unclear = flow.refusals.filter(({ status }) => status !== 0 && status !== 503);
  expect(unclear).toEqual([]);
  return {
    ...(await judge(site, jobs)),
    refusals: flow.refusals.length,
    'stopped within ms': firstMs,
  };
});
