/** Numbered, forward only, each in one transaction with its own number. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  /**
   * `expand`: a process that lacks this migration can go on working on the newer schema. `contract`: it must not,
   * and refuses to start.
   */
  readonly kind: 'expand' | 'contract';
  readonly statements: readonly string[];
}
