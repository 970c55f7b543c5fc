import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.ts';

const rows = ['a', 'b'];

describe('the options', () => {
  it('take all rows on both databases when nothing is said', () => {
    const options = parseOptions([], rows);
    expect(options.only).toEqual(rows);
    expect(options.databases).toEqual(['SQLite', 'PostgreSQL']);
    expect(options.docs).toBeUndefined();
  });

  it('take the rows that are named', () => {
    expect(parseOptions(['--only', 'b', '--database', 'sqlite'], rows)).toMatchObject({
      only: ['b'],
      databases: ['SQLite'],
    });
  });

  it.each([
    [['--only', 'a,c'], /--only: "c" is not one of a, b/],
    [['--database', 'oracle'], /--database: "oracle"/],
    [['--seed', 'x'], /--seed: "x"/],
    [['--docs', '--only', 'a'], /--docs writes the tables of a whole run/],
    [['--docs', '--database', 'sqlite'], /--docs writes the tables of a whole run/],
    [['--fast'], /--fast/],
  ])('refuse %j and name it', (argv, message) => {
    expect(() => parseOptions(argv, rows)).toThrow(message);
  });
});
