import { expect, it } from 'vitest';
import { makeYield, yieldToOthers } from './yield.ts';

/** What went on in which turn of the event loop. */
async function turnsOf(names: readonly string[], times: number): Promise<string[][]> {
  const turns: string[][] = [[]];
  let isOver = false;
  const count = (): void => {
    turns.push([]);
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const work = async (name: string): Promise<void> => {
    for (let n = 0; n < times; n += 1) {
      await yieldToOthers();
      turns.at(-1)?.push(name);
    }
  };
  await Promise.all(names.map(work));
  isOver = true;
  return turns.filter((turn) => turn.length > 0);
}

it('lets one of those that wait go on in each turn, in the order in which they came', async () => {
  const turns = await turnsOf(['a', 'b', 'c'], 3);
  expect(turns).toEqual([['a'], ['b'], ['c'], ['a'], ['b'], ['c'], ['a'], ['b'], ['c']]);
});

it('makes nobody wait whose piece has been short', async () => {
  let nowMs = 0;
  const yieldNow = makeYield({ monotonic: () => nowMs });
  let turns = 0;
  const count = setImmediate(() => {
    turns += 1;
  });
  nowMs = 2;
  await yieldNow();
  expect(turns).toBe(0);
  nowMs = 3;
  await yieldNow();
  expect(turns).toBe(1);
  clearImmediate(count);
});
