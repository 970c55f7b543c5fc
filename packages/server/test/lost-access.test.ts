import { expect, it } from 'vitest';
import { acme, CORRELATION_INPUT, linuxGroup, template, workflow } from './harness/scenes.ts';
import { sqlite, startWorld, type World } from './harness/world.ts';

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
  expect(failed.error_message).toContain('a run that bears its id is cancelled');
  expect(failed.error_message).toContain('add the job again then');
  world.sim.clearFaults();
  await world.forge('its run is cancelled', ({ runs }) =>
    runs.every(({ conclusion }) => conclusion === 'cancelled'),
  );
});
