import { afterEach, describe, expect } from 'vitest';
import { accountContract, credentialContract } from './contract/credentials.testkit.ts';
import { dispatchContract, dispatchFailures } from './contract/dispatch.testkit.ts';
import { budgetContract, clockContract } from './contract/limits.testkit.ts';
import { runnersContract } from './contract/runners.testkit.ts';
import { cancelContract, runsContract } from './contract/runs.testkit.ts';
import type { ForgeUnderTest, StartForge } from './contract/world.testkit.ts';

/** What every adapter keeps, whatever forge it speaks to. */
export function forgeContract(name: string, startForge: StartForge): void {
  const started: ForgeUnderTest[] = [];

  const start: StartForge = async (options) => {
    const under = await startForge(options);
    started.push(under);
    return under;
  };

  afterEach(async () => {
    const all = started.splice(0);
    for (const { forge } of all) await forge.close();
    for (const { sim } of all) await sim.close();
    for (const { sim, clock } of all) {
      expect(sim.schemaViolations).toEqual([]);
      expect(clock.pendingTimers).toBe(0);
    }
  });

  describe(`${name} keeps the Forge contract`, () => {
    dispatchContract(start);
    dispatchFailures(start);
    runnersContract(start);
    runsContract(start);
    cancelContract(start);
    accountContract(start);
    credentialContract(start);
    budgetContract(start);
    clockContract(start);
  });
}
