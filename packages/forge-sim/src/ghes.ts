export interface GhesVersion {
  major: number;
  minor: number;
}

export function parseGhesVersion(text: string): GhesVersion {
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(text) ?? [];
  if (major === undefined || minor === undefined) {
    throw new Error(`ghes: "${text}" is no version, write for example 3.20`);
  }
  return { major: Number(major), minor: Number(minor) };
}

function isUpTo(ghes: GhesVersion, major: number, minor: number): boolean {
  return ghes.major < major || (ghes.major === major && ghes.minor <= minor);
}

/** GHES up to 3.20 answers 400 to the field that it does not know (cli/cli#12672). */
export function knowsReturnRunDetails(ghes: GhesVersion | null): boolean {
  return ghes === null || !isUpTo(ghes, 3, 20);
}

/** github.com allows 25 since the changelog of 2025-12-04; servers released before, 10. */
export function maxDispatchInputs(ghes: GhesVersion | null): number {
  return ghes !== null && isUpTo(ghes, 3, 19) ? 10 : 25;
}
