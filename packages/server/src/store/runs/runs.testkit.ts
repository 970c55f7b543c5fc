import type { DatabaseUnderTest } from '../databases.testkit.ts';
import { fixtureOn } from '../dispatch/dispatch.testkit.ts';

/** What the tests of runs say again and again. */
export function runFixtureOn(at: DatabaseUnderTest) {
  const fixture = fixtureOn(at);
  const { lease, claimNew, dispatch } = fixture;
  return {
    ...fixture,
    /** An attempt whose run the reply named. */
    accepted: async (runId: string | null = '1', over = {}) => {
      const { attempt } = await claimNew(await lease(), over);
      await dispatch().recordAccepted(attempt.id, { runId, runUrl: '' });
      return attempt;
    },
    unknown: async (over = {}) => {
      const { attempt } = await claimNew(await lease(), over);
      await dispatch().recordUnknown(attempt.id, '502');
      return attempt;
    },
  };
}
