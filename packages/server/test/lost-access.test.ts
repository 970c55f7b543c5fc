import { expect, it } from 'vitest';
import type { Forge } from '../src/forge/forge.ts';
import {
  acme,
  CORRELATION_INPUT,
  linuxGroup,
  runners,
  TOKEN,
  template,
  workflow,
} from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { sqlite, type World, type WorldOptions } from './harness/world.ts';

const HOUR = 3_600_000;

const templates = [template({ id: 'build' }), template({ id: 'other', repo: 'other' })];
const groups = {
  github: [{ ...linuxGroup, max_parallel: 1, workflow_dispatch_templates: templates }],
};
const forge = acme(3, {
  repos: [{ owner: 'acme', name: 'other' }],
  workflows: [workflow({ repo: 'other' })],
});

/** The run of the lost answer: nobody can tell any more that it is that. */
const exceptions = { hiddenRuns: 1, ambiguousRuns: 1 };

/** Nothing of `acme/app` can be read any more. */
function loseAccess({ sim }: World): void {
  const about = { owner: 'acme', repo: 'app', kind: 'not-found', times: 'always' } as const;
  for (const on of ['listRuns', 'repoGet', 'getRun'] as const) sim.addFault({ ...about, on });
}

const goneSince = async ({ store }: World) =>
  (await store.runs.listLive('github'))[0]?.goneSince ?? null;

it('one lost answer in a repository that cannot be read any more stops its group for an hour, not for ever', async () => {
  const world = await startWorld({ database: sqlite, config: { groups }, forge, exceptions });
  loseAccess(world);
  world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
  const lost = await world.api.enqueue('linux', { template_id: 'build', inputs: { note: '1' } });
  await world.until(
    'seen as lost',
    () => goneSince(world),
    (since) => since !== null,
  );
  const other = await world.api.enqueue('linux', { template_id: 'other' });
  await world.why(other.id, 'cap');
  await world.moveTime(HOUR);
  const failed = await world.job(lost.id, 'failed');
  expect(failed.error_message).toMatch(/^outcome-ambiguous: .* access to acme\/app is lost/);
  await world.job(other.id, 'completed');
  expect(world.ourRuns()).toHaveLength(2);
});

it('a run that turns up once its repository can be read again is cancelled, as its job had said', async () => {
  const inputs = { 'duration-ms': String(2 * HOUR) };
  const named = template({ id: 'build', correlation_input: CORRELATION_INPUT });
  const config = { groups: { github: [{ ...linuxGroup, workflow_dispatch_templates: [named] }] } };
  const hidden = { hiddenRuns: 1 };
  const world = await startWorld({ database: sqlite, config, forge, exceptions: hidden });
  loseAccess(world);
  world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
  const lost = await world.api.enqueue('linux', { template_id: 'build', inputs });
  await world.until(
    'seen as lost',
    () => goneSince(world),
    (since) => since !== null,
  );
  await world.moveTime(HOUR);
  const failed = await world.job(lost.id, 'failed');
  expect(failed.error_message).toContain('a run of its workflow that bears its id is cancelled');
  expect(failed.error_message).toContain('add the job again then');
  world.sim.clearFaults();
  await world.forge('its run is cancelled', ({ runs }) =>
    runs.every(({ conclusion }) => conclusion === 'cancelled'),
  );
});

const RETRY_MS = 1_000;

/** Tries to cancel, noted as they begin: before each cancel its run is read, so none is missed, however it ends. */
class Tries {
  readonly runIds: string[] = [];
  /** By the server's monotonic clock. */
  readonly times: number[] = [];
  underWay = 0;

  wrap(now: () => number): NonNullable<WorldOptions['wrapForge']> {
    return (wrapped) =>
      new Proxy(wrapped, {
        get: (target, name) => {
          if (name === 'getRun') return this.#noting(target, now);
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
  }

  #noting(target: Forge, now: () => number): Forge['getRun'] {
    return async (owner, repo, runId, signal, purpose) => {
      if (purpose !== 'cancel') return target.getRun(owner, repo, runId, signal, purpose);
      this.runIds.push(runId);
      this.times.push(now());
      this.underWay += 1;
      try {
        return await target.getRun(owner, repo, runId, signal, purpose);
      } finally {
        this.underWay -= 1;
      }
    };
  }
}

/** Each runs for a day, and its cancel is wanted since the token cannot see their repository any more. */
async function cancelClosed(count: number): Promise<{ world: World; tries: Tries }> {
  const tries = new Tries();
  const world: World = await startWorld({
    ...{ database: sqlite, forge: { ...forge, runners: runners(count + 1) } },
    config: {
      waits: { cancel_retry: `${RETRY_MS / 1_000}s`, unreadable_run: '24h' },
      groups: { github: [{ ...linuxGroup, workflow_dispatch_templates: templates }] },
    },
    wrapForge: tries.wrap(() => world.clock.monotonic()),
  });
  const job = { template_id: 'build', inputs: { 'duration-ms': String(24 * HOUR) } };
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.push((await world.api.enqueue('linux', job)).id);
  for (const id of ids) await world.job(id, 'running');
  world.sim.setToken(TOKEN, { blindTo: ['acme/app'] });
  for (const id of ids) expect((await world.api.cancel(id)).status).toBe(200);
  return { world, tries };
}

it('cancels of many jobs in a repository that is closed to the token are tried one at a time, ever more rarely, and all carried out once it is open', async () => {
  const { world, tries } = await cancelClosed(6);
  await world.until(
    'each was tried',
    () => new Set(tries.runIds).size,
    (tried) => tried === 6,
  );
  const first = tries.times.length;
  const later = () => tries.times.slice(first);
  const passTime = async () => {
    // A try that takes long would be given up, which says nothing of its repository.
    if (tries.underWay === 0) await world.moveTime(RETRY_MS);
    return later().length;
  };
  await world.until('four more tries', passTime, (seen) => seen >= 4);
  for (const [n, at] of later().slice(1, 4).entries()) {
    expect(at - (later()[n] ?? at)).toBeGreaterThanOrEqual(2 ** (n + 1) * RETRY_MS);
  }
  const { requests } = world.sim.ledger();
  expect(requests.filter(({ endpoint }) => endpoint === 'cancel')).toEqual([]);
  const other = await world.api.enqueue('linux', { template_id: 'other' });
  await world.job(other.id, 'completed');
  world.sim.setToken(TOKEN, { blindTo: [] });
  const ended = async () => {
    await passTime();
    return world.sim.ledger().runs.map(({ conclusion }) => conclusion);
  };
  await world.until('all are cancelled', ended, (seen) => !seen.includes(null));
  expect((await ended()).filter((conclusion) => conclusion === 'cancelled')).toHaveLength(6);
});
