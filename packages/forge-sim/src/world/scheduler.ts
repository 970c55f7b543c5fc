import type { SimClock } from '../clock.ts';
import type { Profile } from '../profiles.ts';
import type { Random } from '../random.ts';
import { isRunnerFree, runnerHasLabels, scopeCoversRepo } from './matching.ts';
import type { Runner, WorkflowJob, WorldState } from './state.ts';

export interface SchedulerDeps {
  clock: SimClock;
  profile: Profile;
  /** Draws which of several fitting runners takes a job, and how long the pickup takes. */
  random: Random;
  state: WorldState;
  onPickup: (job: WorkflowJob, runner: Runner) => void;
}

/**
 * Gives queued workflow jobs to runners: first come, first served, to any free runner that fits.
 * Which of them is the forge's choice, as on GitHub; nobody outside may count on one.
 */
export class Scheduler {
  readonly #deps: SchedulerDeps;
  /** In order of job id, which is the order of their queueing. */
  readonly #queue: WorkflowJob[] = [];
  readonly #reservations = new Map<WorkflowJob, Runner>();
  #isAssigning = false;
  #shouldRunAgain = false;

  constructor(deps: SchedulerDeps) {
    this.#deps = deps;
  }

  /** Also puts a job back that lost its runner before the pickup: it keeps its place. */
  enqueue(job: WorkflowJob): void {
    const index = this.#queue.findLastIndex((other) => other.id < job.id);
    this.#queue.splice(index + 1, 0, job);
    this.assign();
  }

  withdraw(job: WorkflowJob): void {
    const index = this.#queue.indexOf(job);
    if (index !== -1) this.#queue.splice(index, 1);
    const runner = this.#reservations.get(job);
    this.#reservations.delete(job);
    if (runner?.reservedFor === job) runner.reservedFor = null;
  }

  assign(): void {
    // A pickup without delay ends here again; one pass at a time keeps the order.
    this.#shouldRunAgain = true;
    if (this.#isAssigning) return;
    this.#isAssigning = true;
    try {
      while (this.#shouldRunAgain) {
        this.#shouldRunAgain = false;
        this.#assignOnce();
      }
    } finally {
      this.#isAssigning = false;
    }
  }

  #assignOnce(): void {
    if (this.#queue.length === 0) return;
    const free = [...this.#deps.state.runners.values()].filter(isRunnerFree);
    // Free runners only get fewer in a pass: what found none finds none later either.
    const hopeless = new Set<string>();
    for (const job of [...this.#queue]) {
      if (free.length === 0) return;
      // The pickup of an earlier job may have ended this one.
      if (job.status !== 'queued') continue;
      const kind = `${String(job.run.workflow.repo.id)} ${job.wantedLabels.join(' ')}`;
      if (hopeless.has(kind)) continue;
      const fitting = free.filter((runner) => isRunnerFree(runner) && fits(runner, job));
      const runner = this.#deps.random.pick(fitting);
      if (runner === undefined) hopeless.add(kind);
      else {
        free.splice(free.indexOf(runner), 1);
        this.#reserve(job, runner);
      }
    }
  }

  #reserve(job: WorkflowJob, runner: Runner): void {
    const { clock, profile, random, onPickup } = this.#deps;
    this.#queue.splice(this.#queue.indexOf(job), 1);
    runner.reservedFor = job;
    this.#reservations.set(job, runner);
    clock.after(random.within(profile.pickupMs), () => {
      if (runner.reservedFor !== job) return;
      this.#reservations.delete(job);
      onPickup(job, runner);
    });
  }
}

function fits(runner: Runner, job: WorkflowJob): boolean {
  return scopeCoversRepo(runner.scope, job.run.workflow.repo) && runnerHasLabels(runner, job);
}
