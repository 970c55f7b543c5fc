import { forgeContract } from '../contract.testkit.ts';
import { startOnSim } from './start.testkit.ts';

forgeContract('the GitHub adapter', startOnSim);
