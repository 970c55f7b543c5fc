import { describe, expect, it } from 'vitest';
import { CLAIMED_AT } from '../../domain/attempt.testkit.ts';
import type { StampedRun } from '../../domain/stamp-gap.ts';
import type { DateOffset } from '../../forge/forge.ts';
import { makeLogger } from '../../lib/logger.ts';
import { RunStamps } from './run-stamps.ts';

const OFFSET_MS = 5_000;
const AGREEING: StampedRun = {
  ...{ runId: '1', matchedBy: 'reply', runCreatedAt: CLAIMED_AT + OFFSET_MS },
  ...{ claimedAt: CLAIMED_AT, forgeClaimedAt: CLAIMED_AT + OFFSET_MS },
  ...{ sendDeadline: CLAIMED_AT + 5_000, forgeSendDeadline: CLAIMED_AT + OFFSET_MS + 5_000 },
  answeredAt: CLAIMED_AT + 500,
};

function stampsOf(known: readonly StampedRun[], over: Partial<DateOffset> = {}) {
  const lines: string[] = [];
  const logger = makeLogger('warn', { write: (line) => void lines.push(line) });
  const stamps = new RunStamps({
    forge: {
      id: 'github',
      dateOffset: () => ({ offsetMs: OFFSET_MS, uncertaintyMs: 500, ...over }),
    },
    runs: { listStamped: () => Promise.resolve([...known]) },
    requestTimeoutMs: 30_000,
    logger,
  });
  return { stamps, lines };
}

/** Listed by `CLAIMED_AT`. */
const listed = (afterMs: number) => ({
  runs: [
    { id: '7', createdAt: CLAIMED_AT + OFFSET_MS - 60_000 },
    { id: '8', createdAt: CLAIMED_AT + OFFSET_MS + afterMs },
  ],
  now: CLAIMED_AT,
});

describe('how the clock that stamps runs stands', () => {
  it('is known once a run of ours has shown it', async () => {
    const unknown = await stampsOf([]).stamps.offset();
    expect(unknown).toMatchObject({ areStampsKnown: false, areStampsAhead: false });
    const known = await stampsOf([AGREEING]).stamps.offset();
    expect(known).toMatchObject({ areStampsKnown: true, uncertaintyMs: 500 });
  });

  it('is ahead where a run is stamped later than it was listed: one from before a claim was taken for its own', async () => {
    const { stamps, lines } = stampsOf([]);
    expect(await stamps.offset(listed(1_500))).toMatchObject({
      areStampsAhead: false,
      uncertaintyMs: 500,
    });
    expect(await stamps.offset(listed(40_000))).toMatchObject({
      areStampsAhead: true,
      uncertaintyMs: 41_500,
    });
    // Then it is in the past, and shows nothing any more.
    expect(await stamps.offset(listed(-20_000))).toMatchObject({
      areStampsAhead: true,
      uncertaintyMs: 41_500,
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('proxy_pass_header Date');
  });

  it('is not ahead where a run of before the forge’s clock was put back is listed', async () => {
    const { stamps } = stampsOf([], { hadShown: CLAIMED_AT + OFFSET_MS + 60_000 });
    expect(await stamps.offset(listed(40_000))).toMatchObject({ areStampsAhead: false });
  });

  it('is what our own runs show, whatever others are stamped with', async () => {
    const { stamps } = stampsOf([AGREEING]);
    expect(await stamps.offset(listed(40_000))).toMatchObject({
      areStampsAhead: false,
      uncertaintyMs: 500,
    });
  });
});
