import { type ChaosContext, chaos } from '../chaos.ts';
import { type Struck, strike } from './alone.ts';
import { callScenes } from './calls.ts';
import { eachOf } from './each-of.ts';
import { type Combination, combine, faultKinds, nameOf } from './kinds.ts';

/** Each is a server and waits more than it works. */
const ABREAST = 6;
/** Of all combinations, where only a sample is taken. */
const SAMPLE = 6;

chaos(
  'faults:alone every fault on every call',
  async (context) => {
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
    const sum = (of: (one: Struck) => number): number =>
      struck.reduce((total, one) => total + of(one), 0);
    return {
      combinations: combinations.length,
      met: sum(({ met }) => met),
      jobs: sum(({ jobs }) => jobs),
      completed: sum(({ completed }) => completed),
      cancelled: sum(({ cancelled }) => cancelled),
      failed: sum(({ failed }) => failed),
      attempts: sum(({ attempts }) => attempts),
      lateRuns: sum(({ lateRuns }) => lateRuns),
      calls: sum(({ calls }) => calls),
      busiestSecond: Math.max(...struck.map(({ busiest }) => busiest)),
      mostFailuresASecond: Math.ceil(Math.max(...struck.map(({ failures: each }) => each))),
      mostWarningsASecond: Math.ceil(Math.max(...struck.map(({ warnings }) => warnings))),
    };
  },
  { timeoutMs: 900_000 },
);

/** In an order of the seed's: whoever runs side by side is not always the same. */
function choose({ random, size }: ChaosContext): Combination[] {
  const all = callScenes.flatMap((scene) =>
    faultKinds.map((kind) => ({
      rank: random.next(),
      one: combine(kind, scene, () => random.next()),
    })),
  );
  const shuffled = all.toSorted((a, b) => a.rank - b.rank).map(({ one }) => one);
  return size === 'full' ? shuffled : shuffled.slice(0, SAMPLE);
}
