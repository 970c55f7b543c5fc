import { startForgeSim } from '@dispatchoor/forge-sim';
import { FakeClock } from '../../lib/clock.testkit.ts';
import { makeLogger } from '../../lib/logger.ts';
import { Secret } from '../../lib/secret.ts';
import { MemoryBudgetStore } from '../budget-store.testkit.ts';
import {
  contractWorld,
  DISPATCH_TOKEN,
  REQUEST_TIMEOUT_MS,
  RUNNERS_TOKEN,
  type StartForge,
  type StartOptions,
} from '../contract/world.testkit.ts';
import { type GithubForge, type GithubForgeOptions, makeGithubForge } from './github-forge.ts';
import { makeTokenCredential } from './token-credential.ts';

/** On a simulated github.com, or the GHES that the options name. */
export const startOnSim: StartForge = async (options = {}) => {
  const clock = new FakeClock();
  const sim = await startForgeSim({ clock: 'manual', startAt: clock.now(), ...options.sim });
  sim.seed(contractWorld);
  const budgets = new MemoryBudgetStore(clock);
  const baseUrl = options.sim?.ghes === undefined ? sim.url : `${sim.url}/api/v3`;
  const forge = makeTestForge({ baseUrl, clock, budgets }, options);
  return { forge, sim, clock, budgets };
};

/** An adapter with what its caller does not care about filled in. */
export function makeTestForge(
  given: Pick<GithubForgeOptions, 'baseUrl' | 'clock'> & Partial<GithubForgeOptions>,
  options: StartOptions = {},
): GithubForge {
  const tokens = options.tokens ?? { dispatch: DISPATCH_TOKEN, runners: RUNNERS_TOKEN };
  return makeGithubForge({
    id: 'github',
    credentials: {
      dispatch: makeTokenCredential({
        forgeId: 'github',
        use: 'dispatch',
        configKey: 'github.token',
        token: new Secret(tokens.dispatch),
      }),
      runners: makeTokenCredential({
        forgeId: 'github',
        use: 'runners',
        configKey: 'github.runners_token',
        token: new Secret(tokens.runners),
      }),
    },
    budgets: new MemoryBudgetStore(given.clock),
    dispatchRate: options.dispatchRate ?? null,
    rateLimitBuffer: options.rateLimitBuffer ?? 100,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    webhookSecret: new Secret(''),
    version: '1.2.3',
    logger: makeLogger('fatal'),
    ...given,
  });
}
