import { expect, it } from 'vitest';
import { replaceBetween } from './write-docs.ts';

const page = 'before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n';

it('replaces what stands between the markers, and nothing else', () => {
  const replaced = replaceBetween(page, 'new');
  expect(replaced).toBe('before\n<!-- bench: begin -->\n\nnew\n\n<!-- bench: end -->\nafter\n');
  expect(replaceBetween(replaced, 'new')).toBe(replaced);
});

it('refuses a page without markers', () => {
  expect(() => replaceBetween('before\n', 'new')).toThrow(/bench: begin/);
});
