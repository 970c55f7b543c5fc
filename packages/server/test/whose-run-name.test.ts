/** A `run-name` that shows the id only sometimes. */
import { describe, expect, it } from 'vitest';
import { impatient } from './harness/config-file.ts';
import { acme, CORRELATION_INPUT, namedGroups, workflow } from './harness/fixtures.ts';
import { startWorld } from './harness/start-world.ts';
import { databases, sqlite, type World } from './harness/world.ts';

/** Of a job with a title its run shows that, not the id. */
const titled = workflow({
  runName: `Build \${{ inputs.title || inputs.${CORRELATION_INPUT} }}`,
  inputs: { [CORRELATION_INPUT]: { default: '' }, note: { default: '' }, title: { default: '' } },
  jobs: [{ name: 'build', runsOn: ['linux'], durationMs: 20 }],
});

const enqueue = (world: World, note: string, title: string) =>
  world.api.enqueue('linux', { template_id: 'build', inputs: { note, title } });

const run = async (world: World, note: string, title = '') =>
  world.job((await enqueue(world, note, title)).id, ({ completed_at: at }) => at !== null);

const WARNING = 'do not bear the id they are sent';

const untilWarned = (world: World) =>
  world.until(
    'a warning',
    () => world.logLines,
    (lines) => lines.some((line) => line.includes(WARNING)),
  );

describe.each(databases)('a run-name that shows the id only sometimes, on $name', (database) => {
  it('starts no job a second time, though a run has borne its id since one lacked it', async () => {
    const world = await startWorld({
      ...{ database, config: { ...impatient, groups: namedGroups } },
      forge: { ...acme(2), workflows: [titled] },
    });
    await run(world, 'plain');
    await run(world, 'lacks', 'titled');
    await untilWarned(world);
    await run(world, 'plain again');
    world.sim.addFault({ on: 'dispatch', kind: 'reset-after' });
    const ended = await run(world, 'lost', 'titled');
    expect(world.ourRuns().filter(({ inputs }) => inputs['note'] === 'lost')).toHaveLength(1);
    expect(world.runOf(ended).inputs['note']).toBe('lost');
  });
});

it('GitHub Enterprise Server 3.20: only the first job whose run lacks the id fails, whatever the runs between bear', async () => {
  const world = await startWorld({
    ...{ database: sqlite, sim: { ghes: '3.20' } },
    ...{ exceptions: { hiddenRuns: 1, ambiguousRuns: 1 } },
    config: {
      // On a busy machine an answer takes longer than a second, and would be lost.
      github: { request_timeout: '4s' },
      dispatcher: { send_deadline: '500ms', run_lookup_timeout: '6s' },
      groups: namedGroups,
    },
    forge: { ...acme(4), workflows: [titled] },
  });
  const ends: Record<string, string> = {};
  for (const note of ['plain 1', 'titled 1', 'plain 2', 'titled 2', 'plain 3', 'titled 3']) {
    const title = note.startsWith('titled') ? 'titled' : '';
    ends[note] = (await run(world, note, title)).status;
  }
  expect(Object.entries(ends).filter(([, status]) => status !== 'completed')).toEqual([
    ['titled 1', 'failed'],
  ]);
  expect(world.logLines.filter((line) => line.includes(WARNING))).toHaveLength(1);
});
