import { Random } from '@dispatchoor/forge-sim';
import { inject, type TestContext, test } from 'vitest';
import type { ChaosSize } from '../../../../tools/test/chaos.global.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** What a scenario counted; `npm run test:chaos` shows it. */
    chaosCounts?: Readonly<Record<string, number>>;
  }
}

export interface ChaosContext extends Pick<TestContext, 'onTestFinished' | 'skip'> {
  readonly size: ChaosSize;
  readonly seed: number;
  /** The scenario's own stream: the same seed makes the same plan, whatever else runs. */
  readonly random: Random;
  /** A line on how it goes, shown in a full run only. */
  readonly say: (line: string) => void;
}

export interface ChaosOptions {
  /** Only a hang gets there. Default: 15 minutes. */
  readonly timeoutMs?: number;
}

/** By what they count, as they are shown: such as `{ jobs: 200, kills: 50, lost: 0 }`. */
export type ChaosCounts = Readonly<Record<string, number>>;

/**
 * Defines a scenario. Up to the first space the title is the name by which it can be run alone, such as
 * `kill:sqlite 200 jobs, 50 kills`. What fails in it says how to run the same again.
 */
export function chaos(
  title: string,
  run: (context: ChaosContext) => Promise<ChaosCounts>,
  { timeoutMs = 900_000 }: ChaosOptions = {},
): void {
  const [name = title] = title.split(' ');
  const size = inject('chaosSize');
  // One after another in its file: a dozen servers at once on two cores get nothing done, and their waits run out.
  test(title, { timeout: timeoutMs }, async ({ task, onTestFinished, skip }) => {
    const seed = inject('chaosSeed');
    const say = (line: string): void => {
      // The reporter of a full run shows it at once; elsewhere nobody has asked.
      if (size === 'full') process.stdout.write(`${name}: ${line}\n`);
    };
    try {
      const random = new Random(seed, name);
      task.meta.chaosCounts = await run({ size, seed, random, say, onTestFinished, skip });
    } catch (error) {
      const small = size === 'small' ? ' --small' : '';
      throw addHint(error, `again: npm run test:chaos -- --only ${name} --seed ${seed}${small}`);
    }
  });
}

/** The same error, so that it keeps its stack, and its difference where it has one. */
function addHint(error: unknown, hint: string): unknown {
  if (error instanceof Error) error.message += `\n${hint}`;
  return error;
}
