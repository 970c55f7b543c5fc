/** Where a finding points: a spot in a file and the key path below which it is about. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly col: number;
  /** Such as `groups.github[0].id`; `''` for the whole document. */
  readonly path: string;
}

interface Diagnostic {
  readonly place: Place;
  readonly message: string;
  /** It is only about a variable that is not set. */
  readonly isUnset: boolean;
}

/** Who corrects fifty things starts again anyway; the rest would bury them. */
const MOST_SHOWN = 50;
/** What is kept of one kind, so that a document made of faults takes no memory; enough to sort by line. */
const MOST_KEPT = 2_000;

class DiagnosticList {
  kept: Diagnostic[] = [];
  #count = 0;

  add(diagnostic: Diagnostic): void {
    this.#count += 1;
    if (this.kept.length < MOST_KEPT) this.kept.push(diagnostic);
  }

  forget(isForgotten: (diagnostic: Diagnostic) => boolean): void {
    const kept = this.kept.filter((diagnostic) => !isForgotten(diagnostic));
    this.#count -= this.kept.length - kept.length;
    this.kept = kept;
  }

  /** In the order of the files and their lines, each once. */
  toLines(files: readonly string[]): string[] {
    const order = new Map(files.map((file, index) => [file, index]));
    const sorted = this.kept.toSorted(
      ({ place: a }, { place: b }) =>
        (order.get(a.file) ?? -1) - (order.get(b.file) ?? -1) || a.line - b.line || a.col - b.col,
    );
    const lines = [...new Set(sorted.map(toLine))];
    const more = lines.length - MOST_SHOWN + this.#count - this.kept.length;
    if (more <= 0) return lines;
    return [...lines.slice(0, MOST_SHOWN), `and ${String(more)} more`];
  }
}

/** Collects everything that is wrong or odd in a configuration, so that it is reported at once. */
export class Diagnostics {
  readonly #problems = new DiagnosticList();
  readonly #warnings = new DiagnosticList();
  readonly #files: string[] = [];
  #heir: Diagnostics | undefined;

  /** Findings are listed in the order in which their files were entered. */
  enterFile(file: string): void {
    this.#files.push(file);
  }

  problem(place: Place, message: string, isUnset = false): void {
    (this.#heir ?? this).#problems.add({ place, message, isUnset });
  }

  warn(place: Place, message: string, isUnset = false): void {
    (this.#heir ?? this).#warnings.add({ place, message, isUnset });
  }

  /** For a part that is switched off: the same file must start where its variables have no values. */
  forgetUnset({ file, path }: Place): void {
    const isPart = ({ place, isUnset }: Diagnostic): boolean =>
      isUnset && place.file === file && isAtOrBelow(place.path, path);
    this.#problems.forget(isPart);
    this.#warnings.forget(isPart);
  }

  /** Takes over what one document alone has found, and what will still be found in it. */
  adopt(document: Diagnostics): void {
    this.#files.push(...document.#files);
    for (const diagnostic of document.#problems.kept) this.#problems.add(diagnostic);
    for (const diagnostic of document.#warnings.kept) this.#warnings.add(diagnostic);
    document.#heir = this;
  }

  /** As `adopt`, of a document that is not used: what is wrong in it stops nothing. */
  adoptAsWarnings(document: Diagnostics): void {
    this.#files.push(...document.#files);
    for (const diagnostic of document.#problems.kept) this.#warnings.add(diagnostic);
  }

  /** `file:line:col: key: what, and what to write instead`, in the order of the files; fifty at most, and how many more. */
  get problems(): string[] {
    return this.#problems.toLines(this.#files);
  }

  get warnings(): string[] {
    return this.#warnings.toLines(this.#files);
  }
}

/** One finding as it is shown. */
export function toLine({ place, message }: Pick<Diagnostic, 'place' | 'message'>): string {
  const spot = `${place.file}:${String(place.line)}:${String(place.col)}`;
  return place.path === '' ? `${spot}: ${message}` : `${spot}: ${place.path}: ${message}`;
}

function isAtOrBelow(path: string, above: string): boolean {
  return path.startsWith(above) && ['', '.', '['].includes(path.charAt(above.length));
}
