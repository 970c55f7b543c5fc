import type { Changes } from '../changes.ts';
import type { SimClock } from '../clock.ts';
import type { ForgeIds } from '../ids.ts';
import type { RunnerSpec } from './spec.ts';
import type { BusySpan, Runner, WorkflowJob, WorldState } from './state.ts';

export interface RunnerPoolDeps {
  clock: SimClock;
  changes: Changes;
  ids: ForgeIds;
  state: WorldState;
}

/** What the pool tells the scheduler and the runs. */
export interface RunnerListeners {
  /** A runner may have become free. */
  onFree(): void;
  /** A promised job must be given to another runner. */
  onReservationLost(job: WorkflowJob): void;
  onUnreachable(runner: Runner, job: WorkflowJob): void;
  onReachable(runner: Runner, job: WorkflowJob): void;
}

export class RunnerPool {
  readonly #deps: RunnerPoolDeps;
  #listeners: RunnerListeners | undefined;

  constructor(deps: RunnerPoolDeps) {
    this.#deps = deps;
  }

  listen(listeners: RunnerListeners): void {
    this.#listeners = listeners;
  }

  add(spec: RunnerSpec): Runner {
    const { clock, changes, ids, state } = this.#deps;
    const now = clock.now();
    const isOnline = spec.online ?? true;
    const runner: Runner = {
      id: ids.nextRunnerId(),
      scope: spec.scope,
      name: spec.name,
      os: spec.os ?? 'Linux',
      labels: [...spec.labels],
      labelSet: new Set(spec.labels.map((label) => label.toLowerCase())),
      isOnline,
      isTakenOutside: false,
      isEphemeral: spec.ephemeral ?? false,
      job: null,
      reservedFor: null,
      onlineAt: now,
      goneAt: null,
      onlineSpans: isOnline ? [{ from: now }] : [],
      busySpans: [],
    };
    state.runners.set(runner.id, runner);
    if (spec.busy === true) this.#setTakenOutside(runner, true);
    this.#listeners?.onFree();
    changes.announce();
    return runner;
  }

  /** Repeatable. A job that it runs is lost after the profile's `runnerLostMs`. */
  remove(runnerId: number): void {
    const runner = this.#deps.state.getRunner(runnerId);
    if (runner.goneAt !== null) return;
    runner.goneAt = this.#deps.clock.now();
    this.#setOnline(runner, false);
    this.#closeBusySpan(runner);
    this.#deps.changes.announce();
  }

  set(runnerId: number, change: { online?: boolean; busy?: boolean }): void {
    const runner = this.#deps.state.getRunner(runnerId);
    if (runner.goneAt !== null) throw new Error(`forge-sim: runner ${String(runnerId)} is gone`);
    if (change.busy !== undefined) this.#setTakenOutside(runner, change.busy);
    if (change.online !== undefined) this.#setOnline(runner, change.online);
    this.#listeners?.onFree();
    this.#deps.changes.announce();
  }

  occupy(runner: Runner, job: WorkflowJob): void {
    runner.reservedFor = null;
    runner.job = job;
    const span = { from: this.#deps.clock.now(), runId: job.run.id, jobId: job.id };
    runner.busySpans.push(span);
  }

  /** The runner's job has ended. An ephemeral runner goes with it. */
  release(runner: Runner): void {
    runner.job = null;
    this.#closeBusySpan(runner);
    if (runner.isTakenOutside) this.#openSpan(runner, { runId: null, jobId: null });
    if (runner.isEphemeral && runner.goneAt === null) this.remove(runner.id);
    this.#listeners?.onFree();
  }

  #setTakenOutside(runner: Runner, isTaken: boolean): void {
    if (runner.isTakenOutside === isTaken) return;
    runner.isTakenOutside = isTaken;
    if (runner.job !== null) return;
    if (isTaken) this.#openSpan(runner, { runId: null, jobId: null });
    else this.#closeBusySpan(runner);
    if (isTaken) this.#loseReservation(runner);
  }

  #setOnline(runner: Runner, isOnline: boolean): void {
    if (runner.isOnline === isOnline) return;
    const now = this.#deps.clock.now();
    runner.isOnline = isOnline;
    const span = runner.onlineSpans.at(-1);
    if (isOnline) runner.onlineSpans.push({ from: now });
    else if (span !== undefined) span.to = now;
    if (!isOnline) this.#loseReservation(runner);
    if (runner.job === null) return;
    if (isOnline) this.#listeners?.onReachable(runner, runner.job);
    else this.#listeners?.onUnreachable(runner, runner.job);
  }

  #loseReservation(runner: Runner): void {
    const job = runner.reservedFor;
    if (job === null) return;
    runner.reservedFor = null;
    this.#listeners?.onReservationLost(job);
  }

  #openSpan(runner: Runner, of: Pick<BusySpan, 'runId' | 'jobId'>): void {
    runner.busySpans.push({ from: this.#deps.clock.now(), ...of });
  }

  #closeBusySpan(runner: Runner): void {
    const span = runner.busySpans.at(-1);
    if (span !== undefined) span.to ??= this.#deps.clock.now();
  }
}
