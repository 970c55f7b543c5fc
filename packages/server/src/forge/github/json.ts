/** 16 digits where a value of JSON begins; in a text they are rare, and do no harm there. */
const LONG_NUMBER = /[:[,]\s*-?\d{16}/;

/** It may have an integer that a double cannot hold. */
export function hasLongNumber(text: string): boolean {
  return LONG_NUMBER.test(text);
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
