import type { Cursor, ScalarText } from './cursor.ts';
import { findNearest } from './nearest.ts';

/** Turns a spot in a document into a value; what is wrong is reported at the spot, never thrown. */
export interface Decoder<T> {
  readonly decode: (at: Cursor) => T;
  /** The keys it knows, as paths below it: `['']` for a scalar, `['.id', …]` for a section. */
  readonly keys: readonly string[];
}

export type Fields = Readonly<Record<string, Decoder<unknown>>>;

export type Decoded<D> = D extends Decoder<infer T> ? T : never;

/** A map of known keys: the values, and where each one stands (or would stand). */
export interface Section<F extends Fields> {
  readonly values: { readonly [K in keyof F]: Decoded<F[K]> };
  readonly at: { readonly [K in keyof F]: Cursor };
  readonly place: Cursor;
}

/** A value together with its spot, for checks that look at more than one value. */
export interface Spotted<T> {
  readonly value: T;
  readonly at: Cursor;
}

export function section<F extends Fields>(fields: F): Decoder<Section<F>> {
  return {
    decode: (at) => decodeSection(fields, at),
    keys: Object.entries(fields).flatMap(([key, { keys }]) => keys.map((rest) => `.${key}${rest}`)),
  };
}

export function list<T>(item: Decoder<T>): Decoder<readonly T[]> {
  return {
    decode: (at) => findCollection(at, 'list')?.items().map(item.decode) ?? [],
    keys: item.keys.map((rest) => (rest === '' ? '' : `[]${rest}`)),
  };
}

/** A map whose keys the user chooses. */
export function mapOf<T>(value: Decoder<T>): Decoder<readonly (readonly [string, Spotted<T>])[]> {
  return {
    decode: (at) =>
      (findCollection(at, 'map')?.entries() ?? []).map(({ key, keyAt, value: below }) => {
        refuseUnstorable(key, keyAt);
        return [key, { value: value.decode(below), at: below }] as const;
      }),
    keys: [''],
  };
}

export function spotted<T>(decoder: Decoder<T>): Decoder<Spotted<T>> {
  return { decode: (at) => ({ value: decoder.decode(at), at }), keys: decoder.keys };
}

function decodeSection<F extends Fields>(fields: F, at: Cursor): Section<F> {
  const known = Object.keys(fields);
  const given = new Map<string, Cursor>();
  for (const { key, keyAt, value } of findCollection(at, 'map')?.entries() ?? []) {
    if (known.includes(key)) given.set(key, value);
    else keyAt.warn(`unknown key, not used${suggest(key, known)}`);
  }
  const spots = known.map((key) => [key, given.get(key) ?? at.missing(key)] as const);
  const values = spots.map(([key, spot]) => [key, fields[key]?.decode(spot)] as const);
  // The two casts say what the loops above did: one entry per key of `fields`.
  return {
    values: Object.fromEntries(values) as Section<F>['values'],
    at: Object.fromEntries(spots) as Section<F>['at'],
    place: at,
  };
}

function suggest(key: string, known: readonly string[]): string {
  const nearest = findNearest(key, known);
  return nearest === undefined ? `; known here: ${known.join(', ')}` : `; did you mean ${nearest}?`;
}

const shapes = {
  list: { what: 'a list', write: 'write [a, b], or lines that start with "- "' },
  map: { what: 'a map', write: 'write lines of key: value below it' },
  scalar: { what: 'a single value', write: 'write one value' },
} as const;

/** The list or map at a spot, or in the variable that stands for it; undefined: none, the default. */
function findCollection(at: Cursor, wanted: 'list' | 'map'): Cursor | undefined {
  const { shape } = at;
  if (shape === 'missing' || shape === wanted) return shape === wanted ? at : undefined;
  if (shape === 'scalar') return findReferenced(at, wanted);
  reportShape(at, wanted);
  return undefined;
}

function findReferenced(at: Cursor, wanted: 'list' | 'map'): Cursor | undefined {
  const { text, isPlain, wholeReference, unset } = at.scalar();
  if (wholeReference === undefined || !isPlain) {
    reportShape(at, wanted);
    return undefined;
  }
  if (unset.length > 0) {
    at.problemOfUnset(
      `the variable ${wholeReference} is not set; set it, or ${shapes[wanted].write}`,
    );
    return undefined;
  }
  if (text.trim() === '') return undefined;
  const found = /^\s*[[{]/.test(text) ? at.parseFlow(text, wholeReference) : undefined;
  if (found?.shape === wanted) return found;
  at.problem(
    `the variable ${wholeReference} must hold ${shapes[wanted].what}; write it as ${wanted === 'list' ? '[a, b]' : '{a: b}'}`,
  );
  return undefined;
}

/** The scalar at a spot; undefined where there is none, or where something else is (reported). */
export function findScalar(at: Cursor): ScalarText | undefined {
  const { shape } = at;
  if (shape === 'scalar') return at.scalar();
  if (shape !== 'missing') reportShape(at, 'scalar');
  return undefined;
}

/** YAML can write both. PostgreSQL stores neither as it is, so that a template would have changed at each start. */
export function refuseUnstorable(text: string, at: Cursor): void {
  if (!text.includes('\0') && text.isWellFormed()) return;
  at.problem('holds U+0000 or half of a surrogate pair, which cannot be stored; leave it out');
}

function reportShape(at: Cursor, wanted: keyof typeof shapes): void {
  const { shape } = at;
  if (shape === 'missing') return;
  at.problem(`is ${shapes[shape].what}, must be ${shapes[wanted].what}; ${shapes[wanted].write}`);
}
