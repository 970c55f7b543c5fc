import { type Environment, findVariable } from './environment.ts';

const NAME = '[A-Za-z_][A-Za-z0-9_]*';
const REFERENCE = new RegExp(`\\$(?:\\{(${NAME})\\}|(${NAME}))`, 'g');

/** Three characters that the text does not contain; they stand for `$`, `{` and `}` of references. */
export interface Marks {
  readonly dollar: string;
  readonly open: string;
  readonly close: string;
}

/** A scalar before and after its references were replaced by the variables' values. */
export interface Expansion {
  /** As the file has it. Messages quote this, never `text`: a variable may hold a secret. */
  readonly written: string;
  readonly text: string;
  readonly hasReferences: boolean;
  /** Variables that are not set; their references stay in `text` as they are. */
  readonly unset: readonly string[];
  /** The variable's name where the scalar is exactly one reference. */
  readonly wholeReference: string | undefined;
}

/**
 * Replaces the characters of each `${NAME}` and `$NAME` by marks, one for one, so that the text can
 * be parsed before anything is filled in. Without it `[${A}, ${B}]` is no YAML: braces end a plain
 * scalar inside a flow list. Positions stay true, and a `$` that YAML makes later, from `"\x24"`, is
 * no reference.
 */
export function markReferences(text: string): { text: string; marks: Marks } {
  const marks = chooseMarks(text);
  const marked = text.replace(REFERENCE, (_, braced?: string, bare?: string) =>
    braced === undefined
      ? `${marks.dollar}${bare ?? ''}`
      : `${marks.dollar}${marks.open}${braced}${marks.close}`,
  );
  return { text: marked, marks };
}

function chooseMarks(text: string): Marks {
  const free: string[] = [];
  // Private use: printable for YAML, indicators of nothing.
  for (let code = 0xe000; free.length < 3 && code <= 0xf8ff; code += 1) {
    const character = String.fromCharCode(code);
    if (!text.includes(character)) free.push(character);
  }
  const [dollar, open, close] = free;
  if (dollar === undefined || open === undefined || close === undefined) {
    throw new Error('the text uses every private-use character');
  }
  return { dollar, open, close };
}

function unmark(text: string, marks: Marks): string {
  return text
    .replaceAll(marks.dollar, '$')
    .replaceAll(marks.open, '{')
    .replaceAll(marks.close, '}');
}

/** Fills the marked references in. One pass: what a variable holds is not looked at again. */
export function expandMarked(marked: string, marks: Marks, env: Environment): Expansion {
  const references = new RegExp(
    `${marks.dollar}(?:${marks.open}(${NAME})${marks.close}|(${NAME}))`,
    'g',
  );
  const unset: string[] = [];
  let wholeReference: string | undefined;
  let hasReferences = false;
  const text = marked.replace(references, (reference: string, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? '';
    hasReferences = true;
    if (reference.length === marked.length) wholeReference = name;
    const value = findVariable(env, name);
    if (value === undefined) unset.push(name);
    return value ?? unmark(reference, marks);
  });
  return { written: unmark(marked, marks), text, hasReferences, unset, wholeReference };
}

/** For texts inside a variable: nothing is expanded, and messages name the variable only. */
export function hideAsReference(text: string, name: string): Expansion {
  return {
    ...keepAsWritten(text),
    written: `\${${name}}`,
    hasReferences: true,
  };
}

/** For texts in which nothing is expanded. */
export function keepAsWritten(text: string): Expansion {
  return { written: text, text, hasReferences: false, unset: [], wholeReference: undefined };
}
