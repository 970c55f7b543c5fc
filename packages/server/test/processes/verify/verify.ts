import type { Job } from '@dispatchoor/api-contract';
import type { Site } from '../site.ts';
import type { Allowed } from './allowed.ts';
import { gather } from './evidence.ts';
import { type Counts, verifyAll } from './verify-all.ts';

/**
 * The judgement of a scenario, once all is over: each job has ended, once and well, and shows the very run that was
 * made of it, the only one; and there is nothing else. Waits until no job, run or attempt is open. Throws one error
 * that lists all that is wrong.
 *
 * @param jobs All that a 201 promised; each has a `note` of its own among its inputs, which its run bears.
 */
export async function verify(
  site: Site,
  jobs: readonly Job[],
  allowed: Allowed = {},
): Promise<Counts> {
  const evidence = await gather(site, jobs);
  const { counts, faults } = verifyAll(evidence, allowed);
  if (faults.length === 0) return counts;
  const known = evidence.attempts.map((attempt) => JSON.stringify(attempt));
  throw new Error(['not as it must be:', ...faults, JSON.stringify(counts), ...known].join('\n'));
}
