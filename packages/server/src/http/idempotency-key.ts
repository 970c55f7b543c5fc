import { createHash } from 'node:crypto';
import type { StringMap } from '../domain/job.ts';
import type { IdempotencyKey, NewJob } from '../store/port/jobs.ts';
import { badRequest } from './errors.ts';

/** The header's key with a hash of what it asks for; undefined without the header. Throws a 400 for one that is no key. */
export function readIdempotencyKey(
  header: string | string[] | undefined,
  username: string,
  job: NewJob,
): IdempotencyKey | undefined {
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(header)) {
    throw badRequest('Idempotency-Key: must be 1 to 255 visible ASCII characters');
  }
  return { username, key: header, bodyHash: hashOf(job) };
}

/** Of the meaning, not the text: a client that writes its keys in another order asks for the same. */
function hashOf(job: NewJob): string {
  const entries = Object.entries({
    ...job,
    inputs: sorted(job.inputs),
    labels: sorted(job.labels),
  });
  return createHash('sha256')
    .update(JSON.stringify(sortedEntries(entries)))
    .digest('hex');
}

const sorted = (map: StringMap | null): unknown =>
  map === null ? null : sortedEntries(Object.entries(map));

const sortedEntries = (entries: [string, unknown][]): [string, unknown][] =>
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
