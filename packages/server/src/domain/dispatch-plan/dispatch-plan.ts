import type {
  CredentialAllowance,
  DispatchPlan,
  DispatchState,
  Hold,
  PendingJob,
  PlannedSend,
} from '../dispatch-state.ts';
import { type Doubt, Doubts, WaitingJobs } from '../doubt.ts';
import { compareText } from '../text-order.ts';
import { Assignment } from './assignment.ts';
import { addBits, type Bits, bitsWithout, commonBits, haveCommonBit } from './bits.ts';
import { type GroupOutcome, jobsByClass, reportGroup, type Stop } from './group-report.ts';
import { fittingOf, type Line, lineOf } from './lines.ts';
import { patienceOf } from './patience.ts';
import { GroupRoom } from './room.ts';
import { RunnerPool } from './runner-pool.ts';
import { takeTurns } from './turns.ts';

interface Progress {
  readonly line: Line;
  sends: number;
  /** Why the first job that stayed behind did. */
  stop: Stop | undefined;
  /** Runners that a job of this line waits to have enough of: those behind it leave them alone. */
  readonly awaited: Bits;
}

/** What a plan leaves to jobs that were not among the heads it was shown. */
export interface PlanRoom {
  readonly isSent: (jobId: string) => boolean;
  /** None once its cap is reached. */
  readonly ofGroup: (groupId: string) => GroupRoom;
}

/**
 * Which jobs to send now, most constrained first, and per group what stops the rest. The same for every order
 * of the input lists.
 */
export function planDispatch(state: DispatchState): DispatchPlan {
  return plannerOf(state).plan();
}

/** Of the same plan. */
export function findRoom(state: DispatchState): PlanRoom {
  return plannerOf(state).room();
}

function plannerOf(state: DispatchState): Planner {
  const planner = new Planner(state);
  planner.placeHolds(state.holds);
  const groups = state.groups.toSorted((a, b) => compareText(a.id, b.id));
  const lines = groups.map((group) => planner.addLine(lineOf(group, planner.pool)));
  const open = lines.filter(({ group }) => group.isEnabled && !group.isPaused);
  for (const isYielding of [false, true]) {
    takeTurns(open, (line, job) =>
      job.isYielding === isYielding ? planner.place(line, job) : 'next',
    );
  }
  return planner;
}

class Planner {
  readonly pool: RunnerPool;
  readonly #now: number;
  readonly #assignment: Assignment;
  readonly #allowances: ReadonlyMap<string, { readonly of: CredentialAllowance; left: number }>;
  readonly #progress = new Map<Line, Progress>();
  /** By identity: a line has one set for all repositories that the same scopes cover. */
  readonly #kinds = new Map<Bits, number>();
  readonly #jobsOfKind = new Map<number, string[]>();
  readonly #choices = new Map<number, number>();
  readonly #sends: PlannedSend[] = [];
  readonly #doubts: Doubts;
  /** Jobs that wait for an outcome: those behind them with other inputs wait, too. */
  readonly #waiting = new WaitingJobs();
  #awaitsOutcome = false;

  constructor(state: DispatchState) {
    this.#now = state.now;
    this.#doubts = new Doubts(state.doubts);
    this.pool = new RunnerPool(state.classes, state.labelCase);
    this.#assignment = new Assignment(
      this.pool.classes.map(({ free }) => free),
      this.pool.free,
    );
    this.#allowances = new Map(
      state.allowances.map((one) => [one.credentialId, { of: one, left: one.left ?? Infinity }]),
    );
  }

  addLine(line: Line): Line {
    this.#progress.set(line, { line, sends: 0, stop: undefined, awaited: this.pool.none() });
    return line;
  }

  /** As many as there is room for: those beyond it have lost their runners to others already, and take no more. */
  placeHolds(holds: readonly Hold[]): void {
    const keyed = holds.map((hold) => ({ hold, key: holdKey(hold) }));
    keyed.sort((a, b) => compareText(a.key, b.key));
    for (const { hold } of keyed) {
      const { labels, owner, repo, count, jobId } = hold;
      const fitting = commonBits(this.pool.withLabels(labels), this.pool.covering(owner, repo));
      const kind = this.#kindOf(fitting);
      this.#note(kind, jobId, this.#assignment.takeUpTo(kind, count));
    }
  }

  place(line: Line, job: PendingJob): 'next' | 'leave' {
    const progress = this.#progress.get(line);
    if (progress === undefined) return 'leave';
    if (isCapped(progress)) {
      progress.stop ??= capStop(line.group.maxParallel ?? 0, line.group.live + progress.sends);
      return 'leave';
    }
    const refusal = this.#refusal(job) ?? this.#uncertainty(job);
    // Another credential may still have some left: its owner's jobs behind this one go on.
    if (refusal !== undefined) progress.stop ??= refusal;
    else if (!this.#tryPlace(progress, job)) return this.#isUsedUp(line) ? 'leave' : 'next';
    return 'next';
  }

  #refusal(job: PendingJob): Stop | undefined {
    const allowance = this.#allowances.get(job.credentialId);
    if (allowance === undefined || allowance.left > 0) return undefined;
    const { reason, message, retryAt } = allowance.of;
    return { limit: reason ?? 'rate-limited', message, retryAt };
  }

  /** It is sent when the run of another is known that it could be taken for. */
  #uncertainty(job: PendingJob): Stop | undefined {
    const doubts = this.#doubts.list(job);
    const doubt = doubts[0] ?? this.#waiting.find(job);
    if (doubt === undefined) return undefined;
    this.#awaitsOutcome = true;
    this.#waiting.add({ ...job, jobId: job.id, claimedAt: this.#now }, doubts);
    return { limit: 'outcome-pending', message: doubtMessage(doubt), retryAt: null };
  }

  #tryPlace(progress: Progress, job: PendingJob): boolean {
    const fitting = fittingOf(progress.line, job, this.pool);
    const units = Math.max(1, job.runners);
    const kind = this.#kindOf(withoutAwaited(progress, fitting));
    if (this.#assignment.tryTake(kind, units)) {
      this.#send(progress, job, kind, units);
      return true;
    }
    progress.stop ??= { limit: 'runners', message: wideMessage(units), retryAt: null };
    if (units > 1) this.#awaitEnough(progress, job, fitting);
    return false;
  }

  /** Nobody waits for a job that could not start even if all runners that are online were free. */
  #awaitEnough(progress: Progress, job: PendingJob, fitting: Bits): void {
    const units = job.runners;
    const patience = patienceOf(this.#now - job.createdAt);
    if (patience === 'nobody' || this.pool.count(fitting).online < units) return;
    if (patience === 'all') {
      const kind = this.#kindOf(withoutAwaited(progress, fitting));
      this.#note(kind, job.id, this.#assignment.takeUpTo(kind, units));
    }
    addBits(progress.awaited, fitting);
  }

  #send(progress: Progress, job: PendingJob, kind: number, units: number): void {
    progress.sends++;
    const allowance = this.#allowances.get(job.credentialId);
    if (allowance !== undefined) allowance.left--;
    this.#note(kind, job.id, units);
    if (!job.isNamed) this.#doubts.add({ ...job, jobId: job.id, claimedAt: this.#now });
    this.#sends.push({
      jobId: job.id,
      groupId: progress.line.group.id,
      choices: this.#choices.get(kind) ?? 0,
    });
  }

  #kindOf(fitting: Bits): number {
    const known = this.#kinds.get(fitting);
    if (known !== undefined) return known;
    const usable = commonBits(fitting, this.pool.free);
    const kind = this.#assignment.kindOf(usable);
    this.#kinds.set(fitting, kind);
    if (!this.#choices.has(kind)) this.#choices.set(kind, this.pool.count(usable).free);
    return kind;
  }

  #note(kind: number, jobId: string, units: number): void {
    const jobs = this.#jobsOfKind.get(kind) ?? [];
    for (let unit = 0; unit < units; unit++) jobs.push(jobId);
    this.#jobsOfKind.set(kind, jobs);
  }

  /** No job of the line can get a runner any more, whichever its repository. */
  #isUsedUp(line: Line): boolean {
    return this.#assignment.isClosed(commonBits(line.reach, this.pool.free));
  }

  room(): PlanRoom {
    const sent = new Set(this.#sends.map(({ jobId }) => jobId));
    const byGroup = new Map([...this.#progress.values()].map((one) => [one.line.group.id, one]));
    return {
      isSent: (jobId) => sent.has(jobId),
      ofGroup: (groupId) => {
        const progress = byGroup.get(groupId);
        const isOver = progress === undefined || isCapped(progress);
        const usable = isOver ? this.pool.none() : withoutAwaited(progress, progress.line.labelled);
        return new GroupRoom(usable, this.pool, this.#assignment);
      },
    };
  }

  plan(): DispatchPlan {
    const { pool } = this;
    const assignment = this.#assignment;
    const jobsOnClass = jobsByClass(assignment, pool.classes.length, this.#jobsOfKind);
    return {
      sends: this.#sends.toSorted((a, b) => a.choices - b.choices),
      groups: [...this.#progress.values()].map((progress) =>
        reportGroup(this.#outcomeOf(progress), this.#now, { pool, assignment, jobsOnClass }),
      ),
      awaitsOutcome: this.#awaitsOutcome,
      steps: this.#assignment.steps,
    };
  }

  /** Jobs beyond the head were not looked at: where all its runners are taken, that is what stops them. */
  #outcomeOf({ line, sends, stop }: Progress): GroupOutcome {
    const { isEnabled, isPaused, pendingCount } = line.group;
    const isCut = isEnabled && !isPaused && pendingCount > line.jobs.length;
    if (stop !== undefined || !isCut || this.#assignment.isOpen(line.reach)) {
      return { line, sends, stop };
    }
    return { line, sends, stop: { limit: 'runners', message: '', retryAt: null } };
  }
}

function holdKey({ attemptId, owner, repo, labels, count }: Hold): string {
  return JSON.stringify([attemptId, owner, repo, labels, count]);
}

function withoutAwaited({ awaited }: Progress, fitting: Bits): Bits {
  return haveCommonBit(awaited, fitting) ? bitsWithout(fitting, awaited) : fitting;
}

function isCapped({ line: { group }, sends }: Progress): boolean {
  return group.maxParallel !== null && group.live + sends >= group.maxParallel;
}

function capStop(maxParallel: number, live: number): Stop {
  const message = `${live} of at most ${maxParallel} jobs of the group are under way`;
  return { limit: 'cap', message, retryAt: null };
}

function wideMessage(units: number): string {
  return units > 1 ? `the next job needs ${units} free runners at once` : '';
}

function doubtMessage({ jobId, workflowId }: Doubt): string {
  return `job ${jobId} was sent to ${workflowId} with other inputs`;
}
