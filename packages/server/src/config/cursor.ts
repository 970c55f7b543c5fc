import { isAlias, isMap, isPair, isScalar, isSeq, type Node, Scalar } from 'yaml';
import type { Place } from './diagnostics.ts';
import type { DocumentReader } from './document.ts';
import type { Expansion } from './expand.ts';

export type Shape = 'missing' | 'scalar' | 'list' | 'map';

export interface ScalarText extends Expansion {
  /** Without quotes, and no block text: its words may mean a number or a boolean. */
  readonly isPlain: boolean;
}

export interface Entry {
  readonly key: string;
  readonly keyAt: Cursor;
  readonly value: Cursor;
}

const NULLS: readonly string[] = ['', '~', 'null', 'Null', 'NULL'];

/** A spot in a document: a value, or the place where one is missing. */
export class Cursor {
  readonly #reader: DocumentReader;
  readonly #node: Node | undefined;
  readonly place: Place;

  constructor(reader: DocumentReader, node: Node | undefined, place: Place) {
    this.#reader = reader;
    this.#node = isAlias(node) ? reader.resolveAlias(node) : node;
    this.place = place;
  }

  problem(message: string): void {
    this.#reader.diagnostics.problem(this.place, message);
  }

  warn(message: string): void {
    this.#reader.diagnostics.warn(this.place, message);
  }

  /** As `problem` and `warn`, of a variable that is not set: of no interest where the part is switched off. */
  problemOfUnset(message: string): void {
    this.#reader.diagnostics.problem(this.place, message, true);
  }

  warnOfUnset(message: string): void {
    this.#reader.diagnostics.warn(this.place, message, true);
  }

  /** Takes back what was said of unset variables here and below: the part is switched off. */
  forgetUnset(): void {
    this.#reader.diagnostics.forgetUnset(this.place);
  }

  /** A null (an empty value, `~`) counts as missing: for every key both mean the default. */
  get shape(): Shape {
    if (isMap(this.#node)) return 'map';
    if (isSeq(this.#node)) return 'list';
    if (!isScalar(this.#node) || isNull(this.#node)) return 'missing';
    return 'scalar';
  }

  /** Valid where the shape is `scalar`. */
  scalar(): ScalarText {
    if (!isScalar(this.#node)) throw new Error(`no scalar at ${this.place.path}`);
    return {
      ...this.#reader.expand(this.#node.source ?? ''),
      isPlain: this.#node.type === Scalar.PLAIN,
    };
  }

  /** How many items a list has; 0 where the shape is another. */
  get itemCount(): number {
    return isSeq(this.#node) ? this.#node.items.length : 0;
  }

  /** The items of a list; none where the shape is another. */
  items(): Cursor[] {
    if (!isSeq(this.#node) || !this.#reader.trySpend(this.#node.items.length)) return [];
    return this.#node.items.map((item, index) =>
      this.#at(item as Node, `${this.place.path}[${String(index)}]`),
    );
  }

  /** The entries of a map, keys expanded, merged maps (`<<`) included; a key given twice is reported. */
  entries(): Entry[] {
    return this.#entriesBelow(new Set());
  }

  /** `merging`: the maps that are being merged right now; one of them again would never end. */
  #entriesBelow(merging: ReadonlySet<Node>): Entry[] {
    const found = new Map<string, Entry>();
    for (const entry of this.#ownEntries()) {
      const earlier = found.get(entry.key);
      if (earlier === undefined) found.set(entry.key, entry);
      else
        entry.keyAt.problem(
          `given twice, first in line ${String(earlier.keyAt.place.line)}; keep one`,
        );
    }
    if (this.#node === undefined) return [];
    const mergingThis = new Set([...merging, this.#node]);
    for (const merged of this.#mergedMaps(mergingThis)) {
      const entries = merged.#entriesBelow(mergingThis);
      if (!this.#reader.trySpend(entries.length)) break;
      for (const entry of entries) {
        if (!found.has(entry.key)) found.set(entry.key, entry);
      }
    }
    return [...found.values()];
  }

  /** The spot of a key that this map lacks. */
  missing(key: string): Cursor {
    return new Cursor(this.#reader, undefined, { ...this.place, path: this.#below(key) });
  }

  /** What a flow list or map, held by a variable that stands for this whole value, looks like. */
  parseFlow(text: string, name: string): Cursor | undefined {
    const reader = this.#reader.parseVariable(text, name, this.place);
    return reader && new Cursor(reader, reader.root, this.place);
  }

  #ownEntries(): Entry[] {
    if (!isMap(this.#node) || !this.#reader.trySpend(this.#node.items.length)) return [];
    const entries: Entry[] = [];
    for (const pair of this.#node.items) {
      if (!isPair(pair) || isMergeKey(pair.key)) continue;
      const key = isAlias(pair.key) ? this.#reader.resolveAlias(pair.key) : pair.key;
      if (isScalar(key)) entries.push(this.#entry(key, pair.value as Node | null));
      else this.problem('has a list or a map as a key; write a plain word');
    }
    return entries;
  }

  #entry(keyNode: Scalar, valueNode: Node | null): Entry {
    const expansion = this.#reader.expand(keyNode.source ?? '');
    const path = this.#below(this.#reader.isInsideVariable ? expansion.text : expansion.written);
    const keyAt = this.#at(keyNode, path);
    for (const name of expansion.unset) {
      keyAt.warnOfUnset(`the variable ${name} is not set; the key is taken as it is written`);
    }
    // An empty value has a position of its own, behind the key: the key is where to look.
    const isEmpty = valueNode === null || (isScalar(valueNode) && isNull(valueNode));
    const value = isEmpty
      ? new Cursor(this.#reader, undefined, keyAt.place)
      : this.#at(valueNode, path);
    return { key: expansion.text, keyAt, value };
  }

  #mergedMaps(merging: ReadonlySet<Node>): Cursor[] {
    if (!isMap(this.#node)) return [];
    return this.#node.items
      .filter((pair) => isMergeKey(pair.key))
      .flatMap((pair) => this.#mergeSources(pair.value as Node | null, merging));
  }

  #mergeSources(value: Node | null, merging: ReadonlySet<Node>): Cursor[] {
    const node = isAlias(value) ? this.#reader.resolveAlias(value) : (value ?? undefined);
    const sources = isSeq(node) ? (node.items as Node[]) : [node];
    return sources.flatMap((source) => {
      const map = isAlias(source) ? this.#reader.resolveAlias(source) : source;
      if (isMap(map) && !merging.has(map)) {
        return [this.#at(map, this.place.path)];
      }
      this.problem('"<<" merges something that is no map; write *name of a map with &name');
      return [];
    });
  }

  #at(node: Node | null, path: string): Cursor {
    const spot = this.#reader.locate(node?.range?.[0]);
    return new Cursor(this.#reader, node ?? undefined, { ...this.place, ...spot, path });
  }

  #below(key: string): string {
    return this.place.path === '' ? key : `${this.place.path}.${key}`;
  }
}

function isNull(node: Scalar): boolean {
  return node.type === Scalar.PLAIN && NULLS.includes(node.source ?? '');
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === Scalar.PLAIN && key.source === '<<';
}
