import type { Event } from '../../domain/event.ts';
import type { Clock } from '../../lib/clock.ts';

/**
 * Whether a plan may still be sent by. What takes a runner away once it was begun overtakes it: it is made anew rather than
 * sending to a runner that is no longer free. But where runners change all the time each plan is overtaken before its first
 * job is sent, and nothing would ever go: after one that was lost so, the next is sent by for as long as it took to make.
 * What that costs at worst is a run that waits for its runner.
 */
export class PlanFreshness {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #isOvertaken = false;
  /** The plan before was lost with nothing sent by it. */
  #isOwed = false;
  #isUsed = false;
  #begunAt = 0;
  #madeAt = 0;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  note(event: Pick<Event, 'kind' | 'data'>): void {
    if (takesRunner(event)) this.#isOvertaken = true;
  }

  /** Before what the plan is made of is read. */
  begin(): void {
    this.#isOvertaken = false;
    if (this.#isUsed) this.#isOwed = false;
    this.#isUsed = false;
    this.#begunAt = this.#clock.monotonic();
  }

  /** The plan is made, and sending begins. */
  noteMade(): void {
    this.#madeAt = this.#clock.monotonic();
  }

  /** Asked before each job that is sent; false: it is for the next plan. */
  mayGoOn(): boolean {
    if (!this.#isOvertaken || (this.#isOwed && this.#hasTime())) {
      this.#isUsed = true;
      return true;
    }
    this.#isOwed = !this.#isUsed;
    return false;
  }

  #hasTime(): boolean {
    const tookMs = this.#madeAt - this.#begunAt;
    return !this.#isUsed || this.#clock.monotonic() - this.#madeAt < tookMs;
  }
}

interface ShownRunner {
  readonly status: string;
  readonly isBusy: boolean;
  readonly labels: readonly string[];
}

/** An attempt may have begun to keep a runner for its run. A runner that came or was freed takes nothing away. */
function takesRunner({ kind, data }: Pick<Event, 'kind' | 'data'>): boolean {
  if (kind !== 'runner.changed') return kind === 'runner.gone' || kind === 'attempt.changed';
  const { from, to } = data as { readonly from: ShownRunner | null; readonly to: ShownRunner };
  if (from === null || !isFree(from)) return false;
  return !isFree(to) || JSON.stringify(from.labels) !== JSON.stringify(to.labels);
}

function isFree({ status, isBusy }: ShownRunner): boolean {
  return status === 'online' && !isBusy;
}
