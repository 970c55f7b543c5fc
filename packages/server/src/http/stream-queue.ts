import { Readable } from 'node:stream';
import type { QueuePage } from '../store/port/jobs.ts';
import { jobToWire } from './wire/job-to-wire.ts';

/** Small enough that reading, checking and writing one page holds the event loop for milliseconds only. */
export const LARGEST_PAGE = 500;

type ReadPage = (page: { limit: number; cursor: string }) => Promise<QueuePage>;

/**
 * A queue of any length as one JSON array, page by page. It is read while it is sent: a job that moves meanwhile
 * is told once or, if it left the part still to come, not at all.
 */
export function streamQueue(first: QueuePage, readPage: ReadPage): Readable {
  return Readable.from(writeArray(first, readPage));
}

async function* writeArray(first: QueuePage, readPage: ReadPage): AsyncGenerator<string> {
  const told = new Set<string>();
  let page = first;
  yield '[';
  for (;;) {
    const fresh = page.jobs.filter(({ id }) => !told.has(id));
    const text = fresh.map((job) => JSON.stringify(jobToWire(job))).join(',');
    if (text !== '') yield told.size === 0 ? text : `,${text}`;
    for (const { id } of fresh) told.add(id);
    if (page.nextCursor === null) break;
    page = await readPage({ limit: LARGEST_PAGE, cursor: page.nextCursor });
    await nextTurn();
  }
  yield ']';
}

/** Reads on SQLite are done before their promise is awaited: without this a long queue would starve everybody. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
