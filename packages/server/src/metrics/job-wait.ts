import type { Event } from '../domain/event.ts';

/**
 * How long the job of this event had waited when it told that its run had started; undefined for other events. A
 * run so short that nobody saw it run counts when it ends.
 */
export function waitOf({ kind, subjectId, data, at }: Event): number | undefined {
  const wasShort = kind === 'job.completed' && data['from'] === 'triggered';
  if (kind !== 'job.running' && !wasShort) return undefined;
  const addedAt = timeOfId(subjectId);
  return addedAt === undefined ? undefined : Math.max(0, at - addedAt);
}

/** Ids of ours are UUIDv7: the first 48 bits are the moment they were made. Imported jobs have others. */
function timeOfId(id: string): number | undefined {
  const match = /^([\da-f]{8})-([\da-f]{4})-7/.exec(id);
  return match === null ? undefined : Number.parseInt(`${match[1]}${match[2]}`, 16);
}
