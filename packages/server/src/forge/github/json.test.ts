import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hasLongNumber, parseJson, parseShortNumbers } from './json.ts';

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

it('keeps every digit of an integer, and leaves every other value as it is', () => {
  const text = '{"ids":[9007199254740993,-9007199254740993,1],"is":"9007199254740993","of":1e30}';
  expect(parseJson(text)).toEqual({
    ids: [9_007_199_254_740_993n, -9_007_199_254_740_993n, 1],
    is: '9007199254740993',
    of: 1e30,
  });
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = JSON.stringify(value);
      fc.pre(!hasLongNumber(`[${json}]`));
      const expected = { long: 9_007_199_254_740_993n, value: JSON.parse(json) as unknown };
      expect(parseJson(`{"long":9007199254740993,"value":${json}}`)).toEqual(expected);
    }),
  );
});

it('hands back as text what is no JSON, and nothing for nothing', () => {
  expect(parseShortNumbers('{"id":1}')).toEqual({ id: 1 });
  expect(parseShortNumbers('<html>')).toBe('<html>');
  expect(parseShortNumbers('')).toBeUndefined();
});
