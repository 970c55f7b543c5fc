import { Command } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import { addDemoCommand } from './demo-command.ts';

// commander imports node:process as a whole, and with it opens the standard input.
afterAll(() => {
  process.stdin.destroy();
});

describe('dispatchoor demo', () => {
  it.each([
    ['--jobs', '0'],
    ['--jobs', 'many'],
    ['--kill', '-1'],
    ['--port', '1.5'],
  ])('refuses %s %s before it starts anything', async (flag, value) => {
    const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
    addDemoCommand(program);
    for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
    await expect(
      program.parseAsync(['demo', `${flag}=${value}`], { from: 'user' }),
    ).rejects.toThrow(/whole number/);
  });
});
