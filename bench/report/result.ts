import type { Figure, Skipped } from './figure.ts';
import type { MachineFacts } from './machine.ts';
import type { ProfiledFunction } from './profile.ts';

/** How something grows: one line per size. */
export interface Growth {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** As Markdown. */
  readonly table: string;
}

/** Where the server's time went during one part. */
export interface ProfileResult {
  readonly name: string;
  readonly functions: readonly ProfiledFunction[];
}

/** All that a run has found. */
export interface BenchResult {
  readonly machine: MachineFacts;
  readonly isQuick: boolean;
  readonly seed: number;
  readonly rowSeconds: Readonly<Record<string, number>>;
  readonly figures: readonly Figure[];
  readonly skipped: readonly Skipped[];
  readonly growth: readonly Growth[];
  readonly profiles: readonly ProfileResult[];
}
