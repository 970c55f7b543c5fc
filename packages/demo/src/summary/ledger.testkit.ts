import { type DemoFacts, type JobFact, KEY_INPUT } from './facts.ts';
import type { Ledger, LedgerRun } from './ledger.ts';

type Runner = Ledger['runners'][number];

interface GrowingRun extends LedgerRun {
  conclusion: LedgerRun['conclusion'];
  readonly jobs: LedgerRun['jobs'][number][];
}

interface GrowingLedger {
  readonly requests: Ledger['requests'][number][];
  readonly runs: GrowingRun[];
  readonly runners: (Runner & { readonly busySpans: { from: number; to?: number }[] })[];
}

/** A ledger made by hand. Times are small numbers of ms: what matters is their order. */
export class HandMadeLedger {
  readonly ledger: GrowingLedger = { requests: [], runs: [], runners: [] };
  readonly jobs: JobFact[] = [];

  /** Online from 0 on. */
  runner(name: string, ...labels: string[]): this {
    const id = this.ledger.runners.length + 1;
    this.ledger.runners.push({ id, name, labels, onlineSpans: [{ from: 0 }], busySpans: [] });
    return this;
  }

  /** Accepted, not dispatched. */
  job(key: string, acceptedAt: number, more: Partial<JobFact> = {}): this {
    const fixed = { jobId: `id-${key}`, labels: ['x'], priority: 0, pausedSpans: [] };
    this.jobs.push({ key, acceptedAt, ...fixed, status: 'pending', runId: null, ...more });
    return this;
  }

  /** A run of the job `key` that took the runner `on`; the job ends as completed and names it. */
  run(key: string, at: { dispatched: number; started: number; ended: number; on: string }): this {
    const runner = this.ledger.runners.find(({ name }) => name === at.on);
    if (runner === undefined) throw new Error(`no runner ${at.on}`);
    runner.busySpans.push({ from: at.started, to: at.ended });
    const run = this.bareRun(key, at.dispatched);
    run.conclusion = 'success';
    const [startedAt, completedAt] = [at.started, at.ended];
    run.jobs.push({ runAttempt: 1, runnerId: runner.id, startedAt, completedAt });
    const index = this.jobs.findIndex((job) => job.key === key);
    const job = this.jobs[index];
    if (job !== undefined) this.jobs[index] = { ...job, status: 'completed', runId: run.id };
    return this;
  }

  /** A run that no runner has taken. */
  bareRun(key: string, dispatchedAt: number): GrowingRun {
    const id = this.ledger.requests.length + 1;
    this.ledger.requests.push({ id, at: dispatchedAt, endpoint: 'dispatch', status: 200 });
    const inputs = { [KEY_INPUT]: key };
    const run = { id: 1_000 + id, inputs, createdByRequest: id, conclusion: null, jobs: [] };
    this.ledger.runs.push(run);
    return run;
  }

  facts(more: Partial<DemoFacts> = {}): DemoFacts {
    const { jobs, ledger } = this;
    const fixed = { otherRunIds: [], dispatchToStartMs: 0, isComplete: true, kills: 0 };
    return { jobs, ledger, ...fixed, until: 100_000, ...more };
  }
}
