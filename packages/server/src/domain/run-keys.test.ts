import { expect, it } from 'vitest';
import { attempt, run } from './attempt.testkit.ts';
import type { Attempt, Run } from './attempt.ts';
import { groupByKey, repoKeyOf, runsElsewhere, runsOfKey } from './run-keys.ts';

const group = (attempts: Attempt[], runs: Run[]) =>
  groupByKey(attempts, runs).map((ofKey) => ofKey.map(({ id }) => id));

it('takes a workflow by its number, its file name or its path', () => {
  const runs = [run('1', { path: '.github/workflows/ci.yml', workflowId: '7' })];
  for (const workflowId of ['7', 'ci.yml', '.github/workflows/ci.yml']) {
    expect(runsOfKey(attempt('a', { workflowId }), runs)).toHaveLength(1);
  }
  expect(runsOfKey(attempt('a', { workflowId: 'i.yml' }), runs)).toEqual([]);
});

const REFS = ['main', 'heads/main', 'tags/main', 'refs/heads/main', 'refs/tags/main'];

it.each(REFS)('takes the run of the branch for one of ref %s, however the run shows it', (ref) => {
  for (const branch of [...REFS, 'refs/heads/heads/main']) {
    expect(runsOfKey(attempt('a', { ref }), [run('1', { branch })])).toHaveLength(1);
  }
  for (const branch of ['next', 'my/heads/main', 'headsmain', 'main/heads/x']) {
    expect(runsOfKey(attempt('a', { ref }), [run('1', { branch })])).toEqual([]);
  }
});

it.each([
  ['the file of another', { path: '.github/workflows/renamed.yml', workflowId: '8' }],
  ['the file in other letters', { path: '.github/workflows/CI.yml', workflowId: '8' }],
  ['the branch of another', { branch: 'trunk' }],
])(
  'knows a run that bears the id of an attempt from those of its key, as it shows %s',
  (_, shown) => {
    const ids = ['aaaa', 'bbbb'];
    const named = run('1', { ...shown, name: 'Build bbbb' });
    const foreign = run('2', { ...shown, name: 'Build cccc' });
    const own = run('3', { name: 'Build bbbb' });
    const runs = [named, foreign, own];
    expect(runsOfKey(attempt('aaaa'), runs)).toEqual([own]);
    expect(runsElsewhere(attempt('aaaa'), runs, ids)).toEqual([named]);
  },
);

it('takes attempts whose refs name one branch together', () => {
  const attempts = REFS.map((ref) => attempt(ref, { ref }));
  expect(group([...attempts, attempt('b', { ref: 'next' })], [])).toEqual([REFS, ['b']]);
});

it('keeps attempts of another workflow or ref apart, and not those of another actor', () => {
  const attempts = [
    attempt('a'),
    attempt('b', { actor: 'someone' }),
    attempt('c', { ref: 'next' }),
    attempt('d', { workflowId: 'other.yml' }),
  ];
  expect(group(attempts, [run('1')])).toEqual([['a', 'b'], ['c'], ['d']]);
});

it('knows by a run that two spellings are one workflow', () => {
  const attempts = ['7', 'ci.yml', '.github/workflows/ci.yml', '8'].map((workflowId) =>
    attempt(workflowId, { workflowId }),
  );
  const runs = [run('1', { path: '.github/workflows/ci.yml', workflowId: '7' })];
  expect(group(attempts, runs)).toEqual([['7', 'ci.yml', '.github/workflows/ci.yml'], ['8']]);
});

it('takes names of owners and repositories in any case', () => {
  expect(repoKeyOf({ owner: 'ACME', repo: 'App' })).toBe(repoKeyOf(attempt('a')));
});
