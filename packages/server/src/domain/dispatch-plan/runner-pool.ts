import type { GroupDemand, RunnerClass } from '../dispatch-state.ts';
import { findScope, type LabelCase, labelKeyOf, labelSetOf } from '../runner.ts';
import { compareText } from '../text-order.ts';
import { addBit, addBits, type Bits, commonBits, emptyBits, listBits } from './bits.ts';

export interface Counts {
  readonly free: number;
  readonly online: number;
  readonly total: number;
  readonly hasFresh: boolean;
}

interface OwnerScopes {
  /** Covers every repository of the owner. */
  readonly any: Bits;
  /** Repositories with runners of their own, with `any` in it. */
  readonly byRepo: ReadonlyMap<string, Bits>;
}

const WIDTH = { repo: 0, org: 1, enterprise: 2 } as const;

/** Runners that fewer jobs can use come first: then a plain job leaves the special and the widely shared ones. */
function compareClasses(a: RunnerClass, b: RunnerClass): number {
  return (
    a.labels.length - b.labels.length ||
    widthOf(a.scope) - widthOf(b.scope) ||
    compareText(a.scope, b.scope) ||
    compareText(labelSetOf(a.labels), labelSetOf(b.labels))
  );
}

function widthOf(scope: string): number {
  const found = findScope(scope);
  return found === undefined ? 3 : WIDTH[found.kind];
}

/** With the keys of their labels: these are compared, and never shown. */
function mergeEqual(classes: readonly RunnerClass[], labelCase: LabelCase): RunnerClass[] {
  const merged = new Map<string, RunnerClass>();
  for (const { scope, labels, isFresh, ...counts } of classes) {
    const labelKeys = [...new Set(labels.map((label) => labelKeyOf(label, labelCase)))].sort();
    const key = `${scope} ${labelSetOf(labelKeys)}`;
    const known = merged.get(key);
    merged.set(key, {
      scope,
      labels: labelKeys,
      // A runner nobody vouches for now may be gone or busy: sending to it would strand the job.
      free: (known?.free ?? 0) + (isFresh ? Math.max(0, counts.free) : 0),
      online: (known?.online ?? 0) + counts.online,
      total: (known?.total ?? 0) + counts.total,
      isFresh: isFresh || known?.isFresh === true,
    });
  }
  return [...merged.values()].sort(compareClasses);
}

/**
 * All runner classes, numbered by preference. A fitting class has all labels asked for, so "fewest labels beyond
 * those" is "fewest labels": one order serves every job, and the first fitting class with a free runner is the
 * one to take.
 */
export class RunnerPool {
  readonly classes: readonly RunnerClass[];
  /** Classes with a free runner at the start. */
  readonly free: Bits;
  readonly #labelCase: LabelCase;
  readonly #byLabel = new Map<string, Bits>();
  readonly #byScope = new Map<string, Bits>();
  readonly #everywhere: Bits;
  readonly #owners = new Map<string, OwnerScopes>();

  constructor(classes: readonly RunnerClass[], labelCase: LabelCase) {
    this.#labelCase = labelCase;
    this.classes = mergeEqual(classes, labelCase);
    this.free = this.none();
    this.#everywhere = this.none();
    this.classes.forEach((one, n) => {
      if (one.free > 0) addBit(this.free, n);
      for (const label of one.labels) this.#addTo(this.#byLabel, label, n);
      this.#addTo(this.#byScope, one.scope.toLowerCase(), n);
      if (findScope(one.scope)?.kind === 'enterprise') addBit(this.#everywhere, n);
    });
  }

  none(): Bits {
    return emptyBits(this.classes.length);
  }

  all(): Bits {
    const all = this.none();
    for (const n of this.classes.keys()) addBit(all, n);
    return all;
  }

  #addTo(index: Map<string, Bits>, key: string, n: number): void {
    const bits = index.get(key) ?? this.none();
    addBit(bits, n);
    index.set(key, bits);
  }

  /** Classes that have all these labels: `labelsFit` (runner.ts) by index. */
  withLabels(labels: readonly string[]): Bits {
    return labels.reduce(
      (bits, label) => commonBits(bits, this.#byLabel.get(this.#keyOf(label)) ?? this.none()),
      this.all(),
    );
  }

  #keyOf(label: string): string {
    return labelKeyOf(label, this.#labelCase);
  }

  /** Of these labels, as written, those that are not among the labels of a class, or of several. */
  labelsBeyond(labels: readonly string[], ofClasses: readonly string[]): string[] {
    return labels.filter((label) => !ofClasses.includes(this.#keyOf(label)));
  }

  /**
   * Classes whose scope covers the repository: `scopeCovers` (runner.ts) by index. Repositories of one owner
   * without scopes of their own get the very same set, so that callers may key by it.
   */
  covering(owner: string, repo: string): Bits {
    let known = this.#owners.get(owner);
    if (known === undefined) this.#owners.set(owner, (known = this.#lookUpOwner(owner)));
    if (known.byRepo.size === 0) return known.any;
    return known.byRepo.get(repo.toLowerCase()) ?? known.any;
  }

  #lookUpOwner(owner: string): OwnerScopes {
    const name = owner.toLowerCase();
    const any = Int32Array.from(this.#everywhere);
    if (findScope(`org:${name}`) !== undefined) {
      addBits(any, this.#byScope.get(`org:${name}`) ?? this.none());
    }
    const byRepo = new Map<string, Bits>();
    for (const [scope, bits] of this.#byScope) {
      const found = findScope(scope);
      if (found?.kind !== 'repo' || !found.name.startsWith(`${name}/`)) continue;
      const both = Int32Array.from(any);
      addBits(both, bits);
      byRepo.set(found.name.slice(name.length + 1), both);
    }
    return { any, byRepo };
  }

  /** Classes of the scopes the group is limited to, whatever their labels. */
  inScopesOf(group: Pick<GroupDemand, 'scopes'>): Bits {
    if (group.scopes === null) return this.all();
    const bits = this.none();
    for (const scope of group.scopes) {
      addBits(bits, this.#byScope.get(scope.toLowerCase()) ?? this.none());
    }
    return bits;
  }

  count(bits: Bits): Counts {
    let [free, online, total, hasFresh] = [0, 0, 0, false];
    for (const n of listBits(bits)) {
      const one = this.classes[n];
      if (one === undefined) continue;
      free += one.free;
      online += one.online;
      total += one.total;
      hasFresh ||= one.isFresh && one.total > 0;
    }
    return { free, online, total, hasFresh };
  }
}
