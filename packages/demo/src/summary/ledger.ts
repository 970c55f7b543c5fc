import type {
  LedgerJob,
  LedgerRequest,
  LedgerRunner,
  LedgerRun as WholeRun,
} from '@dispatchoor/forge-sim/client';

export interface LedgerRun
  extends Pick<WholeRun, 'id' | 'inputs' | 'createdByRequest' | 'conclusion'> {
  readonly jobs: readonly Pick<
    LedgerJob,
    'runAttempt' | 'runnerId' | 'startedAt' | 'completedAt'
  >[];
}

/** What the summary reads of forge-sim's ledger. Stamps are epoch milliseconds. */
export interface Ledger {
  readonly requests: readonly Pick<LedgerRequest, 'id' | 'at' | 'endpoint' | 'status'>[];
  readonly runs: readonly LedgerRun[];
  readonly runners: readonly (Pick<LedgerRunner, 'id' | 'name' | 'labels' | 'onlineSpans'> & {
    readonly busySpans: readonly { readonly from: number; readonly to?: number }[];
  })[];
}
