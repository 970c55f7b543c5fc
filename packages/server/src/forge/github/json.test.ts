import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hasLongNumber, parseShortNumbers } from './json.ts';

it('tells of every integer that a double cannot hold, wherever it stands', () => {
  const long = fc.bigInt({ min: 2n ** 53n }).map((value) => value.toString());
  const place = fc.constantFrom(
    (id: string) => `{"id":${id}}`,
    (id: string) => `{"id": -${id}, "a":1}`,
    (id: string) => `[\n  ${id}]`,
    (id: string) => `{"ids":[1,${id}]}`,
  );
  fc.assert(fc.property(long, place, (id, put) => hasLongNumber(put(id))));
});

it('sees none in ids as they are today, nor in texts such as hashes and times', () => {
  const sha = '1234567890123456789012345678901234567890';
  const page = { id: 30_433_642, head_sha: sha, created_at: '2026-01-01T12:00:00Z' };
  expect(hasLongNumber(JSON.stringify([page], undefined, 2))).toBe(false);
});

it('hands back as text what is no JSON, and nothing for nothing', () => {
  expect(parseShortNumbers('{"id":1}')).toEqual({ id: 1 });
  expect(parseShortNumbers('<html>')).toBe('<html>');
  expect(parseShortNumbers('')).toBeUndefined();
});
