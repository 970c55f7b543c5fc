import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.ts';

describe('the command line', () => {
  it('has a default for everything', () => {
    expect(parseOptions([])).toMatchObject({ port: 8480, profile: 'instant', seed: 1 });
  });

  it('takes every option', () => {
    const argv = '--port 0 --profile github --seed 7 --world w.json --ghes 3.20 --clock manual';
    expect(parseOptions([...argv.split(' '), '--validate'])).toMatchObject({
      port: 0,
      profile: 'github',
      seed: 7,
      world: 'w.json',
      ghes: '3.20',
      clock: 'manual',
      hasValidator: true,
    });
  });

  it.each([
    [['--bogus'], '--bogus'],
    [['--port', 'x'], '--port: "x"'],
    [['--port', '70000'], '--port: "70000"'],
    [['--seed', '-1'], '--seed'],
    [['--profile', 'fast'], '--profile: "fast" is not one of instant, github'],
    [['--clock', 'slow'], '--clock: "slow"'],
    [['--ghes', 'new'], '--ghes: "new"'],
    [['world.json'], 'world.json'],
    [['--webhook-url', 'nowhere'], '--webhook-url: "nowhere" is no http://'],
    [['--webhook-secret-file', '/x'], '--webhook-secret-file: there is no --webhook-url'],
    [['--webhook-url', 'http://x', '--webhook-secret-file', '/no/such'], '/no/such: ENOENT'],
    [['--webhook-url', 'http://x', '--webhook-secret-file', '/dev/null'], '/dev/null: is empty'],
  ])('refuses %j and names it', (argv, problem) => {
    expect(() => parseOptions(argv)).toThrow(problem);
  });
});
