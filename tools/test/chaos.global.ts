import { randomInt } from 'node:crypto';
import type { TestProject } from 'vitest/node';

export type ChaosSize = 'small' | 'full';

declare module 'vitest' {
  interface ProvidedContext {
    readonly chaosSize: ChaosSize;
    readonly chaosSeed: number;
  }
}

/** `CHAOS_SIZE` small (default) or full; `CHAOS_SEED`: a fresh one by default, and printed, so that it can be given again. */
export function setup(project: TestProject): void {
  const { CHAOS_SIZE: size = 'small', CHAOS_SEED: given } = process.env;
  if (size !== 'small' && size !== 'full') throw new Error('CHAOS_SIZE: small or full');
  const seed = given === undefined ? randomInt(2 ** 31) : Number(given);
  if (!Number.isSafeInteger(seed)) throw new Error('CHAOS_SEED: a whole number');
  // `npm run test:chaos` has said so itself.
  if (given === undefined) process.stdout.write(`chaos: seed ${seed}\n`);
  project.provide('chaosSize', size);
  project.provide('chaosSeed', seed);
}
