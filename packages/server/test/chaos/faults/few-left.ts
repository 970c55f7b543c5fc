import { setTimeout as wait } from 'node:timers/promises';
import type { Job } from '@dispatchoor/api-contract';
import { expect } from 'vitest';
import type { NewJob } from '../../harness/api.ts';
import type { Site } from '../../processes/site.ts';
import { eachOf } from './each-of.ts';

const CHECK_EVERY_MS = 200;
const LOG_EVERY = 200;
const CLIENTS = 8;

/** In no order: several clients at a time. @returns all of them, each with its 201 */
export async function enqueueMany(
  site: Site,
  count: number,
  jobAt: (index: number) => NewJob,
): Promise<Job[]> {
  const jobs: Job[] = [];
  const indexes = Array.from({ length: count }, (_, index) => index);
  const failures = await eachOf(indexes, CLIENTS, async (index) => {
    jobs.push(await site.api.enqueue('linux', jobAt(index)));
  });
  expect(failures, 'jobs that were not accepted').toEqual([]);
  return jobs;
}

/** Until so few jobs wait or run. Counts only: the queue itself would be thousands of jobs at each look. */
export async function untilFewLeft(
  site: Site,
  few: number,
  say: (line: string) => void,
): Promise<void> {
  for (let told = Infinity; ; ) {
    const [group] = await site.api.groups();
    if (group === undefined) throw new Error('the group is gone');
    const left = group.queued_jobs + group.running_jobs;
    if (left <= few) return;
    if (left <= told - LOG_EVERY) {
      told = left;
      say(`${left} jobs left`);
    }
    await wait(CHECK_EVERY_MS);
  }
}
