import { writeSync } from 'node:fs';
import { type Clock, idleClock } from '../lib/clock.ts';
import { openLogDescriptor } from '../lib/log-descriptor.ts';
import { LogSink, type LogTrouble } from '../lib/log-sink.ts';
import { textOf } from '../lib/log-text.ts';
import { findLogLevel, type Logger, makeLogger } from '../lib/logger.ts';

const DRAIN_MS = 1_000;
const CHECK_EVERY_MS = 20;
const WARN = 40;

export interface LogOptions {
  readonly logLevel: string;
  readonly logFormat: string;
}

export interface Log {
  readonly logger: Logger;
  readonly sink: LogSink;
}

/** As the predecessor had it: an unknown level is an error for every command; an unknown format is text. */
export function openLog(options: LogOptions): Log {
  const level = findLogLevel(options.logLevel);
  if (level === undefined) {
    throw new Error(
      `--log-level: "${options.logLevel}" is none of trace, debug, info, warn, error, fatal, panic`,
    );
  }
  const format = options.logFormat === 'json' ? (line: string): string => line : textOf;
  const sink = new LogSink({
    fd: openLogDescriptor(() => process.stdout),
    clock: idleClock,
    troubleLine: (trouble) => format(troubleLine(trouble)),
    onError: writeToStderr,
  });
  const logger = makeLogger(level, {
    write: (line) => {
      sink.write(format(line));
    },
  });
  return { logger, sink };
}

/** Gives a slow reader a second for what still waits. A reader that stands still must not keep the process. */
export async function drainLog(sink: LogSink, clock: Clock): Promise<void> {
  const giveUpAt = clock.monotonic() + DRAIN_MS;
  while (sink.flush() === 'EAGAIN' && clock.monotonic() < giveUpAt)
    await clock.sleep(CHECK_EVERY_MS);
}

function troubleLine({ reason, since, lost }: LogTrouble): string {
  const record = {
    level: WARN,
    time: new Date(idleClock.now()).toISOString(),
    ...{ reason, since: new Date(since).toISOString(), lost },
    msg: 'the log could not be written for a while',
  };
  return `${JSON.stringify(record)}\n`;
}

function writeToStderr(code: string): void {
  try {
    writeSync(2, `Error: the log cannot be written (${code}); the server goes on without it\n`);
  } catch {
    // Nobody is left to tell.
  }
}
