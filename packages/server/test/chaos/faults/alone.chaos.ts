import { type ChaosContext, type ChaosCounts, chaos } from '../chaos.ts';
import { type Struck, strike } from './alone.ts';
import { callScenarios } from './calls.ts';
import { eachOf } from './each-of.ts';
import { type Combination, combine, faultKinds, nameOf } from './kinds.ts';

/** Each is a server and waits more than it works. */
const ABREAST = 6;
/** Of all combinations, where only a sample is taken. */
const SAMPLE = 6;

chaos('faults:alone every fault on every call', async (context) => {
  const combinations = choose(context);
  const struck: Struck[] = [];
  const failures = await eachOf(combinations, ABREAST, async (one) => {
    try {
      struck.push(await strike(one, context.seed));
      context.say(`${nameOf(one)}: ${JSON.stringify(struck.at(-1))}`);
    } catch (error) {
      throw new Error(`${nameOf(one)}: ${error instanceof Error ? error.message : ''}`, {
        cause: error,
      });
    }
  });
  if (failures.length > 0) throw new Error(failures.join('\n\n'));
  return { combinations: combinations.length, ...sumsOf(struck), ...mostOf(struck) };
});

const SUMMED = [
  ...(['met', 'jobs', 'completed', 'cancelled', 'refused'] as const),
  ...(['attempts', 'late runs', 'forge calls'] as const),
] as const;

function sumsOf(struck: readonly Struck[]): ChaosCounts {
  const sums = SUMMED.map((what) => [what, struck.reduce((sum, one) => sum + one[what], 0)]);
  return Object.fromEntries(sums) as ChaosCounts;
}

function mostOf(struck: readonly Struck[]): ChaosCounts {
  return {
    busiestSecond: Math.max(...struck.map(({ busiest }) => busiest)),
    mostFailuresASecond: Math.ceil(Math.max(...struck.map(({ failures }) => failures))),
    mostWarningsASecond: Math.ceil(Math.max(...struck.map(({ warnings }) => warnings))),
  };
}

/** In an order of the seed's: whoever runs side by side is not always the same. */
function choose({ random, size }: ChaosContext): Combination[] {
  const all = callScenarios.flatMap((scenario) =>
    faultKinds.map((kind) => ({
      rank: random.next(),
      one: combine(kind, scenario, () => random.next()),
    })),
  );
  const shuffled = all.toSorted((a, b) => a.rank - b.rank).map(({ one }) => one);
  return size === 'full' ? shuffled : shuffled.slice(0, SAMPLE);
}
