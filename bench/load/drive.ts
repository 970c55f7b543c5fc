import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProbedChild } from '../processes/probed-child.ts';
import type { LoadPlan, LoadResult } from './plan.ts';

const PROGRAM = fileURLToPath(import.meta.resolve('./generator.ts'));

/** Carries out a plan in a process of its own. Throws when a request failed: then the figures mean nothing. */
export async function drive(folder: string, plan: LoadPlan): Promise<LoadResult> {
  const logFile = join(folder, 'generator.log');
  const child = new ProbedChild({ name: 'load generator', args: [PROGRAM], cwd: folder, logFile });
  try {
    const ended = child.receive((message) => {
      const told = message as { result?: LoadResult; failure?: string };
      return told.result === undefined && told.failure === undefined ? undefined : told;
    });
    child.send({ plan });
    const { result, failure } = await ended;
    if (result === undefined) throw new Error(`load generator: ${failure ?? 'no result'}`);
    if (result.errors.length > 0) throw new Error(`load failed: ${result.errors.join('; ')}`);
    return result;
  } finally {
    await child.stop();
  }
}
