import { type ChaosContext, chaos } from '../chaos.ts';
import { eachOf } from './each-of.ts';
import { strikeTarget, type TargetStrike } from './target.ts';
import { targetAnswers, targetCalls } from './target-calls.ts';

/** Each is a server of its own, in this process. */
const ABREAST = 2;
/** Of all combinations: each takes as long as hours of the forge's time take. */
const SAMPLE = { full: 16, small: 1 };

chaos('faults:target one target fails at each call, all else goes on', async (context) => {
  const struck: TargetStrike[] = [];
  const failures = await eachOf(choose(context), ABREAST, async ({ call, answer }) => {
    const name = `${answer.name} × ${call.on}${call.twin === undefined ? '' : ' of two'}`;
    try {
      const strike = await strikeTarget(call, answer);
      context.say(`${name}: ${JSON.stringify(strike)}`);
      struck.push(strike);
    } catch (error) {
      throw new Error(`${name}: ${error instanceof Error ? error.message : ''}`, { cause: error });
    }
  });
  if (failures.length > 0) throw new Error(failures.join('\n\n'));
  const sum = (what: keyof TargetStrike) => struck.reduce((all, one) => all + one[what], 0);
  return {
    ...{ combinations: struck.length, met: sum('met'), jobs: sum('jobs'), calls: sum('calls') },
    meanWaitS: Math.round(sum('meanWaitS') / struck.length),
    longestWaitS: Math.max(...struck.map(({ longestWaitS }) => longestWaitS)),
  };
});

function choose({ random, size }: ChaosContext) {
  const all = targetCalls.flatMap((call) =>
    targetAnswers.map((answer) => ({ rank: random.next(), call, answer })),
  );
  return all.toSorted((a, b) => a.rank - b.rank).slice(0, SAMPLE[size]);
}
