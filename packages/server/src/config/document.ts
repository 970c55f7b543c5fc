import { type Alias, isAlias, type Node, visit } from 'yaml';
import { Cursor } from './cursor.ts';
import type { Environment } from './environment.ts';
import {
  type Expansion,
  expandMarked,
  hideAsReference,
  keepAsWritten,
  markReferences,
} from './expand.ts';
import type { Findings, Place } from './findings.ts';
import { explainSyntaxError, type ParsedText, parseYaml } from './syntax.ts';

// Far more than anyone writes; a document that multiplies itself by aliases stops here.
const MAX_ALIASES = 10_000;

/** Entries of lists and maps that a document may hold beside one for each of its characters, counted at each reading. */
const MOST_BY_ALIASES = 100_000;

interface ReaderOptions {
  readonly parsed: ParsedText;
  readonly findings: Findings;
  readonly expand: (text: string) => Expansion;
  readonly whole: Place;
  /** Set where the text has no lines of its own: it came from a variable. */
  readonly isInsideVariable: boolean;
}

/** One parsed text: finds its lines, follows its aliases, expands its scalars. */
export class DocumentReader {
  readonly findings: Findings;
  readonly expand: (text: string) => Expansion;
  readonly #options: ReaderOptions;
  #aliases = 0;
  #found = 0;
  #targets: ReadonlyMap<Alias, Node> | undefined;

  get isInsideVariable(): boolean {
    return this.#options.isInsideVariable;
  }

  constructor(options: ReaderOptions) {
    this.findings = options.findings;
    this.expand = options.expand;
    this.#options = options;
  }

  get root(): Node | undefined {
    return this.#options.parsed.document.contents ?? undefined;
  }

  locate(offset: number | undefined): { line: number; col: number } {
    const { isInsideVariable, whole, parsed } = this.#options;
    if (isInsideVariable || offset === undefined) return { line: whole.line, col: whole.col };
    return parsed.locate(offset);
  }

  resolveAlias(alias: Alias): Node | undefined {
    this.#aliases += 1;
    if (this.#aliases === MAX_ALIASES) {
      this.findings.problem(this.#options.whole, 'too many aliases (*name); write values out');
    }
    if (this.#aliases >= MAX_ALIASES) return undefined;
    this.#targets ??= mapAliases(this.#options.parsed);
    const found = this.#targets.get(alias);
    if (found === undefined) {
      const place = { ...this.#options.whole, ...this.locate(alias.range?.[0]) };
      this.findings.problem(
        place,
        'not YAML: an alias (*name) without its anchor; write &name before it, or quote the value',
      );
    }
    return found;
  }

  /** Counts what lists and maps hold, each time it is read. False, and reported, where aliases have multiplied it. */
  trySpend(count: number): boolean {
    const most = MOST_BY_ALIASES + this.#options.parsed.document.range[2];
    const before = this.#found;
    this.#found += count;
    if (this.#found <= most) return true;
    if (before <= most) {
      this.findings.problem(this.#options.whole, 'too many aliases (*name); write values out');
    }
    return false;
  }

  /** Reads the flow list or map that a variable holds. Reported and undefined where it holds none. */
  parseVariable(text: string, name: string, place: Place): DocumentReader | undefined {
    const parsed = parseYaml(text);
    if (parsed.document.errors.length > 0) {
      this.findings.problem(
        place,
        `the variable ${name} holds no list or map that can be read; write it as [a, b] or {a: b}`,
      );
      return undefined;
    }
    return new DocumentReader({
      parsed,
      findings: this.findings,
      expand: (inside) => hideAsReference(inside, name),
      whole: place,
      isInsideVariable: true,
    });
  }
}

export interface TextToRead {
  readonly text: string;
  /** What messages call it: a path, or a URL without its secrets. */
  readonly file: string;
  /** null: references are left alone, as in everything that was fetched. */
  readonly env: Environment | null;
}

/** The root of a YAML (or JSON) text; undefined, and reported, where it cannot be parsed. */
export function readDocument(source: TextToRead, findings: Findings): Cursor | undefined {
  const { env, file } = source;
  findings.enterFile(file);
  const { text, marks } = markReferences(source.text);
  const parsed = parseYaml(env === null ? source.text : text);
  const whole: Place = { file, line: 1, col: 1, path: '' };
  if (reportSyntax(parsed, whole, findings)) return undefined;
  const expand = env === null ? keepAsWritten : (found: string) => expandMarked(found, marks, env);
  const reader = new DocumentReader({ parsed, findings, expand, whole, isInsideVariable: false });
  return new Cursor(reader, reader.root, { ...whole, ...reader.locate(reader.root?.range?.[0]) });
}

/** Whether anything makes the document unreadable. */
function reportSyntax(parsed: ParsedText, whole: Place, findings: Findings): boolean {
  let isBroken = false;
  for (const error of parsed.document.errors) {
    const place = { ...whole, ...parsed.locate(error.pos[0]) };
    if (error.code === 'MULTIPLE_DOCS') {
      findings.warn(place, 'a second document after "---" is not read; put all into one');
    } else {
      isBroken = true;
      findings.problem(place, explainSyntaxError(error));
    }
  }
  return isBroken;
}

/** Each alias with what it stands for: the nearest anchor of that name before it. One walk for all of them. */
function mapAliases({ document }: ParsedText): Map<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Node: (_, node) => {
      const target = isAlias(node) ? anchors.get(node.source) : undefined;
      if (isAlias(node) && target !== undefined) targets.set(node, target);
      else if (!isAlias(node) && node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return targets;
}
