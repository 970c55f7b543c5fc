import { describe, expect, it } from 'vitest';
import type { CredentialStatus } from '../../forge/forge.ts';
import { DispatchGate, type DispatchGateDeps } from './dispatch-gate.ts';

const NOW = 1_000;

const works: CredentialStatus = {
  ...{ id: 'c', budgetId: 'b', use: 'dispatch', configKey: 'github.token', actor: 'bot' },
  ...{
    isConfigured: true,
    isConnected: true,
    isDoubted: false,
    error: '',
    dispatchesLeft: null,
    retryAt: null,
  },
  rate: { limit: 5_000, remaining: 4_000, resetAt: null, blockedUntil: null },
};

const closed: DispatchGateDeps['breaker'] = {
  ...{ allowed: Infinity, isProbeDue: false, retryAt: null },
};
const opened = { ...closed, allowed: 0, retryAt: 2_000 };
const probing = { ...closed, allowed: 1, isProbeDue: true };

function gateOf(
  status: Partial<CredentialStatus> = {},
  { breaker = closed, taken = null as number | null } = {},
): DispatchGate {
  const forge = {
    credentialFor: () => ({ ...works, ...status }),
    takeDispatch: () => Promise.resolve(taken),
  };
  return new DispatchGate({ forge, breaker, clock: { now: () => NOW } });
}

const limitedUntil = (blockedUntil: number): Pick<CredentialStatus, 'rate'> => ({
  rate: { ...works.rate, blockedUntil },
});

describe('the dispatch gate', () => {
  it('is open without a ceiling where nothing stops the credential', () => {
    expect(gateOf().check()).toEqual({
      ...{ credentialId: 'c', left: null, reason: null, message: '', retryAt: null },
    });
  });

  it('lets through what is left of the dispatch rate, and says when there is more', () => {
    const gate = gateOf({ dispatchesLeft: 2, retryAt: 1_500 });
    expect(gate.check()).toMatchObject({ left: 2, reason: 'rate-limited', retryAt: 1_500 });
    expect(gate.nextAt()).toBe(1_500);
  });

  it.each<[string, DispatchGate, object]>([
    [
      'without a credential',
      gateOf({ isConfigured: false, isConnected: false, error: 'github.token is not set' }),
      { reason: 'forge-unavailable', message: 'github.token is not set', retryAt: null },
    ],
    [
      'while the forge refuses the credential',
      gateOf({ isConnected: false, error: 'Bad credentials' }),
      { reason: 'forge-unavailable', message: 'Bad credentials', retryAt: null },
    ],
    [
      'until the rate limit is over',
      gateOf(limitedUntil(3_000)),
      { reason: 'rate-limited', retryAt: 3_000 },
    ],
    [
      'until then also where nobody could ask yet whether the credential works',
      gateOf({ isConnected: false, ...limitedUntil(3_000) }),
      { reason: 'rate-limited', retryAt: 3_000 },
    ],
    [
      'while the forge fails, until its probe is due',
      gateOf({}, { breaker: opened }),
      { reason: 'forge-unavailable', retryAt: 2_000 },
    ],
  ])('is shut %s', (_, gate, stop) => {
    expect(gate.check()).toMatchObject({ left: 0, ...stop });
  });

  it('does not mind a limit that is over', () => {
    expect(gateOf(limitedUntil(NOW)).check()).toMatchObject({ left: null, reason: null });
  });

  it('lets one probe through when it is due, and tells all others to wait for it', () => {
    const gate = gateOf({}, { breaker: probing });
    expect(gate.check()).toMatchObject({ left: null });
    expect(gate.checkBesideProbe()).toMatchObject({ left: 0, reason: 'forge-unavailable' });
    expect(gateOf().checkBesideProbe()).toBeUndefined();
  });

  it('takes one, or says when to ask again', async () => {
    expect(await gateOf().take('acme')).toEqual({ isTaken: true });
    const limited = gateOf({}, { taken: 4_000 });
    expect(await limited.take('acme')).toEqual({ isTaken: false, retryAt: 4_000 });
  });

  it('takes none once the forge has begun to fail: what is taken and not used is lost', async () => {
    const taken = await gateOf({}, { breaker: opened }).take('acme');
    expect(taken).toEqual({ isTaken: false, retryAt: 2_000 });
  });

  it('is open again now where sending took so long that there is more already', () => {
    expect(gateOf({ dispatchesLeft: 1 }).nextAt()).toBe(NOW);
    expect(gateOf({ dispatchesLeft: 0 }).nextAt()).toBeNull();
    expect(gateOf().nextAt()).toBeNull();
  });
});
