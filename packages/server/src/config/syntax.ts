import { type Document, LineCounter, parseDocument, type YAMLError } from 'yaml';

export interface ParsedText {
  readonly document: Document.Parsed;
  readonly locate: (offset: number) => { line: number; col: number };
}

/**
 * Reads the first YAML document of a text. What it holds is not interpreted: which keys there are,
 * their types, and keys given twice are the cursor's matter, after expansion.
 */
export function parseYaml(text: string): ParsedText {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'error',
  });
  return { document, locate: (offset) => lines.linePos(offset) };
}

// The library's own texts quote the file, and the line may hold a password.
const advice: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  BAD_DQ_ESCAPE: 'a backslash that means nothing; write \\\\, or use single quotes',
  BAD_INDENT: 'wrong indentation; keys of one map start in the same column',
  BAD_SCALAR_START: 'a value cannot start with this character; put it in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " in one line; put the value in quotes',
  BLOCK_IN_FLOW:
    'lines with "- " or "key:" cannot stand inside [ ] or { }; write them on one level',
  MISSING_CHAR:
    'a character is missing, such as a closing quote or bracket, or the ":" after a key',
  MULTILINE_IMPLICIT_KEY: 'no ": " behind the key; write key: value on one line',
  RESOURCE_EXHAUSTION: 'nested too deep; write fewer brackets or levels',
  TAB_AS_INDENT: 'a tab as indentation; write spaces',
  UNEXPECTED_TOKEN:
    'something that cannot stand here; check quotes, brackets and indentation above',
};

/** What is wrong and what to write instead, without a word of what the file holds. */
export function explainSyntaxError(error: YAMLError): string {
  return `not YAML: ${advice[error.code] ?? `${error.code.toLowerCase().replaceAll('_', ' ')}; check this line and the one above`}`;
}
