import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import { verify } from '../processes/verify/verify.ts';
import { type ChaosContext, type ChaosCounts, chaos } from './chaos.ts';
import { JobFlow, type Refusal } from './job-flow.ts';
import { type Handover, type Replica, Trio } from './trio.ts';

/**
 * PostgreSQL ends what a server that stands still has begun (store/engine/postgres/options.ts), one after another. Of
 * one that is dead it ends all at once.
 */
const LOCKS_FREE_MS = 10_000;
/** On top of a lease that has to run out: others ask for it every tenth of it, then observe, on a busy machine. */
const OBSERVATION_MS = 20_000;

/** A query is given up after 12 s, a new connection after 5 s; the rest is for a busy machine. */
const LONGEST_ANSWER_MS = 60_000;

/** Strikes one server, and returns how to heal what it has done to it. */
type Strike = (trio: Trio, victim: Replica, round: number) => Promise<() => Promise<void>>;

const kill: Strike = async (trio, victim) => {
  trio.remove(victim);
  await victim.server.kill('SIGKILL');
  return () => trio.add();
};

const cutOff: Strike = async ({ site, isPatient }, { proxy, server }, round) => {
  proxy.set(round % 2 === 0 ? 'hole' : 'refused');
  return async () => {
    if (isPatient) {
      // Nothing comes out of a hole; who asks is told so all the same.
      site.ask(server);
      const reply = await site.api.ask('/api/v1/groups', { timeoutMs: LONGEST_ANSWER_MS });
      expect(reply).toMatchObject({
        status: 503,
        text: expect.stringContaining('database-unavailable'),
      });
    }
    proxy.set('open');
  };
};

const pause: Strike = async (trio, { server }) => {
  process.kill(server.pid, 'SIGSTOP');
  return async () => {
    await wait(trio.leaseMs / 2);
    process.kill(server.pid, 'SIGCONT');
  };
};

/** @param locksMs how long what the victim had begun may stay locked */
async function strike(context: ChaosContext, with_: Strike, locksMs: number): Promise<ChaosCounts> {
  const trio = await Trio.open(context);
  const flow = new JobFlow(trio.site, { servers: () => trio.servers, everyMs: 300 });
  const handovers: Handover[] = [];
  const rounds = roundsOf(context);
  for (let round = 0; round < rounds; round += 1) {
    await wait(context.random.within([200, 1_000]));
    // First whoever dispatches: the one whose death hurts most.
    const chosen = round === 0 ? await trio.dispatching() : context.random.pick(trio.replicas);
    if (chosen === undefined) throw new Error('three servers run');
    const had = await trio.leasesOf(chosen.server);
    const since = Date.now();
    const heal = await with_(trio, chosen, round);
    const handover = await trio.handover(chosen.server, had, since);
    context.say(`${chosen.server.name}: ${JSON.stringify({ ...handover, leases: had.length })}`);
    handovers.push(handover);
    await heal();
    await Promise.all(trio.servers.map((server) => trio.ready(server)));
  }
  const jobs = await flow.end();
  trio.site.ask(trio.servers[0] as Replica['server']);
  const slowest = slowestOf(handovers);
  context.say(JSON.stringify(slowest));
  const counts = await verify(trio.site, jobs);
  // Both run at once. With the default lease the locks make no difference; the small size's lease is shorter.
  const latestMs = Math.max(trio.leaseMs * 1.1, locksMs) + OBSERVATION_MS;
  for (const ms of Object.values(slowest)) expect(ms).toBeLessThan(latestMs);
  const refusals = flow.refusals.length;
  return { ...counts, rounds, refusals, ...slowest, ...slowestAnswer(flow.refusals) };
}

/** How long who asked a server that could not serve had to wait for its 503. */
function slowestAnswer(refusals: readonly Refusal[]): Record<string, number> {
  const answered = refusals.filter(({ status }) => status !== 0);
  return { 'refused within ms': Math.round(Math.max(0, ...answered.map(({ tookMs }) => tookMs))) };
}

function slowestOf(handovers: readonly Handover[]): Record<string, number> {
  return {
    'leases moved within ms': Math.max(...handovers.map(({ leasesMs }) => leasesMs)),
    'next claim within ms': Math.max(...handovers.map(({ claimMs = 0 }) => claimMs)),
  };
}

const roundsOf = ({ size }: ChaosContext): number => (size === 'full' ? 3 : 1);

chaos('replicas:killed one of three servers', (context) => strike(context, kill, 0));

chaos('replicas:cut-off one of three servers loses its database', (context) =>
  strike(context, cutOff, LOCKS_FREE_MS),
);

chaos('replicas:paused one of three servers stands still for longer than its leases', (context) =>
  strike(context, pause, LOCKS_FREE_MS),
);
