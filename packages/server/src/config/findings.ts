/** Where a finding points: a spot in a file and the key path below which it is about. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly col: number;
  /** Such as `groups.github[0].id`; `''` for the whole document. */
  readonly path: string;
}

interface Finding {
  readonly place: Place;
  readonly message: string;
}

/** Collects everything that is wrong or odd in a configuration, so that it is reported at once. */
export class Findings {
  readonly #problems: Finding[] = [];
  readonly #warnings: Finding[] = [];
  readonly #files: string[] = [];

  /** Findings are listed in the order in which their files were entered. */
  enterFile(file: string): void {
    this.#files.push(file);
  }

  problem(place: Place, message: string): void {
    this.#problems.push({ place, message });
  }

  warn(place: Place, message: string): void {
    this.#warnings.push({ place, message });
  }

  /** `file:line:col: key: what, and what to write instead`, in the order of the files. */
  get problems(): string[] {
    return toLines(this.#problems, this.#files);
  }

  get warnings(): string[] {
    return toLines(this.#warnings, this.#files);
  }
}

function toLines(findings: readonly Finding[], files: readonly string[]): string[] {
  const sorted = findings.toSorted(
    ({ place: a }, { place: b }) =>
      files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.col - b.col,
  );
  return [...new Set(sorted.map(toLine))];
}

function toLine({ place, message }: Finding): string {
  const spot = `${place.file}:${String(place.line)}:${String(place.col)}`;
  return place.path === '' ? `${spot}: ${message}` : `${spot}: ${place.path}: ${message}`;
}
