import type { Changes } from '../changes.ts';
import type { SimClock } from '../clock.ts';
import type { ForgeIds } from '../ids.ts';
import type { Profile } from '../profiles.ts';
import type { Random } from '../random.ts';
import { concludeRun, needsOf } from './conclusions.ts';
import type { ForgeEvents } from './forge-events.ts';
import { durationFrom, jobConclusionFrom, labelsFrom } from './from-input.ts';
import type { RunnerPool } from './runner-pool.ts';
import { Scheduler } from './scheduler.ts';
import type { JobConclusion, WorkflowJobSpec } from './spec.ts';
import type { Run, Runner, WorkflowJob, WorldState } from './state.ts';

/** GitHub fails a workflow job that no runner took for a day. */
const QUEUED_JOB_LIMIT_MS = 86_400_000;

export interface JobRunnerDeps {
  clock: SimClock;
  changes: Changes;
  events: ForgeEvents;
  ids: ForgeIds;
  profile: Profile;
  random: Random;
  state: WorldState;
  runners: RunnerPool;
}

/** Moves workflow jobs from `blocked` to `completed`, and their runs with them. */
export class JobRunner {
  readonly #deps: JobRunnerDeps;
  readonly #scheduler: Scheduler;

  constructor(deps: JobRunnerDeps) {
    this.#deps = deps;
    const { clock, profile, random, state } = deps;
    const onPickup = (job: WorkflowJob, runner: Runner): void => this.#start(job, runner);
    this.#scheduler = new Scheduler({ clock, profile, random, state, onPickup });
    deps.runners.listen({
      onFree: () => this.#scheduler.assign(),
      onReservationLost: (job) => this.#scheduler.enqueue(job),
      onUnreachable: (runner, job) => this.#awaitRunner(runner, job),
      onReachable: (_runner, job) => {
        if (job.isOverdue) this.#finish(job.run, [job], job.plannedConclusion);
      },
    });
  }

  /** Jobs of a gated run take the gate's status until it is released. */
  createJobs(run: Run): void {
    run.jobs = run.workflow.spec.jobs.map((spec) => this.#newJob(run, spec));
    if (run.status === 'queued') this.#openJobs(run);
    else this.#holdAtGate(run, run.status);
    if (run.jobs.length === 0) this.settleRun(run);
  }

  releaseGate(run: Run): void {
    run.status = 'queued';
    for (const job of run.jobs) job.status = 'blocked';
    this.#openJobs(run);
  }

  cancelOpenJobs(run: Run, options: { evenStubborn: boolean }): void {
    const isSpared = (job: WorkflowJob): boolean =>
      !options.evenStubborn && job.spec.ignoresCancel === true && job.status === 'in_progress';
    this.#finish(
      run,
      run.jobs.filter((job) => !isSpared(job)),
      'cancelled',
    );
  }

  endOpenJobs(run: Run, conclusion: JobConclusion): void {
    this.#finish(run, run.jobs, conclusion);
  }

  /** The run's status follows from its jobs. */
  settleRun(run: Run): void {
    if (run.status === 'completed') return;
    const { clock, events } = this.#deps;
    if (run.jobs.every((job) => job.status === 'completed')) {
      run.status = 'completed';
      run.conclusion = concludeRun(run);
      run.updatedAt = clock.now();
      events.emit({ name: 'workflow_run', action: 'completed', run });
      return;
    }
    const isBegun = run.jobs.some((job) => job.startedAt !== null);
    if (!isBegun || run.status !== 'queued') return;
    run.status = 'in_progress';
    run.updatedAt = clock.now();
    events.emit({ name: 'workflow_run', action: 'in_progress', run });
  }

  #newJob(run: Run, spec: WorkflowJobSpec): WorkflowJob {
    const labels = labelsFrom(spec.runsOn, run.inputs);
    return {
      id: this.#deps.ids.nextJobId(),
      run,
      runAttempt: run.runAttempt,
      spec,
      name: spec.name,
      labels,
      wantedLabels: labels.map((label) => label.toLowerCase()),
      durationMs: durationFrom(spec.durationMs, run.inputs),
      plannedConclusion: jobConclusionFrom(spec.conclusion ?? 'success', run.inputs),
      status: 'blocked',
      conclusion: null,
      runner: null,
      createdAt: null,
      startedAt: null,
      completedAt: null,
      isOverdue: false,
      timers: [],
    };
  }

  /** GitHub reports jobs that wait for an approval, not of those whose run waits for another. */
  #holdAtGate(run: Run, status: Run['status']): void {
    for (const job of run.jobs) {
      this.#show(job, status);
      if (status !== 'waiting') continue;
      this.#deps.events.emit({ name: 'workflow_job', action: 'waiting', job });
    }
  }

  #show(job: WorkflowJob, status: WorkflowJob['status']): void {
    job.status = status;
    job.createdAt ??= this.#deps.clock.now();
  }

  #queue(job: WorkflowJob): void {
    this.#show(job, 'queued');
    const { clock, events } = this.#deps;
    events.emit({ name: 'workflow_job', action: 'queued', job });
    job.timers.push(
      clock.after(QUEUED_JOB_LIMIT_MS, () => this.#finish(job.run, [job], 'failure')),
    );
    this.#scheduler.enqueue(job);
  }

  #start(job: WorkflowJob, runner: Runner): void {
    const { clock, runners, changes, events } = this.#deps;
    this.#cancelTimers(job);
    runners.occupy(runner, job);
    job.status = 'in_progress';
    job.runner = runner;
    job.startedAt = clock.now();
    events.emit({ name: 'workflow_job', action: 'in_progress', job });
    this.settleRun(job.run);
    changes.announce();
    const end = (): void => {
      if (runner.isOnline) this.#finish(job.run, [job], job.plannedConclusion);
      else job.isOverdue = true;
    };
    job.timers.push(clock.after(job.durationMs, end));
  }

  #awaitRunner(runner: Runner, job: WorkflowJob): void {
    const { clock, profile } = this.#deps;
    const giveUp = (): void => {
      if (!runner.isOnline) this.#finish(job.run, [job], 'failure');
    };
    job.timers.push(clock.after(profile.runnerLostMs, giveUp));
  }

  /** All of them together, so that the end of one cannot start another that ends too. */
  #finish(run: Run, jobs: readonly WorkflowJob[], conclusion: JobConclusion): void {
    const ending = jobs.filter((job) => job.status !== 'completed');
    for (const job of ending) this.#conclude(job, conclusion);
    this.#openJobs(run);
    this.settleRun(run);
    this.#deps.changes.announce();
    for (const { runner, id } of ending) {
      if (runner?.job?.id === id) this.#deps.runners.release(runner);
    }
  }

  #conclude(job: WorkflowJob, conclusion: JobConclusion): void {
    const now = this.#deps.clock.now();
    this.#cancelTimers(job);
    this.#scheduler.withdraw(job);
    job.createdAt ??= now;
    job.status = 'completed';
    job.conclusion = conclusion;
    job.completedAt = now;
    this.#deps.events.emit({ name: 'workflow_job', action: 'completed', job });
  }

  /** Queues the jobs whose needs are met, skips those whose needs have failed. */
  #openJobs(run: Run): void {
    for (let isMoving = true; isMoving; ) {
      isMoving = false;
      for (const job of run.jobs) {
        const needs = job.status === 'blocked' ? needsOf(job) : undefined;
        if (needs === undefined) continue;
        isMoving = true;
        if (needs === 'met') this.#queue(job);
        else this.#conclude(job, 'skipped');
      }
    }
  }

  #cancelTimers(job: WorkflowJob): void {
    for (const timer of job.timers) timer.cancel();
    job.timers = [];
  }
}
