import { createHash } from 'node:crypto';
import type { Changes } from '../changes.ts';
import type { SimClock } from '../clock.ts';
import type { ForgeIds } from '../ids.ts';
import type { Profile } from '../profiles.ts';
import type { Random } from '../random.ts';
import { endsAtOnce, jobConclusionFor } from './conclusions.ts';
import { ConcurrencyGroups, concurrencyGroupOf } from './concurrency-groups.ts';
import type { ForgeEvents } from './forge-events.ts';
import { fillExpressions, runConclusionFrom } from './from-input.ts';
import type { JobRunner } from './jobs.ts';
import type { RunConclusion } from './spec.ts';
import type { Account, Run, Workflow, WorldState } from './state.ts';

export interface RunsDeps {
  clock: SimClock;
  changes: Changes;
  events: ForgeEvents;
  ids: ForgeIds;
  profile: Profile;
  random: Random;
  state: WorldState;
  jobs: JobRunner;
}

export interface DispatchRequest {
  workflow: Workflow;
  ref: string;
  inputs: Readonly<Record<string, string>>;
  actor: Account;
  requestId: number;
}

/** What happens to whole runs: made, seen, cancelled, forced, re-run, deleted. */
export class Runs {
  readonly #deps: RunsDeps;
  readonly #groups = new ConcurrencyGroups();
  #visibilityDelayMs: number | undefined;

  constructor(deps: RunsDeps) {
    this.#deps = deps;
  }

  /** Searches over runs show none, as GitHub's index has done for hours; reading them plainly does. */
  isSearchBlind = false;

  /** From now on; overrides the profile. */
  setVisibilityDelay(delayMs: number): void {
    this.#visibilityDelayMs = delayMs;
  }

  dispatch(request: DispatchRequest): Run {
    const { clock, state, changes, events } = this.#deps;
    const run = this.#newRun(request);
    state.runs.set(run.id, run);
    clock.after(run.visibleAt - clock.now(), () => {
      run.isVisible = true;
      changes.announce();
    });
    // Once only: docs.github.com says of this action that a re-run does not cause it.
    events.emit({ name: 'workflow_run', action: 'requested', run });
    this.#begin(run);
    return run;
  }

  /** False: it has ended already. */
  tryCancel(run: Run): boolean {
    if (run.status === 'completed') return false;
    const { clock, profile, random, changes, jobs } = this.#deps;
    run.cancelRequestedAt ??= clock.now();
    changes.announce();
    const cancelMs = random.within(profile.cancelMs);
    clock.after(cancelMs, () => jobs.cancelOpenJobs(run, { evenStubborn: false }));
    return true;
  }

  /** Ends also jobs that ignore a cancel, at once. False: it has ended already. */
  tryForceCancel(run: Run): boolean {
    if (run.status === 'completed') return false;
    run.cancelRequestedAt ??= this.#deps.clock.now();
    this.#deps.jobs.cancelOpenJobs(run, { evenStubborn: true });
    return true;
  }

  /** Ends the run now, whatever it was doing. */
  complete(run: Run, conclusion: RunConclusion): void {
    if (run.status === 'completed') throw new Error(`forge-sim: run ${String(run.id)} has ended`);
    run.forcedConclusion = conclusion;
    this.#deps.jobs.endOpenJobs(run, jobConclusionFor(conclusion));
  }

  /** Of any run that has ended: the next of its concurrency group begins. */
  noteEnded(run: Run): void {
    const next = this.#groups.leave(run);
    if (next === undefined) return;
    next.status = next.workflow.spec.gate ?? 'queued';
    next.updatedAt = this.#deps.clock.now();
    this.#deps.jobs.createJobs(next);
  }

  releaseGate(run: Run): void {
    if (this.#groups.isWaiting(run)) {
      throw new Error(`forge-sim: run ${String(run.id)} waits for its concurrency group`);
    }
    if (!['waiting', 'pending', 'requested'].includes(run.status)) {
      throw new Error(`forge-sim: run ${String(run.id)} stands at no gate, it is ${run.status}`);
    }
    run.updatedAt = this.#deps.clock.now();
    this.#deps.jobs.releaseGate(run);
    this.#deps.changes.announce();
  }

  /** The next attempt of a run that has ended: same id, new jobs. */
  rerun(run: Run): void {
    if (run.status !== 'completed') {
      throw new Error(`forge-sim: run ${String(run.id)} cannot be re-run, it is ${run.status}`);
    }
    const now = this.#deps.clock.now();
    const { attemptAt, updatedAt, conclusion } = run;
    run.earlierAttempts.push({ attemptAt, updatedAt, conclusion });
    run.runAttempt += 1;
    run.attemptAt = now;
    run.updatedAt = now;
    run.status = 'queued';
    run.conclusion = null;
    run.cancelRequestedAt = null;
    run.forcedConclusion = null;
    run.earlierJobs.push(...run.jobs);
    run.jobs = [];
    this.#begin(run);
  }

  delete(run: Run): void {
    run.deletedAt ??= this.#deps.clock.now();
    this.#deps.jobs.endOpenJobs(run, 'cancelled');
  }

  #newRun({ workflow, ref, inputs, actor, requestId }: DispatchRequest): Run {
    const { clock, ids, profile, random } = this.#deps;
    const now = clock.now();
    const { spec } = workflow;
    workflow.lastRunNumber += 1;
    return {
      id: ids.nextRunId(),
      workflow,
      runNumber: workflow.lastRunNumber,
      runAttempt: 1,
      ref,
      inputs,
      title: fillExpressions(spec.runName ?? workflow.name, { inputs }),
      actor,
      concurrencyGroup: concurrencyGroupOf({ workflow, ref, inputs }),
      headSha: createHash('sha1')
        .update(`${String(workflow.repo.id)} ${ref}`)
        .digest('hex'),
      createdAt: now,
      attemptAt: now,
      updatedAt: now,
      visibleAt: now + (this.#visibilityDelayMs ?? random.within(profile.visibleMs)),
      isVisible: false,
      createdByRequest: requestId,
      status: spec.gate ?? 'queued',
      conclusion: null,
      forcedConclusion: null,
      plannedConclusion:
        spec.runConclusion === undefined ? null : runConclusionFrom(spec.runConclusion, inputs),
      jobs: [],
      earlierJobs: [],
      earlierAttempts: [],
      cancelRequestedAt: null,
      deletedAt: null,
    };
  }

  /** Nobody asked for it: `cancelRequestedAt` stays null. */
  #cancelForGroup(run: Run): void {
    const { clock, profile, random, jobs } = this.#deps;
    run.forcedConclusion = 'cancelled';
    const cancelMs = random.within(profile.cancelMs);
    clock.after(cancelMs, () => jobs.cancelOpenJobs(run, { evenStubborn: false }));
  }

  /** A run that waits for its group has no workflow jobs yet. */
  #begin(run: Run): void {
    const { jobs, changes } = this.#deps;
    if (endsAtOnce(run.plannedConclusion)) jobs.settleRun(run);
    else {
      const { mayBegin, cancelled } = this.#groups.enter(run);
      if (mayBegin) jobs.createJobs(run);
      else run.status = 'pending';
      for (const other of cancelled) this.#cancelForGroup(other);
    }
    changes.announce();
  }
}
