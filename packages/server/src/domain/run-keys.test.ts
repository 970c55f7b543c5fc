import { expect, it } from 'vitest';
import { attempt, run } from './attempt.testkit.ts';
import { groupByKey, runsOfKey } from './run-keys.ts';

it('takes a workflow by its number, its file name or its path', () => {
  const runs = [run('1', { path: '.github/workflows/ci.yml', workflowId: '7' })];
  for (const workflowId of ['7', 'ci.yml', '.github/workflows/ci.yml']) {
    expect(runsOfKey(attempt('a', { workflowId }), runs)).toHaveLength(1);
  }
  expect(runsOfKey(attempt('a', { workflowId: 'i.yml' }), runs)).toEqual([]);
});

it('takes a ref by its short or its full name', () => {
  const runs = [run('1', { branch: 'main' })];
  expect(runsOfKey(attempt('a', { ref: 'refs/heads/main' }), runs)).toHaveLength(1);
  expect(runsOfKey(attempt('a', { ref: 'next' }), runs)).toEqual([]);
});

it('keeps attempts of another workflow or ref apart, and not those of another actor', () => {
  const groups = groupByKey([
    attempt('a'),
    attempt('b', { actor: 'someone' }),
    attempt('c', { ref: 'next' }),
    attempt('d', { workflowId: 'other.yml' }),
    attempt('e', { owner: 'ACME' }),
  ]);
  const ids = groups.map((group) => group.map(({ id }) => id));
  expect(ids).toEqual([['a', 'b', 'e'], ['c'], ['d']]);
});
