import { expect, it } from 'vitest';
import { topFunctions } from './profile.ts';

const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 4 });

it('tells in which functions the time went, idle time aside, most first', () => {
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)') },
      { id: 2, callFrame: frame('plan', 'node:some') },
      { id: 3, callFrame: frame('') },
    ],
    samples: [1, 2, 3, 2],
    timeDeltas: [50_000, 1_000, 1_000, 2_000],
  };
  expect(topFunctions(profile, 5)).toEqual([
    { name: 'plan node:some:5', selfMs: 3, share: 0.75 },
    { name: '(anonymous)', selfMs: 1, share: 0.25 },
  ]);
  expect(topFunctions(profile, 1)).toHaveLength(1);
});
