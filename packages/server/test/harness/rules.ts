import type { Job } from '@dispatchoor/api-contract';
import type { LedgerRun } from '@dispatchoor/forge-sim';
import { expect } from 'vitest';
import { ADMIN_PASSWORD, VIEWER_PASSWORD } from './config-file.ts';
import { HUMAN_TOKEN, RUNNERS_TOKEN, TOKEN } from './fixtures.ts';
import type { Exceptions, World } from './world.ts';

/** What holds in every world, judged by the forge's ledger and the API. */
export async function checkRules(world: World): Promise<void> {
  expect(world.sim.schemaViolations, 'the schema validator objects').toEqual([]);
  checkNoSecretIsLogged(world);
  await checkRunsHaveJobs(world, world.exceptions);
  await checkNothingIsLost(world);
}

function checkNoSecretIsLogged({ logLines, api }: World): void {
  const secrets = [
    TOKEN,
    RUNNERS_TOKEN,
    HUMAN_TOKEN,
    ADMIN_PASSWORD,
    VIEWER_PASSWORD,
    ...api.tokens,
  ];
  const leaks = logLines.filter((line) => secrets.some((secret) => line.includes(secret)));
  expect(leaks, 'a secret is in the log').toEqual([]);
}

/** Each run of ours belongs to one attempt, and no two runs to one job. */
async function checkRunsHaveJobs(
  world: World,
  { hiddenRuns = 0, ambiguousRuns = 0 }: Exceptions,
): Promise<void> {
  const matched = await world.until(
    'every run has its job',
    async () => matchRuns(world.ourRuns(), await listJobs(world)),
    ({ orphans }) => orphans.length <= hiddenRuns,
  );
  expect(matched.orphans.length, 'runs that no job shows').toBe(hiddenRuns);
  expect(matched.shared, 'runs that several jobs show').toEqual([]);
  // Those that were looked at: a job of the test may be dispatched at this very moment.
  const ids = matched.runs.map(({ id }) => String(id));
  const owned = await world.store.runs.listOwnedRunIds('github', ids);
  const nobodys = ids.filter((id) => !owned.has(id));
  expect(nobodys.length, 'runs that belong to no attempt').toBe(ambiguousRuns);
}

function matchRuns(
  runs: readonly LedgerRun[],
  jobs: readonly Job[],
): { runs: readonly LedgerRun[]; orphans: number[]; shared: number[] } {
  const shown = jobs.flatMap(({ run_id: id }) => (id === null || id === 0 ? [] : [id]));
  return {
    runs,
    orphans: runs.map(({ id }) => id).filter((id) => !shown.includes(id)),
    shared: shown.filter((id, index) => shown.indexOf(id) !== index),
  };
}

/** What was promised with a 201 is there, unless it was deleted. */
async function checkNothingIsLost(world: World): Promise<void> {
  const known = new Set((await listJobs(world)).map(({ id }) => id));
  const { added, deleted } = world.api;
  const lost = [...added].filter((id) => !known.has(id) && !deleted.has(id));
  expect(lost, 'jobs that were lost').toEqual([]);
}

async function listJobs({ api }: World): Promise<Job[]> {
  const groups = await api.groups();
  // The queue first: a job that ends meanwhile is then in both lists, never in none.
  const queues = await Promise.all(groups.map(({ id }) => api.queue(id)));
  const histories = await Promise.all(groups.map(({ id }) => api.wholeHistory(id)));
  return [...new Map([...queues, ...histories].flat().map((job) => [job.id, job])).values()];
}
