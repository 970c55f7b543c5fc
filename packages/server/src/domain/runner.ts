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

/** Whether a forge tells `Linux` from `linux`. */
export type LabelCase = 'ignored' | 'kept';

/** GitHub and its runners compare labels without case, Forgejo and Gitea with it. */
export function labelCaseOf(forgeKind: string): LabelCase {
  return forgeKind === 'forgejo' || forgeKind === 'gitea' ? 'kept' : 'ignored';
}

/** Two labels are one to the forge if they have the same key. Labels are shown and stored as written. */
export function labelKeyOf(label: string, labelCase: LabelCase): string {
  return labelCase === 'kept' ? label : label.toLowerCase();
}

/** The runner has all labels that are asked for. */
export function labelsFit(
  runnerLabels: readonly string[],
  wanted: readonly string[],
  labelCase: LabelCase,
): boolean {
  const has = (label: string): boolean => {
    if (runnerLabels.includes(label)) return true;
    if (labelCase === 'kept') return false;
    const key = labelKeyOf(label, labelCase);
    return runnerLabels.some((own) => labelKeyOf(own, labelCase) === key);
  };
  return wanted.every(has);
}

/** Canonical text of a set of labels as written: sorted, without repeats. */
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
