/** Retention: what has grown old is deleted. */

export interface RetentionStore {
  /** At most `batch` rows each call, so that no transaction is long. Returns how many went. */
  deleteEndedJobs(before: number, batch: number): Promise<number>;
  /** Ended attempts (with their workflow jobs) whose job is gone, and which ended before this. */
  deleteAttempts(endedBefore: number, batch: number): Promise<number>;
  deleteEvents(feedBefore: number, auditBefore: number, batch: number): Promise<number>;
  deleteExpired(now: number): Promise<number>;
  /** Runners and scopes nobody has seen since. */
  deleteStaleRunners(before: number): Promise<number>;
}
