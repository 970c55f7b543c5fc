import { runMayBeMadeWithinMs } from '../../domain/correlation/window.ts';
import { planDispatch } from '../../domain/dispatch-plan/dispatch-plan.ts';
import type { DispatchPlan, PendingJob, PlannedSend } from '../../domain/dispatch-state.ts';
import type { Event } from '../../domain/event.ts';
import type { TargetPauses } from '../../domain/target-block.ts';
import type { Forge } from '../../forge/forge.ts';
import { allEnded } from '../../lib/all-ended.ts';
import { type Clock, deadlineIn } from '../../lib/clock.ts';
import { uuidv7 } from '../../lib/ids.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Wake } from '../../lib/loop.ts';
import type { Claim, CredentialOfForge, LoadedDispatchState } from '../../store/port/dispatch.ts';
import { type Store, StoreError } from '../../store/port/store.ts';
import type { LoopContext, LoopSpec } from '../leased-loop.ts';
import type { RunStamps } from '../track-runs/run-stamps.ts';
import { chooseProbe } from './choose-probe.ts';
import { CredentialBreaker } from './credential-breaker.ts';
import { DispatchGate } from './dispatch-gate.ts';
import { nextPlanAt } from './due.ts';
import { MissingFor } from './missing-for.ts';
import { PlanFreshness } from './plan-freshness.ts';
import { sendAttempt } from './send-attempt.ts';
import { SendsInFlight } from './sends-in-flight.ts';
import { untilStored } from './until-stored.ts';

export interface DispatchDeps {
  readonly forge: Forge;
  readonly stamps: RunStamps;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly intervalMs: number;
  readonly sendDeadlineMs: number;
  readonly requestTimeoutMs: number;
  readonly pickupTimeoutMs: number;
  readonly lostPickupMs: number;
  readonly runLookupTimeoutMs: number;
  /** Runners of scopes without a listing this young are not free. */
  readonly freshForMs: () => Promise<number>;
  /** Longest pause after failures of the forge, or of one workflow. */
  readonly forgeBreakerMs: number;
  readonly probeMs: number;
  readonly recheckAfterMs: number;
  readonly retryMs: number;
  readonly onCycle?: (outcome: 'ok' | 'error') => void;
  readonly onPhase?: (phase: 'load' | 'plan' | 'claim', durationMs: number) => void;
}

/** A moment that has passed and changed nothing must not spin the loop. */
const SHORTEST_DUE_WAIT_MS = 50;
/** As long as the first byte of a claimed dispatch may take: beyond that the forge's clock is asked for first. */
const MOST_UNSURE_MS = 5_000;
const TIME_ASKED_EVERY_MS = 60_000;
/** A forge that does not say in this time is asked again a minute later; claims then say how little is known. */
const LONGEST_TIME_WAIT_MS = 2_000;
/** From its first pause to its longest the breaker doubles six times. */
const FIRST_PAUSE_OF_LONGEST = 1 / 60;

/** What can give the dispatcher work. Its own claims and accepted sends cannot. */
const WAKING = new Set<Event['kind']>([
  'job.enqueued',
  'job.requeued',
  'job.returned',
  'job.resumed',
  'job.template-taken',
  'job.completed',
  'job.failed',
  'job.cancelled',
  'attempt.ended',
  'attempt.absent',
  'attempt.ambiguous',
  'attempt.refused',
  'attempt.changed',
  'runner.changed',
  'runner.gone',
  'scope.observed',
  'group.resumed',
  'group.synced',
  'target.cleared',
  'credential.changed',
]);

/** After these the run of a sending is known: what waited for its outcome may go. */
const SETTLING = new Set<Event['kind']>(['attempt.accepted', 'attempt.found']);

/**
 * Assigns all free runners to pending jobs. Claims are made one by one, each directly before its send;
 * sends overlap.
 */
export class DispatchLoop {
  readonly #deps: DispatchDeps;
  readonly #breaker: CredentialBreaker;
  readonly #gate: DispatchGate;
  readonly #pauses: TargetPauses;
  readonly #sends: SendsInFlight;
  readonly #freshness: PlanFreshness;
  readonly #missingFor: MissingFor;
  /** Groups that waited for a runner when the last plan found none; empty while the next one is made. */
  #starved: ReadonlySet<string> = new Set();
  /** The last plan left a job behind until the outcome of another is known. */
  #awaitsOutcome = true;
  #acceptedAt: number | null = null;
  /** Monotonic. */
  #timeAskedAt = -Infinity;
  #cancelDue: () => void = () => undefined;

  constructor(deps: DispatchDeps) {
    this.#deps = deps;
    const { probeMs, recheckAfterMs: recheckMs, forgeBreakerMs: longestMs } = deps;
    const firstMs = longestMs * FIRST_PAUSE_OF_LONGEST;
    this.#sends = new SendsInFlight(deps.clock);
    this.#freshness = new PlanFreshness(deps.clock);
    this.#missingFor = new MissingFor(deps.clock);
    this.#breaker = new CredentialBreaker(deps.clock, { firstMs, longestMs });
    this.#gate = new DispatchGate({ ...deps, breaker: this.#breaker });
    this.#pauses = { probeMs, recheckMs, firstFailureMs: firstMs, longestFailureMs: longestMs };
  }

  get spec(): LoopSpec {
    return {
      name: `dispatch:${this.#deps.forge.id}`,
      everyMs: this.#deps.intervalMs,
      onEvent: (event) => {
        this.#freshness.note(event);
        if (event.kind === 'attempt.accepted') this.#acceptedAt = event.at;
        return this.#givesWork(event) ? 'wake' : 'ignore';
      },
      tick: (context) => this.#cycle(context),
      drain: () => this.#drain(),
    };
  }

  #givesWork(event: Event): boolean {
    if (this.#awaitsOutcome && SETTLING.has(event.kind)) return true;
    return WAKING.has(event.kind) && !this.#changesNothing(event);
  }

  /** One more job in a line that no runner serves: a runner that comes or is freed wakes us by itself. */
  #changesNothing({ kind, groupId }: Event): boolean {
    return kind === 'job.enqueued' && groupId !== null && this.#starved.has(groupId);
  }

  async #drain(): Promise<void> {
    this.#cancelDue();
    await this.#sends.drain();
  }

  async #cycle(context: LoopContext): Promise<void> {
    try {
      await this.#planAndSend(context);
      this.#deps.onCycle?.('ok');
    } catch (error) {
      this.#deps.onCycle?.('error');
      throw error;
    }
  }

  async #planAndSend(context: LoopContext): Promise<void> {
    const { store, requestTimeoutMs } = this.#deps;
    const expired = store.dispatch.expireClaims(context.fence, requestTimeoutMs);
    const [freshForMs] = await allEnded([this.#deps.freshForMs(), expired]);
    this.#freshness.begin();
    this.#starved = new Set();
    // Until it is known: one that is settled while the plan is made must not be missed.
    this.#awaitsOutcome = true;
    const state = await this.#load(context, freshForMs);
    const plan = await this.#timed('plan', () => this.#plan(state));
    this.#freshness.noteMade();
    // What it says is for people: they must not keep the jobs waiting.
    const [limitedUntil] = await allEnded([
      this.#sendAll(context, state, plan),
      store.dispatch.savePlans(context.fence, plan.groups),
    ]);
    this.#wakeWhenDue(context.wake, state, plan, limitedUntil);
    this.#starved = starvedIn(plan);
    this.#awaitsOutcome = plan.awaitsOutcome;
  }

  /**
   * A run whose answer is lost is looked for around its claim, on the forge's clock. After a clock was put forward or
   * back nobody knows that clock before its next answer. A forge that never shows its time is not asked at each plan.
   */
  async #learnForgeTime(context: LoopContext): Promise<void> {
    await this.#askForgeTime(context);
    await this.#deps.stamps.offset();
  }

  async #askForgeTime({ signal }: LoopContext): Promise<void> {
    const { forge, clock } = this.#deps;
    if (forge.dateOffset().uncertaintyMs <= MOST_UNSURE_MS) return;
    if (clock.monotonic() - this.#timeAskedAt < TIME_ASKED_EVERY_MS) return;
    this.#timeAskedAt = clock.monotonic();
    const cut = new AbortController();
    const slow = clock.sleep(LONGEST_TIME_WAIT_MS, cut.signal);
    await Promise.race([forge.ensureConnected(signal), slow]);
    cut.abort();
  }

  async #timed<T>(phase: 'load' | 'plan' | 'claim', work: () => T | Promise<T>): Promise<T> {
    const { clock, onPhase } = this.#deps;
    const startedAt = clock.monotonic();
    const result = await work();
    onPhase?.(phase, clock.monotonic() - startedAt);
    return result;
  }

  async #load(context: LoopContext, freshForMs: number): Promise<LoadedDispatchState> {
    const { store, forge, pickupTimeoutMs, lostPickupMs } = this.#deps;
    const state = await this.#timed('load', () =>
      store.dispatch.loadState({
        forgeId: forge.id,
        labelCase: forge.can.labelCase,
        credential: credentialOf(forge),
        freshForMs,
        pickupTimeoutMs,
        lostPickupMs,
        acceptedAt: this.#acceptedAt,
        offsetMs: forge.dateOffset().offsetMs,
        runMayBeMadeWithinMs: runMayBeMadeWithinMs(this.#deps),
      }),
    );
    await store.dispatch.recordHoldsEnded(state.endedHolds);
    await store.dispatch.recordDisplaced(state.displaced);
    for (const { jobId, missing } of state.undispatchable) {
      const message = `${missing.join(', ')}: missing in both the job and its template; set it and add the job again`;
      await store.dispatch.failUndispatchable(context.fence, jobId, message);
    }
    return state;
  }

  #plan(state: LoadedDispatchState): DispatchPlan {
    const plan = planDispatch({ ...state, allowances: [this.#gate.check()] });
    const besideProbe = this.#gate.checkBesideProbe();
    if (besideProbe === undefined || plan.sends.length === 0) return plan;
    const { groups } = planDispatch({ ...state, allowances: [besideProbe] });
    const sends = chooseProbe(plan.sends, jobsIn(state), (job) => this.#breaker.failedAt(job));
    return { ...plan, groups, sends };
  }

  /** @returns when the gate that stopped it opens again, if it did and that is known */
  async #sendAll(
    context: LoopContext,
    state: LoadedDispatchState,
    plan: DispatchPlan,
  ): Promise<number | null> {
    if (plan.sends.length === 0) return null;
    await this.#learnForgeTime(context);
    const jobs = jobsIn(state);
    let choices = plan.sends[0]?.choices;
    for (const send of plan.sends) {
      const job = jobs.get(send.jobId);
      if (job === undefined) continue;
      // The forge gives runners out in the order in which runs are made. One sent a moment later but made first would take
      // the only runner that fits a more constrained job, and leave the runner planned for it idle.
      if (send.choices !== choices) await this.#sends.untilAnswered();
      choices = send.choices;
      if (!context.mayGoOn()) return null;
      if (!this.#freshness.mayGoOn()) {
        context.wake.notify();
        return null;
      }
      const taken = await this.#gate.take(job.owner);
      if (!taken.isTaken) return taken.retryAt;
      await this.#sendOne(context, send);
    }
    return null;
  }

  async #sendOne(context: LoopContext, send: PlannedSend): Promise<void> {
    const { clock, sendDeadlineMs } = this.#deps;
    // Before the claim: ours must never be later than the one that is written.
    const deadline = deadlineIn(clock, sendDeadlineMs);
    const claim = await this.#claim(context, send.jobId);
    if (claim === undefined) return;
    const kept = { breaker: this.#breaker, pauses: this.#pauses, missingFor: this.#missingFor };
    const deps = { ...this.#deps, ...kept };
    this.#sends.add(
      sendAttempt(deps, claim, deadline, context.signal).then(() => this.#noteRecovery(context)),
    );
  }

  /** What failed beside all others while the forge did is tried again, and not only when its own pause is over. */
  async #noteRecovery({ signal, wake }: LoopContext): Promise<void> {
    if (!this.#breaker.takeRecovery()) return;
    const { store, forge } = this.#deps;
    await untilStored(this.#deps, 'end of a failure of the forge', signal, async () => {
      await store.dispatch.releaseFailing(forge.id, this.#breaker.listOwnLimited());
    });
    wake.notify();
  }

  async #claim(context: LoopContext, jobId: string): Promise<Claim | undefined> {
    const { store, forge, stamps, clock, sendDeadlineMs, probeMs } = this.#deps;
    const attemptId = uuidv7(clock.now());
    try {
      const credential = credentialOf(forge);
      return await this.#timed('claim', () =>
        store.dispatch.claim(context.fence, {
          jobId,
          attemptId,
          credential,
          sendDeadlineMs,
          ...stamps.latest(),
          runMayBeMadeWithinMs: runMayBeMadeWithinMs(this.#deps),
          probeMs,
        }),
      );
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'outcome-unknown') throw error;
      // It may have been committed, and nothing will be sent for it.
      const givingBack = untilStored(this.#deps, 'claim to give back', context.signal, async () => {
        await store.dispatch.giveBack(attemptId, 'the claim’s commit was not confirmed');
      });
      this.#sends.add(givingBack);
      throw error;
    }
  }

  /** What becomes possible by time alone is not left to the interval. */
  #wakeWhenDue(
    wake: Wake,
    state: LoadedDispatchState,
    plan: DispatchPlan,
    limitedUntil: number | null,
  ): void {
    const { clock } = this.#deps;
    this.#cancelDue();
    const { nextDueAt } = state;
    const gateOpensAt = this.#gate.nextAt();
    const dueAt = nextPlanAt({ nextDueAt, groups: plan.groups, limitedUntil, gateOpensAt });
    if (dueAt === null) return;
    const waitMs = Math.max(SHORTEST_DUE_WAIT_MS, dueAt - clock.now());
    this.#cancelDue = clock.after(Math.min(waitMs, this.#deps.intervalMs), () => {
      wake.notify();
    });
  }
}

function jobsIn({ groups }: LoadedDispatchState): Map<string, PendingJob> {
  return new Map(groups.flatMap(({ head }) => head.map((job) => [job.id, job])));
}

function starvedIn({ groups }: DispatchPlan): Set<string> {
  const starved = groups.filter(
    // Whether a listing has ended their staleness is decided by the clock of who stores it, which may differ from ours.
    ({ free, limit, isStale }) => free === 0 && limit !== null && !isStale,
  );
  return new Set(starved.map(({ groupId }) => groupId));
}

function credentialOf(forge: Forge): CredentialOfForge {
  const { id: credentialId, budgetId, actor } = forge.credentialFor('dispatch');
  return { credentialId, budgetId, actor };
}
