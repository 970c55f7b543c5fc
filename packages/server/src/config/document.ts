import { type Alias, isAlias, type Node, visit } from 'yaml';
import type { Diagnostics, Place } from './diagnostics.ts';
import { type Expansion, hideAsReference } from './expand.ts';
import { type ParsedText, parseYaml } from './syntax.ts';

// Far more than anyone writes; a document that multiplies itself by aliases stops here.
const MAX_ALIASES = 10_000;

/** Entries of lists and maps that a document may hold beside one for each of its characters, counted at each reading. */
const MOST_BY_ALIASES = 100_000;

interface ReaderOptions {
  readonly parsed: ParsedText;
  readonly diagnostics: Diagnostics;
  readonly expand: (text: string) => Expansion;
  readonly whole: Place;
  /** Set where the text has no lines of its own: it came from a variable. */
  readonly isInsideVariable: boolean;
}

/** One parsed text: finds its lines, follows its aliases, expands its scalars. */
export class DocumentReader {
  readonly diagnostics: Diagnostics;
  readonly expand: (text: string) => Expansion;
  readonly #options: ReaderOptions;
  #aliases = 0;
  #found = 0;
  #targets: ReadonlyMap<Alias, Node> | undefined;

  get isInsideVariable(): boolean {
    return this.#options.isInsideVariable;
  }

  constructor(options: ReaderOptions) {
    this.diagnostics = options.diagnostics;
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
      this.diagnostics.problem(this.#options.whole, 'too many aliases (*name); write values out');
    }
    if (this.#aliases >= MAX_ALIASES) return undefined;
    this.#targets ??= mapAliases(this.#options.parsed);
    const found = this.#targets.get(alias);
    if (found === undefined) {
      const place = { ...this.#options.whole, ...this.locate(alias.range?.[0]) };
      this.diagnostics.problem(
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
      this.diagnostics.problem(this.#options.whole, 'too many aliases (*name); write values out');
    }
    return false;
  }

  /** Reads the flow list or map that a variable holds. Reported and undefined where it holds none. */
  parseVariable(text: string, name: string, place: Place): DocumentReader | undefined {
    const parsed = parseYaml(text);
    if (parsed.document.errors.length > 0) {
      this.diagnostics.problem(
        place,
        `the variable ${name} holds no list or map that can be read; write it as [a, b] or {a: b}`,
      );
      return undefined;
    }
    return new DocumentReader({
      parsed,
      diagnostics: this.diagnostics,
      expand: (inside) => hideAsReference(inside, name),
      whole: place,
      isInsideVariable: true,
    });
  }
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
