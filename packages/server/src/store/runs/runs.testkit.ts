import type { DatabaseUnderTest } from '../databases.testkit.ts';
import { sceneOn } from '../dispatch/dispatch.testkit.ts';

/** What the tests of runs say again and again. */
export function runSceneOn(at: DatabaseUnderTest) {
  const scene = sceneOn(at);
  const { lease, claimNew, dispatch } = scene;
  return {
    ...scene,
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
