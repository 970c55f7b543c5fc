export type ScopeKind = 'org' | 'repo' | 'enterprise';

/** Where a forge lists runners: `org:NAME`, `repo:OWNER/NAME` or `enterprise:NAME`. */
export interface Scope {
  readonly kind: ScopeKind;
  readonly name: string;
}

/** `undefined` unless the text is one of the three forms. */
export function findScope(text: string): Scope | undefined {
  const match = /^(org|repo|enterprise):(.+)$/.exec(text);
  if (match === null) return undefined;
  const [, kind = '', name = ''] = match;
  const isRepo = /^[^/\s]+\/[^/\s]+$/.test(name);
  if (kind === 'repo' ? !isRepo : /[/\s]/.test(name)) return undefined;
  return { kind: kind as ScopeKind, name };
}

/** A runner of this scope may take jobs of that repository. Owners and repositories compare without case, as forges do. */
export function scopeCovers(scope: string, owner: string, repo: string): boolean {
  const found = findScope(scope);
  if (found === undefined) return false;
  const name = found.name.toLowerCase();
  switch (found.kind) {
    case 'org':
      return name === owner.toLowerCase();
    case 'repo':
      return name === `${owner}/${repo}`.toLowerCase();
    case 'enterprise':
      return true;
  }
}

/** Labels compare exactly and case-sensitively, as the predecessor compared them. */
export function labelsFit(runnerLabels: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((label) => runnerLabels.includes(label));
}

/** Canonical text of a set of labels: sorted, without repeats. Two runners of one class have the same. */
export function labelSetOf(labels: readonly string[]): string {
  return JSON.stringify([...new Set(labels)].sort());
}

export type RunnerStatus = 'online' | 'offline';

/** A runner as the forge reports it. Times are epoch milliseconds. */
export interface Runner {
  readonly id: string;
  readonly forgeId: string;
  readonly scope: string;
  readonly forgeRunnerId: string;
  readonly name: string;
  readonly labels: readonly string[];
  readonly os: string;
  readonly status: RunnerStatus;
  readonly isBusy: boolean;
  readonly launchId: string | null;
  readonly lastSeenAt: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What a listing says of one runner. */
export interface ObservedRunner
  extends Pick<Runner, 'forgeRunnerId' | 'name' | 'labels' | 'os' | 'status' | 'isBusy'> {
  /** Gone after one workflow job. @default false: older servers do not tell */
  readonly isEphemeral?: boolean;
}
