import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Keys that may hold a secret wherever they stand: the last net under code that should not log them at all. */
const SECRET_KEYS = ['token', 'password', 'authorization', 'cookie', 'secret', 'clientSecret'];

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

/** An error that says `isExpected` is told by its message: its stack is of no use to an operator. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const isExpected = 'isExpected' in error && error.isExpected === true;
  return isExpected ? { type: error.name, message: error.message } : pino.stdSerializers.err(error);
}

export function makeLogger(level: string, destination?: DestinationStream): Logger {
  const paths = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);
  return pino(
    {
      level,
      base: null,
      serializers: { err: errorFields },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths, censor: '***' },
    },
    destination ?? pino.destination(1),
  );
}
