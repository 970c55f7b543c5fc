import type { LedgerRequest } from '@dispatchoor/forge-sim';
import { describe, expect, it } from 'vitest';
import { ADMIN_PASSWORD } from './harness/config-file.ts';
import { acme, LINUX, TOKEN } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { sqlite, type World, type WorldOptions } from './harness/world.ts';

const MINUTE_MS = 60_000;

/** Only what has no default: every wait is as an operator has it who writes none. */
function bareConfig(baseUrl: string): string {
  const labels = JSON.stringify(LINUX);
  return `
github: { token: '\${GITHUB_TOKEN}', base_url: '${baseUrl}' }
auth: { basic: { enabled: true, users: [{ username: admin, password: '\${PASSWORD}', role: admin }] } }
groups:
  github:
    - id: linux
      runner_labels: ${labels}
      workflow_dispatch_templates:
        - { id: build, owner: acme, repo: app, workflow_id: build.yaml, ref: main }
`;
}

function startWithDefaults(options: Partial<WorldOptions>): Promise<World> {
  const env = { GITHUB_TOKEN: TOKEN, PASSWORD: ADMIN_PASSWORD };
  return startWorld({
    database: sqlite,
    configText: { text: bareConfig, env, password: ADMIN_PASSWORD },
    ...options,
  });
}

function dispatchesOf(world: World): LedgerRequest[] {
  return world.sim.ledger().requests.filter(({ endpoint }) => endpoint === 'dispatch');
}

describe('with the default waits', () => {
  it('a dispatch without an answer is looked for 5 minutes and more before it is sent again', async () => {
    const world = await startWithDefaults({});
    world.sim.addFault({ on: 'dispatch', kind: 'reset-before' });
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    await world.passTimeUntil('it is sent again', () => dispatchesOf(world).length === 2);
    const [first, second] = dispatchesOf(world).map(({ at }) => at);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(5 * MINUTE_MS);
    await world.passTimeUntil('it has run', () => world.ourRuns()[0]?.conclusion === 'success');
    await world.moveTime(MINUTE_MS);
    await world.job(id, 'completed');
    expect(world.ourRuns()).toHaveLength(1);
  });

  it('a run that shows up within 5 minutes is found, and its job is not sent again', async () => {
    const world = await startWithDefaults({});
    world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
    world.sim.setRunVisibility({ delayMs: 4 * MINUTE_MS });
    const { id } = await world.api.enqueue('linux', { template_id: 'build' });
    await world.forge('the lost run', ({ runs }) => runs.length === 1);
    const from = world.sim.clock.now();
    await world.passTimeUntil(
      '12 minutes have passed',
      () => world.sim.clock.now() > from + 12 * MINUTE_MS,
    );
    await world.job(id, 'completed');
    expect(world.ourRuns()).toHaveLength(1);
  });

  it('where the forge names no runs (GitHub Enterprise Server 3.20) the next job after a dispatch that started nothing has its own run', async () => {
    const world = await startWithDefaults({ forge: acme(3), sim: { ghes: '3.20' } });
    world.sim.addFault({ on: 'dispatch', kind: 'reset-before' });
    const ids: string[] = [];
    for (const note of ['one', 'two', 'three']) {
      const inputs = { note };
      ids.push((await world.api.enqueue('linux', { template_id: 'build', inputs })).id);
    }
    const areOver = async () => {
      const jobs = await Promise.all(ids.map((id) => world.job(id, () => true)));
      return jobs.every(({ completed_at: at }) => at !== null);
    };
    await world.passTimeUntil('all are over', areOver);
    for (const [index, note] of ['one', 'two', 'three'].entries()) {
      const job = await world.job(ids[index] ?? '', 'completed');
      expect(world.runOf(job).inputs['note']).toBe(note);
    }
    expect(world.ourRuns()).toHaveLength(3);
  });

  it.each([
    ['forward', -10],
    ['back', 120],
  ] as const)(
    'a forge’s clock that is put %s while an answer is lost makes the wait neither shorter nor longer',
    async (_, wrongBy) => {
      const setWrong = { prepare: (sim: World['sim']) => sim.clock.setOffset(wrongBy * MINUTE_MS) };
      const world = await startWithDefaults(setWrong);
      world.sim.addFault({ on: 'dispatch', kind: 'reset-before' });
      await world.api.enqueue('linux', { template_id: 'build' });
      await world.forge('the lost one', () => dispatchesOf(world).length === 1);
      const sentAt = world.clock.monotonic();
      const passedMs = (): number => world.clock.monotonic() - sentAt;
      await world.passTimeUntil('some time has passed', () => passedMs() > 50_000);
      world.sim.clock.setOffset(0);
      await world.passTimeUntil('it is sent again', () => dispatchesOf(world).length === 2);
      expect(passedMs()).toBeGreaterThan(5 * MINUTE_MS);
      expect(passedMs()).toBeLessThan(12 * MINUTE_MS);
    },
  );

  it('a run that no runner picks up keeps an idle one for 15 minutes', async () => {
    const world = await startWithDefaults({
      forge: acme(1),
      sim: {
        profile: {
          ...{ replyMs: [0, 0], visibleMs: [0, 0], pickupMs: [60 * MINUTE_MS, 60 * MINUTE_MS] },
          ...{ cancelMs: [0, 0], runnerLostMs: 0, secondary: null },
        },
      },
    });
    const first = await world.api.enqueue('linux', { template_id: 'build' });
    await world.job(first.id, ({ run_id: run }) => run !== null && run > 0);
    await world.api.enqueue('linux', { template_id: 'build' });
    await world.passTimeUntil('the next one is sent', () => dispatchesOf(world).length === 2);
    const [sent, next] = dispatchesOf(world).map(({ at }) => at);
    expect((next ?? 0) - (sent ?? 0)).toBeGreaterThan(15 * MINUTE_MS);
    await world.why(first.id, 'not-picked-up');
  });
});
