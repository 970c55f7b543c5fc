/** 16 digits where a value of JSON begins; in a text they are rare, and do no harm there. */
const LONG_NUMBER = /[:[,]\s*-?\d{16}/;

/** It may have an integer that a double cannot hold. */
export function hasLongNumber(text: string): boolean {
  return LONG_NUMBER.test(text);
}

/** @throws SyntaxError @returns integers that a double cannot hold as bigint, as octokit reads replies */
export function parseJson(text: string): unknown {
  if (!hasLongNumber(text)) return JSON.parse(text);
  return JSON.parse(text, keepLong as (key: string, value: unknown) => unknown);
}

/** Typed by hand: TypeScript does not know yet that a reviver is shown how a value was written. */
function keepLong(_key: string, value: unknown, { source = '' }: { source?: string }): unknown {
  const isLong = typeof value === 'number' && !Number.isSafeInteger(value);
  return isLong && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** The text itself where it is no JSON; undefined where there is none. */
export function parseShortNumbers(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
