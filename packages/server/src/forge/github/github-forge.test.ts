import { expect, it } from 'vitest';
import { forgeContract } from '../contract.testkit.ts';
import { startOnSim } from './start.testkit.ts';

forgeContract('the GitHub adapter', startOnSim);

it('compares labels without case, as GitHub does', async () => {
  const { forge, sim } = await startOnSim();
  expect(forge.can.labelCase).toBe('ignored');
  await forge.close();
  await sim.close();
});
