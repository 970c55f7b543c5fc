import type { Ledger } from './ledger.ts';
import type { Span } from './spans.ts';

/** The workflow input by which a run on the forge is matched with the job that asked for it. */
export const KEY_INPUT = 'demo-job';

/** A job that the server has accepted with 201. */
export interface JobFact {
  /** Value of its input `demo-job`, unique among the jobs of a demo. */
  readonly key: string;
  readonly jobId: string;
  /** Labels a runner needs for it. */
  readonly labels: readonly string[];
  readonly priority: number;
  /** When its 201 arrived; epoch ms. */
  readonly acceptedAt: number;
  /** When it was seen paused, or its group paused: somebody did that through the API. */
  readonly pausedSpans: readonly Span[];
  /** As the server says at the end; `unknown`: it does not know the job. */
  readonly status: string;
  readonly runId: number | null;
}

/** All the summary is made from. */
export interface DemoFacts {
  /** In the order in which they were accepted. */
  readonly jobs: readonly JobFact[];
  /** `run_id`s of jobs that are not the demo's: somebody added them through the API. */
  readonly otherRunIds: readonly number[];
  readonly ledger: Ledger;
  /** Mean of the profile, added to each job of the ideal. */
  readonly dispatchToStartMs: number;
  /** When the observation ended; epoch ms. */
  readonly until: number;
  /** Every accepted job was to end (`--jobs`). */
  readonly isComplete: boolean;
  /** How often the server was killed. */
  readonly kills: number;
}
