import { CLAIMED_AT } from '../../domain/attempt.testkit.ts';
import { type Attempt, isWatched, type Run } from '../../domain/attempt.ts';
import { ForgeError, type ForgeErrorCode } from '../../forge/forge.ts';
import type { RunStore } from '../../store/port/runs.ts';
import { type ResolveDeps, resolveAttempts, resolveUnlisted } from './resolve-attempts.ts';
import { DeletedRuns } from './standing-listing.ts';

const timing = {
  requestTimeoutMs: 30_000,
  runLookupTimeoutMs: 300_000,
  recheckAfterMs: 60_000,
};

const isByTimeIn =
  (state: Attempt['state']) =>
  (one: Attempt): boolean =>
    one.state === state && one.matchedBy === 'order';

export interface Seen {
  readonly offsetMs?: number;
  readonly uncertaintyMs?: number;
  readonly createdSince?: number;
  /** By a plain listing; `null`: it is not asked for now. */
  readonly plain?: readonly Run[] | null;
  readonly isComplete?: boolean;
  readonly isPlainComplete?: boolean;
  readonly namedCommits?: readonly string[];
  /** Of attempts that have ended. */
  readonly endedIds?: readonly string[];
  /** Told when it is listed again; until then it is what the attempts say. */
  readonly renamedTo?: string;
  readonly isRenamedBefore?: boolean;
  /** Its runs cannot be listed. */
  readonly isUnlisted?: boolean;
  /** By replies to attempts of this repository, claimed so long after `CLAIMED_AT`. */
  readonly named?: Readonly<Record<string, number>>;
  /** Of those, the ones that go on. */
  readonly liveIds?: readonly string[];
  /** Default: new for each. */
  readonly deletedRuns?: DeletedRuns;
  /** By webhooks. */
  readonly told?: readonly Run[];
  /** What those are like when they are read by their ids, or how that fails; default: as they were told. */
  readonly read?: Readonly<Record<string, Run | ForgeErrorCode>>;
}

/** @returns what is said and done, in order */
export async function resolve(
  attempts: Attempt[],
  runs: Run[],
  atMs: number,
  {
    offsetMs = 0,
    uncertaintyMs = 0,
    createdSince = CLAIMED_AT - 60_000,
    plain = runs,
    isComplete = true,
    isPlainComplete = true,
    namedCommits = [],
    endedIds = [],
    renamedTo = 'bot',
    isRenamedBefore = false,
    isUnlisted = false,
    told: deliveredRuns = [],
    named = {},
    liveIds = [],
    deletedRuns = new DeletedRuns(),
    read = {},
  }: Seen = {},
) {
  let actorNow = isRenamedBefore ? renamedTo : 'bot';
  const told: string[] = [];
  const say = (text: string) => {
    told.push(text);
    return Promise.resolve(true);
  };
  const fake: Partial<RunStore> = {
    listLive: () => Promise.resolve(attempts.filter(({ endedAt }) => endedAt === null)),
    listWatched: () => Promise.resolve(attempts.filter(isWatched)),
    listGuessed: () => Promise.resolve(attempts.filter(isByTimeIn('found'))),
    listAcceptedByTime: () => Promise.resolve(attempts.filter(isByTimeIn('accepted'))),
    listOwnedRunIds: () => Promise.resolve(new Set(attempts.flatMap((one) => one.runId ?? []))),
    listAttemptIds: (ids) => Promise.resolve(ids.filter((id) => endedIds.includes(id))),
    matchRun: (id, { id: runId }, by) => say(`${id} has ${runId} by ${by}`),
    recordMissing: (id) => say(`${id} missing`).then(() => undefined),
    concludeAbsent: (id) => say(`${id} absent`),
    concludeAmbiguous: (id, message, { unnamedRun } = {}) =>
      say(`${id} ambiguous: ${message}`).then((isNews) => {
        if (unnamedRun !== undefined) told.push(`${unnamedRun.id} shows that ids get lost`);
        return isNews;
      }),
    listNamedCommits: () => Promise.resolve(new Set(namedCommits)),
    listNamedRuns: ({ claimedSince, claimedUntil }) =>
      Promise.resolve(
        Object.entries(named)
          .map(([runId, afterMs]) => ({
            ...{ owner: 'Acme', repo: 'app', runId, forgeUncertaintyMs: 0 },
            isLive: liveIds.includes(runId),
            forgeClaimedAt: CLAIMED_AT + afterMs,
            forgeSendDeadline: CLAIMED_AT + afterMs + 5_000,
          }))
          .filter(({ forgeClaimedAt: at }) => at >= claimedSince && at <= claimedUntil)
          .sort((a, b) => b.forgeClaimedAt - a.forgeClaimedAt),
      ),
    adoptLateRun: (id, { id: runId }) => say(`${id} late ${runId}`),
  };
  const sentAt = CLAIMED_AT + atMs;
  const deps: ResolveDeps = {
    runs: fake as RunStore,
    timing,
    now: sentAt,
    knownForMs: () => 0,
    lateRunMs: 86_400_000,
    readableMs: () => Infinity,
    runVisibleMs: 60_000,
    deletedRuns,
    offset: { offsetMs, uncertaintyMs, areStampsAhead: false, areStampsKnown: true },
    webhooks: { listDeliveredRuns: () => Promise.resolve([...deliveredRuns]) },
    forge: {
      getRun: async (_owner, _repo, id) => {
        await say(`read ${id}`);
        const answer = read[id] ?? deliveredRuns.find((one) => one.id === id) ?? 'not-found';
        if (typeof answer === 'string') throw new ForgeError('', { code: answer, acted: 'no' });
        return { run: answer, sentAt, forgeSentAt: sentAt + offsetMs };
      },
    },
    signal: new AbortController().signal,
    listAgainLater: () => {
      told.push('listed again later');
    },
    credentialNow: () => ({ budgetId: 'token/1', actor: actorNow }),
    listAgain: (since) => {
      const backMs = CLAIMED_AT - since;
      told.push(backMs <= 60_000 ? 'listed plainly' : `listed plainly, ${backMs} ms back`);
      actorNow = renamedTo;
      return Promise.resolve(
        plain === null ? undefined : { ...listing, runs: plain, isComplete: isPlainComplete },
      );
    },
  };
  const listing = { sentAt, forgeSentAt: sentAt + offsetMs, isComplete, runs };
  const where = { forgeId: 'github', owner: 'acme', repo: 'app', createdSince };
  if (isUnlisted) await resolveUnlisted(deps, where);
  else await resolveAttempts(deps, where, listing);
  return told;
}
