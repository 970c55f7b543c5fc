import { Command } from 'commander';
import { escapeControls } from '../lib/escape-controls.ts';
import { redact } from '../lib/redaction.ts';
import { addDemoCommand } from './demo-command.ts';
import { type LogOptions, openLog } from './logging.ts';
import { runMigrate } from './migrate.ts';
import { runServer } from './server.ts';
import { versionText } from './version.ts';

const CONFIG_FLAG = [
  '-c, --config <path>',
  'path of the configuration file',
  'config.yaml',
] as const;

interface ConfigFlag {
  readonly config: string;
}

function makeProgram(): Command {
  const program = new Command('dispatchoor')
    .description('Starts CI jobs the moment a matching self-hosted runner is free.')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or panic', 'info')
    .option('--log-format <format>', 'text or json', 'text')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => print(process.stdout, text),
      outputError: (text) => print(process.stderr, text.replace(/^error:/, 'Error:')),
    })
    .exitOverride();
  const logs = (): LogOptions => program.opts();
  program
    .command('server')
    .description('run the server')
    .option(...CONFIG_FLAG)
    .action((flags: ConfigFlag) => runServer({ ...logs(), ...flags }));
  program
    .command('migrate')
    .description('create or upgrade the database schema, then end')
    .option(...CONFIG_FLAG)
    .action((flags: ConfigFlag) => runMigrate({ ...logs(), ...flags }));
  program
    .command('version')
    .description('print version, commit and build date')
    .action(() => {
      openLog(logs());
      print(process.stdout, `${versionText()}\n`);
    });
  addDemoCommand(program);
  return program;
}

/** Parses and runs; the exit code says how it went. A failure is one `Error: …` on stderr, without a stack. */
export async function runProgram(args: readonly string[]): Promise<void> {
  try {
    // Without a command: the help, and no error.
    await makeProgram().parseAsync(args.length === 0 ? ['--help'] : [...args], { from: 'user' });
  } catch (error) {
    process.exitCode = report(error);
  }
}

function report(error: unknown): number {
  // Commander has printed what was wrong with the arguments, or the help that was asked for.
  if (isCommanderError(error)) return error.exitCode;
  const text = error instanceof Error ? error.message : String(error);
  print(process.stderr, `Error: ${escapeControls(redact(text))}\n`);
  return 1;
}

/** Whoever should have read it may be gone: that is nobody's error. */
function print(stream: NodeJS.WriteStream, text: string): void {
  stream.once('error', () => undefined);
  stream.write(text);
}

function isCommanderError(error: unknown): error is { exitCode: number } {
  return error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number';
}
