/** Leases: which server runs which loop. */

/** The lease a loop works under. Writes that plan or claim name it and fail without it. */
export interface Fence {
  readonly name: string;
  readonly holder: string;
  readonly epoch: number;
}

export interface LeaseStore {
  /** Takes or renews, by the database's clock. `undefined`: another holder has it. The epoch grows whenever the holder changes, and
   * when it had run out. */
  tryAcquire(name: string, holder: string, ttlMs: number): Promise<Fence | undefined>;
  /** Does nothing when it was lost. */
  release(fence: Fence): Promise<void>;
  list(): Promise<{ name: string; holder: string; epoch: number; expiresAt: number }[]>;
}
