import { findStampGap, type StampGap } from '../../domain/stamp-gap.ts';
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
}

/**
 * How well a moment of ours can be compared with what the forge stamps runs with. Read from the latest runs that are known for
 * sure: so it is the same for all servers, whoever saw those runs, and after a restart.
 */
export class RunStamps {
  readonly #deps: RunStampsDeps;
  #isLogged = false;
  #unsureMs = 0;
  #areAhead = false;

  constructor(deps: RunStampsDeps) {
    this.#deps = deps;
  }

  /** By the `Date` headers, as uncertain as the stamps of runs are against these. */
  async offset(): Promise<StampOffset> {
    const { forge, runs, requestTimeoutMs } = this.#deps;
    const stamped = await runs.listStamped(forge.id, RUNS_READ);
    const gap = findStampGap(stamped, forge.dateOffset(), requestTimeoutMs);
    this.#unsureMs = gap?.unsureMs ?? 0;
    this.#areAhead = gap?.is === 'ahead';
    if (gap !== undefined) this.#log(gap);
    return this.latest();
  }

  /** With the stamps as they were when they were last read. */
  latest(): StampOffset {
    const offset = this.#deps.forge.dateOffset();
    const uncertaintyMs = Math.max(offset.uncertaintyMs, this.#unsureMs);
    return { ...offset, uncertaintyMs, areStampsAhead: this.#areAhead };
  }

  #log({ runId, shownMs, is, unsureMs }: StampGap): void {
    if (this.#isLogged) return;
    this.#isLogged = true;
    const { forge, logger } = this.#deps;
    const shown =
      is === 'behind'
        ? 'a run of ours is stamped earlier than it was asked for'
        : 'a run of ours is stamped later than it was answered';
    logger.warn(
      { forgeId: forge.id, runId, shownMs, unsureMs },
      `${shown}: the clock that stamps runs is not the one of the Date header. Whatever was made within unsureMs of a lost ` +
        'answer may be its run, so such jobs take longer to settle, or end ambiguous. Keep the forge and every proxy before it by NTP, or let ' +
        'the proxy pass the forge’s Date header on (nginx: proxy_pass_header Date)',
    );
  }
}
