import { setTimeout as wait } from 'node:timers/promises';
import { postgresConfigOf, type TestDatabase } from '../../src/store/databases.testkit.ts';
import { type PostgresServer, startPostgres } from '../../src/store/postgres.testkit.ts';
import { Site } from '../processes/site.ts';
import { verify } from '../processes/verify/verify.ts';
import { type ChaosContext, chaos } from './chaos.ts';
import { JobFlow } from './job-flow.ts';
import { degraded, expectClear, mostWarningsASecond, recovered } from './outage.ts';
import { namedScenario } from './scenario.ts';

/** One of its own, which may be stopped without stopping the other tests. */
async function openPostgres({ onTestFinished }: ChaosContext): Promise<{
  postgres: PostgresServer;
  database: TestDatabase;
}> {
  const postgres = await startPostgres();
  onTestFinished(() => postgres.stop());
  const create: TestDatabase['create'] = async () => ({
    config: postgresConfigOf(await postgres.createDatabase()),
    remove: async () => undefined,
  });
  return { postgres, database: { name: 'postgres', create } };
}

chaos('database:postgres-restart stopped and started again under load', async (context) => {
  const { size, random, say } = context;
  const rounds = size === 'full' ? 6 : 2;
  const { postgres, database } = await openPostgres(context);
  const site = await Site.open({ database, ...namedScenario(6) }, context);
  const servers = [await site.start(), await site.start()];
  const flow = new JobFlow(site, { servers: () => servers, everyMs: 200 });
  let slowestMs = 0;
  for (let round = 0; round < rounds; round += 1) {
    await wait(random.within([200, 1_500]));
    const how = round % 2 === 0 ? 'crash' : 'shutdown';
    await postgres.halt(how);
    const seen = await Promise.all(servers.map((server) => degraded(site, server)));
    await wait(random.within(size === 'full' ? [500, 6_000] : [200, 500]));
    await postgres.restart();
    const tookMs = await Promise.all(servers.map((server) => recovered(site, server)));
    say(JSON.stringify({ how, seen: seen[0], tookMs }));
    slowestMs = Math.max(slowestMs, ...tookMs);
  }
  const jobs = await flow.end();
  expectClear(flow.refusals, 30_000);
  const warnings = Math.max(...servers.map(mostWarningsASecond));
  const counts = await verify(site, jobs);
  const refusals = flow.refusals.length;
  return {
    ...counts,
    rounds,
    refusals,
    'well again within ms': slowestMs,
    'warnings a second': warnings,
  };
});
