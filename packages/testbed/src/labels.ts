export interface HasLabels {
  readonly labels: readonly string[];
}

/** Whether a runner has all of them. GitHub compares labels without regard to case. */
export function fits(runner: HasLabels, labels: readonly string[]): boolean {
  const has = new Set(runner.labels.map((label) => label.toLowerCase()));
  return labels.every((label) => has.has(label.toLowerCase()));
}
