import type { Clock } from '@dispatchoor/testbed';
import { ServerAway, type ServerClient } from '@dispatchoor/testbed';
import type { JobBook } from './load/job-book.ts';
import { takeSnapshot } from './views/snapshot.ts';

const ANSWERS_WITHIN_MS = 20_000;
const AGAIN_AFTER_MS = 200;

/**
 * The last look at the server: brings the book up to date.
 *
 * @returns run ids of jobs on the server that are not in the book
 */
export async function lastCheck(api: ServerClient, book: JobBook, clock: Clock): Promise<number[]> {
  const giveUpAt = clock.monotonic() + ANSWERS_WITHIN_MS;
  for (;;) {
    try {
      await takeSnapshot(api, book, clock.now());
      return await listOtherRunIds(api, book);
    } catch (error) {
      // It may have been killed a moment ago.
      if (!(error instanceof ServerAway) || clock.monotonic() > giveUpAt) throw error;
      await clock.sleep(AGAIN_AFTER_MS);
    }
  }
}

async function listOtherRunIds(api: ServerClient, book: JobBook): Promise<number[]> {
  const groups = await api.listGroups();
  const lists = await Promise.all(
    groups.flatMap(({ id }) => [api.listQueue(id), api.listHistory(id)]),
  );
  const others = lists.flat().filter(({ id }) => !book.has(id));
  return others.flatMap(({ run_id: runId }) => (runId === null || runId === 0 ? [] : [runId]));
}
