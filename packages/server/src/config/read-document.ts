import { Cursor } from './cursor.ts';
import type { Diagnostics, Place } from './diagnostics.ts';
import { DocumentReader } from './document.ts';
import type { Environment } from './environment.ts';
import { expandMarked, keepAsWritten, markReferences } from './expand.ts';
import { explainSyntaxError, type ParsedText, parseYaml } from './syntax.ts';

export interface TextToRead {
  readonly text: string;
  /** What messages call it: a path, or a URL without its secrets. */
  readonly file: string;
  /** null: references are left alone, as in everything that was fetched. */
  readonly env: Environment | null;
}

/** The root of a YAML (or JSON) text; undefined, and reported, where it cannot be parsed. */
export function readDocument(source: TextToRead, diagnostics: Diagnostics): Cursor | undefined {
  const { env, file } = source;
  diagnostics.enterFile(file);
  const { text, marks } = markReferences(source.text);
  const parsed = parseYaml(env === null ? source.text : text);
  const whole: Place = { file, line: 1, col: 1, path: '' };
  if (reportSyntax(parsed, whole, diagnostics)) return undefined;
  const expand = env === null ? keepAsWritten : (found: string) => expandMarked(found, marks, env);
  const reader = new DocumentReader({
    parsed,
    diagnostics,
    expand,
    whole,
    isInsideVariable: false,
  });
  return new Cursor(reader, reader.root, { ...whole, ...reader.locate(reader.root?.range?.[0]) });
}

/** Whether anything makes the document unreadable. */
function reportSyntax(parsed: ParsedText, whole: Place, diagnostics: Diagnostics): boolean {
  let isBroken = false;
  for (const error of parsed.document.errors) {
    const place = { ...whole, ...parsed.locate(error.pos[0]) };
    if (error.code === 'MULTIPLE_DOCS') {
      diagnostics.warn(place, 'a second document after "---" is not read; put all into one');
    } else {
      isBroken = true;
      diagnostics.problem(place, explainSyntaxError(error));
    }
  }
  return isBroken;
}
