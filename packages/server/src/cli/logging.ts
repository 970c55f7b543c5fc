import { textLogStream } from '../lib/log-text.ts';
import { findLogLevel, type Logger, makeLogger } from '../lib/logger.ts';

export interface LogOptions {
  readonly logLevel: string;
  readonly logFormat: string;
}

/** As the predecessor had it: an unknown level is an error for every command; an unknown format is text. */
export function openLogger(options: LogOptions): Logger {
  const level = findLogLevel(options.logLevel);
  if (level === undefined) {
    throw new Error(
      `--log-level: "${options.logLevel}" is none of trace, debug, info, warn, error, fatal, panic`,
    );
  }
  return makeLogger(
    level,
    options.logFormat === 'json' ? undefined : textLogStream(process.stdout),
  );
}
