import { acme } from '../harness/fixtures.ts';
import type { SiteOptions } from '../processes/site.ts';

/** What piled up during an outage has to be done too, on a busy machine. */
export const giveUpAfterMs = 120_000;

/** Whose template `build` starts runs that bear their attempt's name: however many answers are lost, none is taken for another. */
export function namedScenario(
  runnerCount: number,
): Required<Pick<SiteOptions, 'forge' | 'giveUpAfterMs'>> {
  return { forge: acme(runnerCount), giveUpAfterMs };
}
