/** Events: all that was committed, in commit order. */
import type { Event } from '../../domain/event.ts';

export interface EventStore {
  /** Committed events after `seq`, in commit order. */
  listAfter(seq: number, limit: number): Promise<Event[]>;
  lastSeq(): Promise<number>;
  /**
   * Calls back, soon after a commit, that there is something new: from this process at once, from others through
   * the database. A hint: it may come twice, for nothing, or late: after a lost connection it comes once in any case.
   * Returns how to stop.
   */
  onCommit(listener: () => void): () => void;
}
