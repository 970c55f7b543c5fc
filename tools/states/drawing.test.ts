import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { ATTEMPT_MOVES } from '../../packages/server/src/domain/attempt.ts';
import { JOB_MOVES } from '../../packages/server/src/domain/job.ts';
import { drawStates } from './drawing.ts';

it('docs/states.md shows the transition tables as they are (else: npx node tools/draw-states.js)', async () => {
  const page = await readFile(new URL('../../docs/states.md', import.meta.url), 'utf8');
  expect(page).toBe(drawStates());
});

it('each move is one edge of one diagram', () => {
  const edges = drawStates()
    .split('\n')
    .filter((line) => line.includes(' --> '));
  expect(edges).toHaveLength(JOB_MOVES.length + ATTEMPT_MOVES.length);
  expect(edges.every((line) => /^ {2}\S+ --> \S+: [^:;]+$/.test(line))).toBe(true);
});
