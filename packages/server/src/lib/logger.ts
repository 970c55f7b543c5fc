import { type DestinationStream, type Logger, pino } from 'pino';
import { escapeControls } from './escape-controls.ts';
import { redact } from './redaction.ts';

export type { Logger } from 'pino';

/** Keys that may hold a secret wherever they stand: the last net under code that should not log them at all. */
const SECRET_KEYS = ['token', 'password', 'authorization', 'cookie', 'secret', 'clientSecret'];
/** Quotes inside a text are escaped, so this is found only where a key stands. */
const HAS_SECRET_KEY = new RegExp(`"(?:${SECRET_KEYS.join('|')})":`);

/** go-style names are accepted because the predecessor's flag took them. */
const LEVELS: Readonly<Record<string, string>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  fatal: 'fatal',
  panic: 'fatal',
};

/** `undefined` when the name is none of trace, debug, info, warn, warning, error, fatal, panic (any case). */
export function findLogLevel(name: string): string | undefined {
  return LEVELS[name.toLowerCase()];
}

/** An error that says `isExpected` is shown by its message: its stack is of no use to an operator. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const isExpected = 'isExpected' in error && error.isExpected === true;
  return isExpected ? { type: error.name, message: error.message } : pino.stdSerializers.err(error);
}

/**
 * Also what others wrote, whatever it stands under. A line is JSON, so is what `redact` looks for. A secret that is part
 * of a number or of the syntax leaves something that is no JSON any more: that is why it comes after all that reads JSON.
 */
function cleanLine(line: string): string {
  return escapeControls(redact(hideSecrets(line)));
}

/** On the finished line: that costs next to nothing where there is no such key, and sees every depth, child and error. */
function hideSecrets(line: string): string {
  if (!HAS_SECRET_KEY.test(line)) return line;
  const hidden: unknown = JSON.parse(line, (key, value: unknown) =>
    SECRET_KEYS.includes(key) ? '***' : value,
  );
  return `${JSON.stringify(hidden)}\n`;
}

/** @param destination takes each line as JSON; default: the standard output, which tests' programs log to */
export function makeLogger(level: string, destination: DestinationStream = process.stdout): Logger {
  return pino(
    {
      level,
      base: null,
      serializers: { err: errorFields },
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: { streamWrite: cleanLine },
    },
    destination,
  );
}
