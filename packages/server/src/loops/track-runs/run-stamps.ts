import type { Run } from '../../domain/attempt.ts';
import { findStampGap, type StampGap } from '../../domain/stamp-gap.ts';
import { STAMP_STEP_MS } from '../../domain/stamp-step.ts';
import type { DateOffset, Forge } from '../../forge/forge.ts';
import type { Logger } from '../../lib/logger.ts';
import type { RunStore } from '../../store/port/runs.ts';

/** A gap shows by every run, and the slowest request alone hides it: these are enough, and are read in a millisecond. */
const RUNS_READ = 100;

export interface RunStampsDeps {
  readonly forge: Pick<Forge, 'id' | 'dateOffset'>;
  readonly runs: Pick<RunStore, 'listStamped'>;
  readonly requestTimeoutMs: number;
  readonly logger: Logger;
}

/** As `DateOffset`, of the clock that stamps runs. */
export interface StampOffset extends DateOffset {
  /** It is known to be ahead of the one of the `Date` header. */
  readonly areStampsAhead: boolean;
  /** Some run of ours has shown how the two stand. Before, stamps may be off by more than `uncertaintyMs`. */
  readonly areStampsKnown: boolean;
}

export interface ListedNow {
  readonly runs: readonly Pick<Run, 'id' | 'createdAt'>[];
  /** By our clock, once the listing is there. */
  readonly now: number;
}

/**
 * How well a moment of ours can be compared with what the forge stamps runs with. Read from the latest runs that are known for
 * sure: so it is the same for all servers, whoever saw those runs, and after a restart.
 */
export class RunStamps {
  readonly #deps: RunStampsDeps;
  #isLogged = false;
  #unsureMs = 0;
  #isGapAhead = false;
  #areKnown = false;
  #listedAheadMs = 0;

  constructor(deps: RunStampsDeps) {
    this.#deps = deps;
  }

  /**
   * By the `Date` headers, as uncertain as the stamps of runs are against these.
   *
   * @param listed runs that were listed just now
   */
  async offset(listed?: ListedNow): Promise<StampOffset> {
    const { forge, runs, requestTimeoutMs } = this.#deps;
    const stamped = await runs.listStamped(forge.id, RUNS_READ);
    const gap = findStampGap(stamped, forge.dateOffset(), requestTimeoutMs);
    this.#unsureMs = gap?.unsureMs ?? 0;
    this.#isGapAhead = gap?.is === 'ahead';
    this.#areKnown = stamped.length > 0;
    if (gap !== undefined) this.#log(gap);
    if (listed !== undefined && !this.#areKnown) this.#noteListed(listed);
    return this.latest();
  }

  /**
   * They were made before they were listed: where no run of ours has shown how stamps stand, one that is stamped later does. It is kept in
   * mind until one of ours has: a little later it is in the past itself.
   */
  #noteListed({ runs, now }: ListedNow): void {
    const { offsetMs, uncertaintyMs, hadShown = -Infinity } = this.#deps.forge.dateOffset();
    const latest = runs.toSorted((a, b) => b.createdAt - a.createdAt)[0];
    if (latest === undefined) return;
    // What was made before the forge's clock was put back is ahead of it now.
    const shownMs = latest.createdAt - Math.max(now + offsetMs, hadShown);
    if (shownMs <= uncertaintyMs + STAMP_STEP_MS) return;
    const unsureMs = shownMs + uncertaintyMs + STAMP_STEP_MS;
    this.#listedAheadMs = Math.max(this.#listedAheadMs, unsureMs);
    this.#log({ runId: latest.id, shownMs, is: 'ahead', unsureMs });
  }

  /** With the stamps as they were when they were last read. */
  latest(): StampOffset {
    const offset = this.#deps.forge.dateOffset();
    const listedAheadMs = this.#areKnown ? 0 : this.#listedAheadMs;
    const uncertaintyMs = Math.max(offset.uncertaintyMs, this.#unsureMs, listedAheadMs);
    const areStampsAhead = this.#isGapAhead || listedAheadMs > 0;
    return { ...offset, uncertaintyMs, areStampsAhead, areStampsKnown: this.#areKnown };
  }

  #log({ runId, shownMs, is, unsureMs }: StampGap): void {
    if (this.#isLogged) return;
    this.#isLogged = true;
    const { forge, logger } = this.#deps;
    const shown =
      is === 'behind'
        ? 'a run of ours is stamped earlier than it was asked for'
        : 'a run is stamped later than it was answered or listed';
    logger.warn(
      { forgeId: forge.id, runId, shownMs, unsureMs },
      `${shown}: the clock that stamps runs is not the one of the Date header. Whatever was made within unsureMs of a lost ` +
        'answer may be its run, so such jobs take longer to settle, or end ambiguous. Keep the forge and every proxy before it by NTP, or let ' +
        'the proxy pass the forge’s Date header on (nginx: proxy_pass_header Date)',
    );
  }
}
