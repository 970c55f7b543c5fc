import { parseGoDuration } from '../lib/go-duration.ts';
import { redactUrls } from '../lib/redaction.ts';
import { Secret } from '../lib/secret.ts';
import type { Cursor, ScalarText } from './cursor.ts';
import { type Decoder, findScalar, refuseUnstorable } from './decode.ts';

/** Text as the file has it, whatever it looks like: `180` → "180", `1.10` → "1.10". */
export function text(fallback = ''): Decoder<string> {
  return scalar(fallback, (found, at) => {
    warnOfUnset(found, at);
    return found.text === '' ? fallback : found.text;
  });
}

/** Text and whether variables are in it, for what must not show what they hold. */
export interface Reading {
  readonly text: string;
  readonly hasReferences: boolean;
}

export function reading(): Decoder<Reading> {
  return scalar({ text: '', hasReferences: false }, (found, at) => {
    warnOfUnset(found, at);
    return { text: found.text, hasReferences: found.hasReferences };
  });
}

/** A secret; where the file names a variable that is not set, its name, and no value. */
export interface SecretText {
  readonly secret: Secret;
  readonly unsetVariable: string | undefined;
  readonly hasReferences: boolean;
}

export function secret(): Decoder<SecretText> {
  const none = { secret: new Secret(''), unsetVariable: undefined, hasReferences: false };
  return scalar<SecretText>(none, (found, at) => {
    if (found.wholeReference !== undefined && found.unset.length > 0) {
      return { ...none, unsetVariable: found.wholeReference };
    }
    if (found.unset.length > 0) {
      // Not even the name: it is a part of the secret if it is meant literally.
      at.warnOfUnset(
        'holds a "$" and a name of no variable that is set; it is taken as it is written',
      );
    }
    return {
      secret: new Secret(found.text),
      unsetVariable: undefined,
      hasReferences: found.hasReferences,
    };
  });
}

export function boolean(fallback: boolean): Decoder<boolean> {
  return scalar(fallback, (found, at) => {
    const word = found.text.trim().toLowerCase();
    if (word === '') return fallback;
    if (['true', 'yes', 'on', 'y'].includes(word)) return true;
    if (['false', 'no', 'off', 'n'].includes(word)) return false;
    report(at, found, `${quote(found)} is neither yes nor no; write true or false`);
    return fallback;
  });
}

interface Range<T> {
  /** For a missing, empty or zero value. */
  readonly fallback: T;
  readonly min: number;
  readonly max: number;
}

export function integer(range: Range<number>): Decoder<number> {
  return number(range, parseInteger, 'a whole number');
}

/** A number that may have decimals. */
export function decimal(range: Range<number>): Decoder<number> {
  return number(range, parseDecimal, 'a number');
}

function number<T extends number>(
  { fallback, min, max }: Range<T>,
  parse: (text: string) => number | undefined,
  what: string,
): Decoder<number> {
  return scalar<number>(fallback, (found, at) => {
    if (found.text.trim() === '' && found.isPlain) return fallback;
    const value = found.isPlain ? parse(found.text.trim()) : undefined;
    if (value === undefined) {
      const hint = found.isPlain ? '' : ' without quotes';
      const write = `write ${what}${hint}, such as ${example(min)}`;
      report(at, found, `${quote(found)} is not ${what}; ${write}`);
    } else if (value !== 0 && (value < min || value > max)) {
      at.problem(`${quote(found)} is out of range; write ${String(min)} to ${String(max)}`);
    }
    return value === undefined || value === 0 ? fallback : value;
  });
}

/** Milliseconds. Missing, empty and zero mean the default; without a unit it is refused. */
export function duration({
  fallback,
  min,
  max,
}: Record<keyof Range<string>, string>): Decoder<number> {
  const [fallbackMs, minMs, maxMs] = [fallback, min, max].map((each) => parseGoDuration(each) ?? 0);
  return scalar(fallbackMs ?? 0, (found, at) => {
    const written = found.text.trim();
    if (written === '') return fallbackMs ?? 0;
    // A quoted "0" was a duration for Go, a bare 0 a number.
    const isNumber = found.isPlain && /^[-+]?0$/.test(written);
    const value = isNumber ? undefined : parseGoDuration(written);
    if (value === undefined) {
      report(
        at,
        found,
        `${quote(found)} is not a duration; write a number with a unit, such as ${fallback}`,
      );
    } else if (value !== 0 && (value < (minMs ?? 0) || value > (maxMs ?? 0))) {
      at.problem(`${quote(found)} is out of range; write ${min} to ${max}`);
    }
    return value === undefined || value === 0 ? (fallbackMs ?? 0) : Math.ceil(value);
  });
}

function scalar<T>(missing: T, read: (found: ScalarText, at: Cursor) => T): Decoder<T> {
  return {
    decode: (at) => {
      const found = findScalar(at);
      if (found === undefined) return missing;
      refuseUnstorable(found.text, at);
      return read(found, at);
    },
    keys: [''],
  };
}

function report(at: Cursor, found: ScalarText, message: string): void {
  if (found.unset.length > 0) at.problemOfUnset(message);
  else at.problem(message);
}

function warnOfUnset(found: ScalarText, at: Cursor): void {
  for (const name of found.unset) {
    at.warnOfUnset(`the variable ${name} is not set; the text is taken as it is written`);
  }
}

/** The scalar at a spot for a message. Never for a secret. */
export function quoteAt(at: Cursor): string {
  return at.shape === 'scalar' ? quote(at.scalar()) : 'the value';
}

/** As the file has it: what a variable holds is not for messages. */
function quote(found: ScalarText): string {
  const [unset] = found.unset;
  if (unset !== undefined)
    return `"${redactUrls(found.written)}" (the variable ${unset} is not set)`;
  const written = redactUrls(found.written);
  return found.hasReferences ? `what "${written}" stands for` : `"${written}"`;
}

function example(min: number): string {
  return String(Math.max(min, 1));
}

/** Whole numbers as YAML writes them for Go: 60, 1_000, 0x3c, 0o74, 0b1, 074, 6e1. */
function parseInteger(written: string): number | undefined {
  const sign = written.startsWith('-') ? -1 : 1;
  const digits = written.replace(/^[-+]/, '').replaceAll('_', '');
  if (/^0[0-7]+$/.test(digits)) return sign * Number.parseInt(digits, 8);
  if (/^0(?:x[0-9a-f]+|o[0-7]+|b[01]+)$/i.test(digits)) return sign * Number(digits);
  const value = parseDecimal(digits);
  return value !== undefined && Number.isSafeInteger(value) ? sign * value : undefined;
}

function parseDecimal(written: string): number | undefined {
  if (!/^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(written)) return undefined;
  const value = Number(written);
  return Number.isFinite(value) ? value : undefined;
}
