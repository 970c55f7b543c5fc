import type { Event } from '../../domain/event.ts';

/** What is to be read and pushed. */
export interface Changes {
  /** By id, the group of each; oldest change first. */
  readonly jobs: ReadonlyMap<string, string>;
  /** Groups whose queue, or which themselves, changed in a way that no job shows. */
  readonly groups: ReadonlySet<string>;
  /** By id; with the event that told of it for those that are gone. */
  readonly runners: ReadonlyMap<string, Event | undefined>;
}

/** Ids of the groups that somebody watches at this moment. */
export type WatchedGroups = Pick<ReadonlySet<string>, 'has' | 'size'>;

/**
 * Committed events, folded to what has to be read: however often a job changed, it is read once and shown as it is
 * then. Nothing is kept of groups that nobody watches. Pure but for its own memory, which is bounded by the number
 * of jobs and runners that there are.
 */
export class PendingChanges {
  readonly #watched: WatchedGroups;
  readonly #jobs = new Map<string, string>();
  readonly #groups = new Set<string>();
  readonly #runners = new Map<string, Event | undefined>();

  constructor(watched: WatchedGroups) {
    this.#watched = watched;
  }

  get isEmpty(): boolean {
    return this.#jobs.size === 0 && this.#groups.size === 0 && this.#runners.size === 0;
  }

  add(event: Event): void {
    if (this.#watched.size === 0) return;
    const { subjectType, subjectId, groupId } = event;
    if (subjectType === 'runner') {
      this.#runners.set(subjectId, event.kind === 'runner.gone' ? event : undefined);
      return;
    }
    if (groupId === null || !this.#watched.has(groupId)) return;
    if (event.kind === 'job.deleted') {
      this.#jobs.delete(subjectId);
      this.#groups.add(groupId);
    } else if (subjectType === 'job') {
      this.#jobs.set(subjectId, groupId);
    } else if (subjectType === 'group' || subjectType === 'template') {
      this.#groups.add(groupId);
    }
  }

  /** At most so many jobs and runners, neither of which keeps the other out; the rest stays for the next time. */
  take(most: number): Changes {
    const groups = new Set(this.#groups);
    this.#groups.clear();
    const runners = takeFirst(this.#runners, Math.ceil(most / 2));
    return { groups, runners, jobs: takeFirst(this.#jobs, most - runners.size) };
  }

  /** What was taken and could not be read. What came meanwhile is newer and stays. */
  putBack({ jobs, groups, runners }: Changes): void {
    for (const [id, groupId] of jobs) if (!this.#jobs.has(id)) this.#jobs.set(id, groupId);
    for (const [id, event] of runners) if (!this.#runners.has(id)) this.#runners.set(id, event);
    for (const groupId of groups) this.#groups.add(groupId);
  }
}

function takeFirst<V>(from: Map<string, V>, most: number): Map<string, V> {
  const taken = new Map<string, V>();
  for (const [key, value] of from) {
    if (taken.size === most) break;
    taken.set(key, value);
    from.delete(key);
  }
  return taken;
}
