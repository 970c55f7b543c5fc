import { escapeControls } from './escape-controls.ts';

const LEVEL_NAMES: Readonly<Record<number, string>> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};
const SHOWN_APART = new Set(['level', 'time', 'msg']);

/**
 * Turns a JSON line of the logger into `time LEVEL message key=value …` for people; an error keeps its stack. Never
 * throws: a line that redaction has made no JSON (a secret of digits was part of a number) stays as it is.
 */
export function textOf(line: string): string {
  const record = findRecord(line);
  if (record === undefined) return line;
  const level = LEVEL_NAMES[Number(record['level'])] ?? String(record['level']);
  const fields = Object.entries(record)
    .filter(([key]) => !SHOWN_APART.has(key))
    .map(([key, value]) => fieldText(key, value));
  const message = textual(record['msg']).replaceAll('\n', '\\n');
  const head = `${textual(record['time'])} ${level.padEnd(5)} ${message}`;
  return `${escapeControls([head, ...fields].join(' '))}\n`;
}

function findRecord(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function fieldText(key: string, value: unknown): string {
  if (key === 'err' && typeof value === 'object' && value !== null) {
    const { message, stack } = value as { message?: unknown; stack?: unknown };
    return `err=${JSON.stringify(message)}${typeof stack === 'string' ? indented(stack) : ''}`;
  }
  const isPlain = typeof value === 'string' && /^[\w./:@+-]+$/.test(value);
  return `${key}=${isPlain ? value : JSON.stringify(value)}`;
}

/** A foreign message in it must not begin a line as one of ours would. */
function indented(stack: string): string {
  return `\n${stack}`.replaceAll('\n', '\n    ');
}

function textual(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
