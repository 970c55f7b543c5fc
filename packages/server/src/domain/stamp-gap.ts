import type { Attempt } from './attempt.ts';
import { DRIFT_MS } from './correlation/window.ts';
import { STAMP_STEP_MS } from './stamp-step.ts';

/**
 * A request may have been on its way so long before the run was made: the run of the next one may be made sooner after its
 * claim, and is stamped further off.
 */
const ON_ITS_WAY_MS = 10_000;

/** An attempt whose run is known, and what that run is stamped with. */
export type StampedRun = Pick<
  Attempt,
  'claimedAt' | 'forgeClaimedAt' | 'sendDeadline' | 'forgeSendDeadline' | 'matchedBy'
> & {
  readonly runId: string;
  /** By the clock that stamps runs. */
  readonly runCreatedAt: number;
  /** By our clock; `null`: not known. */
  readonly answeredAt: number | null;
};

export interface StampGap {
  readonly runId: string;
  /** How much earlier than its claim the run is stamped, or later than its last possible send; milliseconds. */
  readonly shownMs: number;
  readonly is: 'behind' | 'ahead';
  /** So far off stamps may be from the clock of the `Date` header. */
  readonly unsureMs: number;
}

/** The forge's clock by its `Date` headers, minus ours, as it is known now. */
export interface ClockNow {
  readonly offsetMs: number;
  readonly uncertaintyMs: number;
}

/**
 * The clock that stamps runs may be another than the one of the `Date` header: a proxy before a GitHub Enterprise Server
 * puts its own there. A run made before its own claim, or after the last moment at which its request could be answered,
 * proves it. A clock that was stepped does not: a run counts only while the forge's clock at its claim is what it is by what is
 * known now.
 *
 * @param requestTimeoutMs how long after its send deadline a request may last, where it is not known when it was answered
 * @returns the widest; `undefined`: nothing shows that there are two clocks
 */
export function findStampGap(
  runs: readonly StampedRun[],
  now: ClockNow,
  requestTimeoutMs: number,
): StampGap | undefined {
  // One that is known by its time alone is stamped as it should be, or it would not have been taken.
  const sure = runs.filter(({ matchedBy }) => matchedBy !== 'order');
  const unstepped = sure.filter((run) => !isSteppedSince(run, now));
  const gaps = unstepped.flatMap((run) => [behind(run, now), ahead(run, now, requestTimeoutMs)]);
  const shown = gaps.filter((gap) => gap !== undefined);
  return shown.sort((a, b) => b.unsureMs - a.unsureMs)[0];
}

/** Also if it was stepped before the claim, and nobody knew it yet. */
function isSteppedSince(run: StampedRun, { offsetMs, uncertaintyMs }: ClockNow): boolean {
  return Math.abs(run.claimedAt + offsetMs - run.forgeClaimedAt) > uncertaintyMs + DRIFT_MS;
}

function behind(run: StampedRun, { offsetMs, uncertaintyMs }: ClockNow): StampGap | undefined {
  const claimedAt = Math.min(run.forgeClaimedAt, run.claimedAt + offsetMs);
  const shownMs = claimedAt - run.runCreatedAt;
  if (shownMs <= uncertaintyMs + STAMP_STEP_MS) return undefined;
  const unsureMs = shownMs + uncertaintyMs + ON_ITS_WAY_MS;
  return { runId: run.runId, shownMs, is: 'behind', unsureMs };
}

function ahead(
  run: StampedRun,
  { offsetMs, uncertaintyMs }: ClockNow,
  requestTimeoutMs: number,
): StampGap | undefined {
  // One that is known by its name may be a copy that somebody started later.
  if (run.matchedBy !== 'reply') return undefined;
  const deadline = Math.max(run.forgeSendDeadline, run.sendDeadline + offsetMs);
  const answeredAt =
    run.answeredAt === null ? deadline + requestTimeoutMs : run.answeredAt + offsetMs;
  const shownMs = run.runCreatedAt - answeredAt;
  if (shownMs <= uncertaintyMs) return undefined;
  const claimedAt = Math.min(run.forgeClaimedAt, run.claimedAt + offsetMs);
  const unsureMs = run.runCreatedAt - claimedAt + uncertaintyMs;
  return { runId: run.runId, shownMs, is: 'ahead', unsureMs };
}
