import manifest from '../../package.json' with { type: 'json' };

/** Commit and date are known only to a published build; a checkout says so. */
export const buildInfo = {
  version: manifest.version,
  gitCommit: 'unknown',
  buildDate: 'unknown',
} as const;

/** Three lines, as the predecessor printed them. */
export function versionText(): string {
  return [
    `dispatchoor ${buildInfo.version}`,
    `commit: ${buildInfo.gitCommit}`,
    `built: ${buildInfo.buildDate}`,
  ].join('\n');
}
