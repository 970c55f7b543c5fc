import type { Job } from '@dispatchoor/api-contract';
import type { LedgerRequest, LedgerRun } from '@dispatchoor/forge-sim';
import { sqlite, World } from '../../harness/world.ts';
import { type TargetAnswer, type TargetCall, targetForge, targetGroups } from './target-calls.ts';

const MINUTE_MS = 60_000;
/** Of the forge's time: longer than anything is waited for, such as runs that cannot be looked for. */
const STRIKES_FOR_MS = 75 * MINUTE_MS;
/** Once the target works again: the longest stop and the longest pause after it, and an hour without a look that succeeds. */
const SETTLES_WITHIN_MS = 150 * MINUTE_MS;
const GOOD_EVERY_MS = 7 * MINUTE_MS;
const BAD_EVERY_MS = 20 * MINUTE_MS;
const TWIN_AFTER_MS = 8 * MINUTE_MS;
/** A limit stops the credential for a quarter of an hour at most, and the first stops come close together. */
const LONGEST_WAIT_MS = 32 * MINUTE_MS;
/** Pauses that did not grow with the stops would keep good jobs waiting for longer than this on average. */
const MEAN_WAIT_MS = 5 * MINUTE_MS;
/** Where each stop is a long one: half of the time is the others' once pauses are as long, from the second on. */
const MEAN_WAIT_OF_LONG_STOPS_MS = 8 * MINUTE_MS;
/** Of the credential's 5,000 an hour. */
const MOST_CALLS_A_MINUTE = 30;

/** As long as by default: those of the harness are quick. */
const WAITS = {
  auth: { session_ttl: '240h' },
  github: { poll_interval: '60s' },
  dispatcher: {
    interval: '30s',
    tracking_interval: '30s',
    recheck_after: '60s',
    pickup_timeout: '15m',
  },
};

export interface TargetStrike {
  readonly met: number;
  readonly jobs: number;
  readonly meanWaitS: number;
  readonly longestWaitS: number;
  readonly calls: number;
}

interface Added {
  readonly id: string;
  readonly note: string;
  readonly templateId: string;
  readonly at: number;
}

/** One target answers one of its calls so each time: whatever else there is goes on, and its own jobs end once it works again. */
export async function strikeTarget(call: TargetCall, answer: TargetAnswer): Promise<TargetStrike> {
  const config = { groups: targetGroups, ...WAITS };
  const world = await World.start({ database: sqlite, forge: targetForge, config });
  try {
    await world.login();
    return await new Strike(world, call, answer).run();
  } finally {
    await world.close();
  }
}

class Strike {
  readonly #world: World;
  readonly #call: TargetCall;
  readonly #answer: TargetAnswer;
  readonly #added: Added[] = [];

  constructor(world: World, call: TargetCall, answer: TargetAnswer) {
    this.#world = world;
    this.#call = call;
    this.#answer = answer;
  }

  async run(): Promise<TargetStrike> {
    const { sim } = this.#world;
    await this.#prepare();
    const from = sim.clock.now();
    await this.#addJobsUntil(from + STRIKES_FOR_MS);
    const met = this.#met();
    const minutes = (sim.clock.now() - from) / MINUTE_MS;
    const calls = sim.ledger().requests.filter(({ at }) => at >= from).length;
    sim.clearFaults();
    await this.#settle();
    const wrong = await this.#findWrong();
    const waits = this.#waitsOfGood();
    const meanMs = waits.reduce((sum, ms) => sum + ms, 0) / waits.length;
    if (met === 0 && this.#answer.fault.probability === undefined)
      wrong.push('the call was never made');
    if (meanMs > meanBoundOf(this.#answer)) wrong.push(`good jobs waited ${meanMs} ms on average`);
    if (Math.max(...waits) > LONGEST_WAIT_MS)
      wrong.push(`a good job waited ${Math.max(...waits)} ms`);
    if (calls > MOST_CALLS_A_MINUTE * minutes) wrong.push(`${calls} calls in ${minutes} minutes`);
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
    const [meanWaitS, longestWaitS] = [meanMs, Math.max(...waits)].map((ms) =>
      Math.round(ms / 1_000),
    );
    return {
      met,
      jobs: this.#added.length,
      meanWaitS: meanWaitS ?? 0,
      longestWaitS: longestWaitS ?? 0,
      calls,
    };
  }

  /** A run that is under way, and one whose answer is lost, before the target begins to fail. */
  async #prepare(): Promise<void> {
    const { api, sim } = this.#world;
    const { on, target, templateId, cancels } = this.#call;
    const running = await this.#add(cancels ?? templateId, 40 * MINUTE_MS);
    await this.#world.job(running, 'running');
    if (on !== 'dispatch' && on !== 'repoGet') {
      sim.addFault({ on: 'dispatch', kind: 'reset-after' });
      await this.#add(templateId);
      await this.#world.forge('it is sent', ({ requests }) =>
        requests.some(({ fault }) => fault !== undefined),
      );
    }
    sim.addFault({ on, ...target, ...this.#answer.fault, times: 'always' });
    if (this.#call.with !== undefined) sim.addFault(this.#call.with);
    if (cancels !== undefined) await api.cancel(running);
  }

  async #addJobsUntil(end: number): Promise<void> {
    const { clock } = this.#world.sim;
    const twinAt = clock.now() + TWIN_AFTER_MS;
    let [goodAt, badAt] = [clock.now(), clock.now()];
    let isTwinDue = this.#call.twin !== undefined;
    while (clock.now() < end) {
      if (goodAt <= clock.now()) {
        goodAt += GOOD_EVERY_MS;
        await this.#add('good');
      }
      if (badAt <= clock.now()) {
        badAt += BAD_EVERY_MS;
        for (const templateId of this.#badTemplates()) await this.#add(templateId);
      }
      if (isTwinDue && twinAt <= clock.now()) {
        isTwinDue = false;
        this.#strikeTwin();
      }
      const next = Math.min(goodAt, badAt, end);
      await this.#world.passTimeUntil('time', () => clock.now() >= next, { mayBeStale: true });
    }
  }

  #badTemplates(): string[] {
    const { templateId, twin } = this.#call;
    return twin === undefined ? [templateId] : [templateId, twin.templateId];
  }

  #strikeTwin(): void {
    const { on, twin } = this.#call;
    if (twin === undefined) return;
    const { templateId: _, ...target } = twin;
    this.#world.sim.addFault({ on, ...target, ...this.#answer.fault, times: 'always' });
  }

  async #settle(): Promise<void> {
    const { api, sim } = this.#world;
    const end = sim.clock.now() + SETTLES_WITHIN_MS;
    const isSettled = async (): Promise<boolean> =>
      sim.clock.now() >= end || (await api.queue('linux')).length === 0;
    await this.#world.passTimeUntil('all jobs end', isSettled, { mayBeStale: true });
  }

  async #add(templateId: string, durationMs = 30_000): Promise<string> {
    const { api, sim } = this.#world;
    const note = `${templateId} ${this.#added.length}`;
    const inputs = { note, 'duration-ms': String(durationMs) };
    const { id } = await api.enqueue('linux', { template_id: templateId, inputs });
    this.#added.push({ id, note, templateId, at: sim.clock.now() });
    return id;
  }

  #met(): number {
    const isMet = ({ endpoint, fault }: LedgerRequest): boolean =>
      endpoint === this.#call.on && fault !== undefined;
    return this.#world.sim.ledger().requests.filter(isMet).length;
  }

  #waitsOfGood(): number[] {
    const runs = this.#runsByNote();
    const good = this.#added.filter(({ templateId }) => templateId === 'good');
    return good.map(({ note, at }) => (runs.get(note)?.[0]?.createdAt ?? Infinity) - at);
  }

  #runsByNote(): Map<string, LedgerRun[]> {
    return Map.groupBy(this.#world.sim.ledger().runs, ({ inputs }) => inputs['note'] ?? '');
  }

  async #findWrong(): Promise<string[]> {
    const runs = this.#runsByNote();
    const wrong: string[] = [];
    for (const { id, note, templateId } of this.#added) {
      const job = await this.#world.api.job(id);
      const problem = problemOf(job, runs.get(note) ?? [], templateId === 'good');
      if (problem !== undefined) wrong.push(`${note}: ${problem}`);
    }
    return wrong;
  }
}

function meanBoundOf({ fault }: TargetAnswer): number {
  return (fault.retryAfterS ?? 0) > 60 ? MEAN_WAIT_OF_LONG_STOPS_MS : MEAN_WAIT_MS;
}

function problemOf(job: Job, runs: readonly LedgerRun[], isGood: boolean): string | undefined {
  const [run] = runs;
  if (runs.length > 1) return `has ${runs.length} runs`;
  if (job.completed_at === null) return `is ${job.status}`;
  if (isGood && job.status !== 'completed') return `${job.status}: ${job.error_message}`;
  if (job.status !== 'completed') return undefined;
  const isItsOwn = run?.id === job.run_id && run.conclusion === 'success';
  return isItsOwn
    ? undefined
    : `is completed by run ${job.run_id}, its run is ${run?.id} ${run?.conclusion}`;
}
