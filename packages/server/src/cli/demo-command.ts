import { fileURLToPath } from 'node:url';
import type * as Demo from '@dispatchoor/demo';
import type { DemoOptions } from '@dispatchoor/demo';
import { type Command, InvalidArgumentError } from 'commander';
import { readEnvironment } from '../config/environment.ts';
import { systemClock } from '../lib/clock.ts';

interface DemoFlags {
  readonly jobs?: number;
  readonly kill: number;
  readonly port?: number;
  readonly state?: string;
  readonly seed: number;
}

/** `dispatchoor demo` */
export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('play the whole product against a simulated GitHub, until Ctrl-C')
    .option('--jobs <n>', 'end after so many finished jobs', wholeNumber(1))
    .option('--kill <n>', 'kill -9 the server so often at random moments', wholeNumber(0), 0)
    .option('--port <n>', 'port of the server (default: 9090 or the next free one)', wholeNumber(1))
    .option('--state <folder>', 'empty folder for its files (default: a new one)')
    .option('--seed <n>', 'what is random follows from it', wholeNumber(0), 1)
    .action(async (flags: DemoFlags) => {
      const { runDemo } = await loadDemo();
      process.exitCode = await runDemo(optionsOf(flags));
    });
}

/** Only who plays it waits for its code. Rejects where it is not installed: published packages come without it. */
async function loadDemo(): Promise<typeof Demo> {
  try {
    return await import('@dispatchoor/demo');
  } catch (error) {
    const message =
      'the demo and its simulated GitHub come with the repository only: clone it, run "npm ci", then "npm run demo"';
    throw isNotFound(error) ? new Error(message, { cause: error }) : error;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}

function optionsOf({ jobs, kill, port, state, seed }: DemoFlags): DemoOptions {
  const end = new AbortController();
  // Once: a second Ctrl-C ends the demo at once, and its children with it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => end.abort());
  }
  // Nobody watches any more.
  process.stdout.on('error', () => end.abort());
  return {
    ...{ jobs, kill, port, seed },
    stateFolder: state,
    isTty: process.stdout.isTTY,
    output: process.stdout,
    clock: systemClock,
    serverProgram: fileURLToPath(import.meta.resolve('../../bin/dispatchoor.js')),
    env: readEnvironment(),
    signal: end.signal,
  };
}

function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && Number.isSafeInteger(value)) return value;
    throw new InvalidArgumentError(`Write a whole number, ${min} or more.`);
  };
}
