/** Retention: what has grown old is deleted. */

/** What takes a `batch` deletes at most so many rows a call, so that no transaction is long. All return how many went. */
export interface RetentionStore {
  deleteEndedJobs(before: number, batch: number): Promise<number>;
  /** Ended attempts (with their workflow jobs) whose job is gone, and which ended before this. */
  deleteAttempts(endedBefore: number, batch: number): Promise<number>;
  /** Events: those that only feed loops and pushes, and those of the audit, which are kept longer. */
  deleteEvents(feedBefore: number, auditBefore: number, batch: number): Promise<number>;
  /** Sessions, idempotency keys, webhooks, other people's workflow jobs, unused budgets: to the last one, in short transactions. */
  deleteExpired(now: number): Promise<number>;
  /** Runners and scopes nobody has seen since. */
  deleteStaleRunners(before: number): Promise<number>;
}
