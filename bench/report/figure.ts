/** What a figure is held against: at most or at least so much, in the figure's unit. */
export interface Budget {
  readonly is: 'at-most' | 'at-least';
  readonly limit: number;
}

/** One measured number. */
export interface Figure {
  /** Which row it belongs to, as `--only` takes it. */
  readonly row: string;
  readonly name: string;
  /** What it ran on, where that matters. */
  readonly on?: string;
  readonly value: number;
  readonly unit: string;
  /** Without one it is shown beside the others and not judged. */
  readonly budget?: Budget;
  /** How many samples, what stood in the way. */
  readonly note?: string;
}

/** A figure that could not be taken, and why. */
export interface Skipped {
  readonly row: string;
  readonly name: string;
  readonly reason: string;
}

/** The ratio that is 1 at the budget and smaller when better. */
export function ratioToBudget(value: number, { is, limit }: Budget): number {
  return is === 'at-most' ? value / limit : limit / value;
}

export function isMet(value: number, budget: Budget): boolean {
  return ratioToBudget(value, budget) <= 1;
}

export function atMost(limit: number): Budget {
  return { is: 'at-most', limit };
}

export function atLeast(limit: number): Budget {
  return { is: 'at-least', limit };
}
