import { format, inspect } from 'node:util';
import pino from 'pino';
import { expect, it } from 'vitest';
import { Secret } from './secret.ts';

const secret = new Secret('hunter2');

it.each([
  ['String()', String(secret)],
  ['joining', [secret].join()],
  ['JSON', JSON.stringify({ secret })],
  ['inspect', inspect({ deep: [{ secret }] }, { showHidden: true, depth: 9 })],
  ['format', format('%s %o %O %j', secret, secret, secret, secret)],
])('is not shown by %s', (_, shown) => {
  expect(shown).not.toContain('hunter2');
  expect(shown).toContain('[redacted]');
});

it('is not shown by the logger', () => {
  const lines: string[] = [];
  pino({}, { write: (line) => void lines.push(line) }).info({ secret }, 'started');
  expect(lines.join('')).not.toContain('hunter2');
});

it('is given only to who asks for it', () => {
  expect(secret.reveal()).toBe('hunter2');
  expect(secret.isEmpty).toBe(false);
  expect(new Secret('').isEmpty).toBe(true);
});
