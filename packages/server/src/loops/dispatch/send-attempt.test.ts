import { describe, expect, it } from 'vitest';
import { attempt } from '../../domain/attempt.testkit.ts';
import type { Attempt } from '../../domain/attempt.ts';
import {
  type CredentialStatus,
  type Dispatch,
  type Forge,
  ForgeError,
  type ForgeErrorFacts,
} from '../../forge/forge.ts';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { deadlineIn } from '../../lib/clock.ts';
import { makeLogger } from '../../lib/logger.ts';
import type { DispatchStore, RefusedOutcome, TargetWord } from '../../store/port/dispatch.ts';
import type { Store } from '../../store/port/store.ts';
import { CredentialBreaker } from './credential-breaker.ts';
import { MissingFor } from './missing-for.ts';
import { sendAttempt } from './send-attempt.ts';

const PAUSES = {
  ...{ probeMs: 300_000, recheckMs: 60_000, firstFailureMs: 1_000, longestFailureMs: 60_000 },
};

interface Fixture {
  readonly dispatch: (
    dispatch: Dispatch,
    clock: FakeClock,
  ) => Promise<{ runId: string; runUrl: string }>;
  readonly canReadRepo?: () => Promise<boolean>;
  /** The credential is refused everywhere, which is the default, or by this request alone. */
  readonly doesCredentialWork?: boolean | 'unknown';
  /** Until when its budget lets nothing go. */
  readonly blockedUntil?: number;
  /** How many times the database refuses to store the outcome first. */
  readonly storeFailures?: number;
  readonly attempt?: Partial<Attempt>;
  /** The breaker has opened before, and its probe is due. */
  readonly isOpen?: boolean;
  /** Its workflow has met a limit before, and since then another one was started. */
  readonly isLimitOwn?: boolean;
}

async function send(fixture: Fixture) {
  const clock = new FakeClock();
  const told: unknown[] = [];
  const log: string[] = [];
  let failuresLeft = fixture.storeFailures ?? 0;
  const store = (what: string) => (_id: string, detail: unknown, word?: TargetWord) => {
    if (failuresLeft-- > 0) return Promise.reject(new Error('database down'));
    told.push([what, detail, ...(word === undefined ? [] : [word.verdict])]);
    return Promise.resolve(true);
  };
  const dispatches: Partial<DispatchStore> = {
    recordAccepted: store('accepted'),
    recordRefused: store('refused'),
    recordUnknown: store('unknown'),
    giveBack: store('given back'),
  };
  const forge: Partial<Forge> = {
    dispatch: (dispatch) => fixture.dispatch(dispatch, clock),
    credentialFor: () =>
      ({ rate: { blockedUntil: fixture.blockedUntil ?? null } }) as CredentialStatus,
    canReadRepo: fixture.canReadRepo ?? (() => Promise.resolve(true)),
    refreshActor: () => {
      const { doesCredentialWork: works = false } = fixture;
      if (works === true) return Promise.resolve();
      const code = works === 'unknown' ? 'unavailable' : 'auth';
      return Promise.reject(new ForgeError('no', { code, acted: 'no' }));
    },
  };
  const breaker = new CredentialBreaker(clock, { firstMs: 1_000, longestMs: 60_000 });
  if (fixture.isOpen === true) {
    breaker.failToReach();
    await clock.advance(1_000);
  }
  if (fixture.isLimitOwn === true) {
    breaker.limit(attempt('before'));
    breaker.accept({ owner: 'acme', repo: 'other', workflowId: 'ci.yml' });
  }
  const sending = sendAttempt(
    {
      missingFor: new MissingFor(clock),
      forge: forge as Forge,
      store: { dispatch: dispatches } as Store,
      clock,
      logger: makeLogger('warn', { write: (line) => void log.push(line) }),
      breaker,
      pauses: PAUSES,
      retryMs: 5_000,
    },
    { attempt: attempt('a', { state: 'claimed', ...fixture.attempt }), inputs: {} },
    deadlineIn(clock, 5_000),
    new AbortController().signal,
  );
  await clock.advance(60_000);
  await sending;
  return { told, log: log.join(''), breaker, now: clock.now() };
}

const fails = (facts: ForgeErrorFacts) => () => Promise.reject(new ForgeError('no', facts));
const refusedAs = (told: unknown[]) => (told[0] as [string, RefusedOutcome])[1];

describe('the outcome of a sending', () => {
  it('is accepted with its run', async () => {
    const run = { runId: '7', runUrl: 'u' };
    const { told } = await send({ dispatch: () => Promise.resolve(run) });
    expect(told).toEqual([['accepted', run]]);
  });

  it.each(['unavailable', 'bad-reply'] as const)(
    'is unknown after %s that may have acted, and its workflow pauses, no other (defect #16)',
    async (code) => {
      const { told, breaker } = await send({ dispatch: fails({ code, acted: 'unknown' }) });
      expect(told).toEqual([['unknown', 'no', 'failing']]);
      expect(breaker.allowed).toBe(Infinity);
    },
  );

  it('opens the breaker for all when the forge is not reached', async () => {
    const { told, breaker } = await send({
      dispatch: fails({ code: 'unavailable', acted: 'no' }),
    });
    expect(refusedAs(told)).toMatchObject({ then: 'retry', verdict: 'none' });
    expect(breaker.allowed).not.toBe(Infinity);
  });

  it('is unknown after a fault of our own: it may have left', async () => {
    const { told, log } = await send({ dispatch: () => Promise.reject(new TypeError('bug')) });
    expect(told).toEqual([['unknown', expect.stringContaining('inside dispatchoor'), 'failing']]);
    expect(log).toMatch(/"level":50.*TypeError: bug/);
  });

  it('gives the claim back when nothing was sent', async () => {
    const { told, breaker } = await send({ dispatch: fails({ code: 'not-sent', acted: 'no' }) });
    expect(told).toEqual([['given back', 'no']]);
    expect(breaker.allowed).toBe(Infinity);
  });

  it.each([
    ['auth', 'none', {}],
    ['rate-limited', 'none', {}],
    // By the forge's answer: it may be a limit of this workflow alone, which then must not be the first to meet it again.
    ['rate-limited', 'failing', { status: 429 }],
  ] as const)(
    'puts the job back at once after %s: the credential is stopped, not the job (defect #16)',
    async (code, verdict, answer) => {
      const retryAt = new FakeClock().now() + 60_000;
      const dispatch = fails({ code, acted: 'no', retryAt, ...answer });
      const { told } = await send({ dispatch, blockedUntil: retryAt });
      expect(refusedAs(told)).toMatchObject({ then: 'retry', notBefore: null, verdict });
    },
  );

  it.each([
    ['until then', 60_000, 60_000],
    ['15 minutes', 3_600_000, 900_000],
  ])(
    'puts the job off %s after a limit that stops nothing else: it would be sent again at once, for ever',
    async (_how, statedMs, waitMs) => {
      const start = new FakeClock().now();
      const limit = { code: 'rate-limited', acted: 'no', status: 403 } as const;
      const dispatch = fails({ ...limit, retryAt: start + statedMs });
      const { told } = await send({ dispatch });
      expect(refusedAs(told)).toMatchObject({
        then: 'retry',
        verdict: 'failing',
        isOwnFailure: false,
      });
      expect(refusedAs(told).notBefore).toBe(start + waitMs);
    },
  );

  it.each([
    ['its dispatch', 60_000, 60_000],
    ['its dispatch', 3_600_000, 900_000],
    ['the look whether its repository can be read', 60_000, 60_000],
  ])(
    'pauses its workflow from the end on of a limit that %s met (%i ms): over with it, it would be the first to meet it again',
    async (what, limitedMs, afterMs) => {
      const retryAt = new FakeClock().now() + limitedMs;
      const limited = fails({ code: 'rate-limited', acted: 'no', status: 429, retryAt });
      const { told } = await send(
        what === 'its dispatch'
          ? { dispatch: limited, blockedUntil: retryAt }
          : { dispatch: fails({ code: 'not-found', acted: 'no' }), canReadRepo: limited },
      );
      expect(refusedAs(told)).toMatchObject({
        verdict: 'failing',
        pauses: { firstFailureMs: 1_000 + afterMs, longestFailureMs: 60_000 + afterMs },
      });
    },
  );

  it.each(['its dispatch', 'the look whether its repository can be read'])(
    'pauses its workflow for longer after a limit that %s alone meets, up to 15 minutes beyond: each stops all others',
    async (what) => {
      const retryAt = new FakeClock().now() + 60_000;
      const limited = fails({ code: 'rate-limited', acted: 'no', status: 429, retryAt });
      const { told } = await send({
        ...(what === 'its dispatch'
          ? { dispatch: limited, blockedUntil: retryAt }
          : { dispatch: fails({ code: 'not-found', acted: 'no' }), canReadRepo: limited }),
        isLimitOwn: true,
      });
      expect(refusedAs(told)).toMatchObject({
        verdict: 'failing',
        // The stop, then as long; at most 15 minutes beyond it.
        pauses: { firstFailureMs: 120_000, longestFailureMs: 960_000 },
      });
    },
  );

  it('is the workflow’s where it alone is refused with a credential that works: first again each time, it would stop all', async () => {
    const dispatch = fails({ code: 'auth', acted: 'no' });
    const { told } = await send({ dispatch, doesCredentialWork: true });
    expect(refusedAs(told)).toMatchObject({ then: 'retry', notBefore: null, verdict: 'failing' });
  });

  it('is the workflow’s where nobody can say whether the credential works: sent again at once, it used up the dispatch rate', async () => {
    const dispatch = fails({ code: 'auth', acted: 'no' });
    const { told, now } = await send({ dispatch, doesCredentialWork: 'unknown' });
    const expected = { then: 'retry', notBefore: now - 55_000, verdict: 'failing' };
    expect(refusedAs(told)).toMatchObject({ ...expected, isOwnFailure: true });
  });

  it('is the workflow’s where its state does not allow it: its jobs would use up the dispatch rate in turn', async () => {
    const { told } = await send({ dispatch: fails({ code: 'conflict', acted: 'no' }) });
    expect(refusedAs(told)).toMatchObject({ then: 'retry', verdict: 'failing' });
  });

  it('puts the job back for a moment after a transient refusal (defect #16)', async () => {
    const { told, now } = await send({
      dispatch: fails({ code: 'unavailable', acted: 'no', status: 423 }),
    });
    expect(refusedAs(told)).toMatchObject({ then: 'retry', verdict: 'failing' });
    expect(refusedAs(told).notBefore).toBe(now - 55_000);
  });

  it('is the workflow’s where something before the forge refuses it: its job lets others go first', async () => {
    const dispatch = fails({ code: 'bad-reply', acted: 'no', status: 403 });
    const { told, breaker, now } = await send({ dispatch });
    expect(refusedAs(told)).toMatchObject({ then: 'retry', verdict: 'failing' });
    expect(refusedAs(told)).toMatchObject({ isOwnFailure: true, notBefore: now - 55_000 });
    expect(breaker.allowed).toBe(Infinity);
  });

  it('fails the job when the forge will always refuse it', async () => {
    const { told } = await send({ dispatch: fails({ code: 'invalid', acted: 'no' }) });
    expect(refusedAs(told)).toMatchObject({ then: 'fail', verdict: 'template-broken' });
  });

  it('is the fault of the job alone where its inputs are refused', async () => {
    const dispatch = fails({ code: 'invalid-inputs', acted: 'no', status: 422, inputs: ['typo'] });
    const { told } = await send({ dispatch, attempt: { correlationInput: 'id' } });
    expect(refusedAs(told)).toMatchObject({ then: 'fail', message: 'no', verdict: 'works' });
  });

  it('is the template’s where the input that it has us fill is refused', async () => {
    const dispatch = fails({ code: 'invalid-inputs', acted: 'no', status: 422, inputs: ['id'] });
    const { told } = await send({ dispatch, attempt: { correlationInput: 'id' } });
    expect(refusedAs(told)).toMatchObject({ then: 'fail', verdict: 'template-broken' });
    expect(refusedAs(told).message).toContain('correlation_input');
  });

  it.each([
    ['disabled', 'workflow-disabled'],
    ['archived', 'archived'],
    ['no-access', 'no-access'],
  ] as const)('of %s leaves the job waiting', async (code, verdict) => {
    const { told } = await send({ dispatch: fails({ code, acted: 'no', status: 422 }) });
    expect(refusedAs(told)).toMatchObject({ then: 'retry', notBefore: null, verdict });
  });

  it('does not close the breaker when our own budget let nothing go', async () => {
    const dispatch = fails({ code: 'rate-limited', acted: 'no' });
    const { breaker } = await send({ dispatch, isOpen: true });
    expect(breaker.allowed).not.toBe(Infinity);
  });

  it('believes a 404 only when the repository can be read, and when it repeats', async () => {
    const dispatch = fails({ code: 'not-found', acted: 'no' });
    const believed = await send({ dispatch, canReadRepo: () => Promise.resolve(true) });
    expect(refusedAs(believed.told)).toMatchObject({
      ...{ then: 'fail-if-repeated', verdict: 'not-found', isTooSoon: true },
    });
    const blind = await send({ dispatch, canReadRepo: () => Promise.resolve(false) });
    expect(refusedAs(blind.told)).toMatchObject({ then: 'retry', verdict: 'no-access' });
    const unclear = await send({
      dispatch,
      canReadRepo: fails({ code: 'unavailable', acted: 'no' }),
    });
    expect(refusedAs(unclear.told)).toMatchObject({ then: 'retry' });
  });

  it('is stored once the database answers again', async () => {
    const run = { runId: '7', runUrl: 'u' };
    const { told } = await send({ dispatch: () => Promise.resolve(run), storeFailures: 4 });
    expect(told).toEqual([['accepted', run]]);
  });
});

it('may leave until the deadline of the claim, and not later', async () => {
  const answers: boolean[] = [];
  await send({
    dispatch: async ({ maySend }, clock) => {
      answers.push(maySend());
      clock.step(5_000);
      answers.push(maySend());
      return Promise.resolve({ runId: '7', runUrl: '' });
    },
  });
  expect(answers).toEqual([true, false]);
});
