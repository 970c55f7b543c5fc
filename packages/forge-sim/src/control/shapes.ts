import type { PrimaryState } from '../limits.ts';
import type { SecondaryLimits } from '../profiles.ts';
import type { TokenChange } from '../sim-options.ts';
import { list, object } from '../world/shapes.ts';
import { type RunConclusion, runConclusions } from '../world/spec.ts';

/** A JSON schema and the type of what it lets through. */
export interface ShapeOf<Shape> {
  readonly [keyword: string]: unknown;
  /** Never set: it only carries the type. */
  readonly accepts?: Shape;
}

const text = { type: 'string', minLength: 1 };
const flag = { type: 'boolean' };
const ms = { type: 'number' };
const msAhead = { type: 'number', minimum: 0 };
const count = { type: 'integer', minimum: 0 };

const runnerChange: ShapeOf<{ online?: boolean; busy?: boolean }> = object({
  online: flag,
  busy: flag,
});
const tokenChange: ShapeOf<TokenChange & { token: string }> = object(
  { token: text, login: text, valid: flag, blindTo: list(text), unauthorisedBy: list(text) },
  ['token'],
);
const tokenOnly: ShapeOf<{ token: string }> = object({ token: text }, ['token']);
const advance: ShapeOf<{ ms: number }> = object({ ms: msAhead }, ['ms']);
const offset: ShapeOf<{ ms: number }> = object({ ms }, ['ms']);
const visibility: ShapeOf<{ delayMs: number }> = object({ delayMs: msAhead }, ['delayMs']);
const search: ShapeOf<{ blind: boolean }> = object({ blind: flag }, ['blind']);
const ending: ShapeOf<{ conclusion: RunConclusion }> = object(
  { conclusion: { enum: runConclusions } },
  ['conclusion'],
);
const primary: ShapeOf<PrimaryState & { token: string; isOff?: boolean }> = object(
  { token: text, limit: count, remaining: count, resetAt: ms, isOff: { type: 'boolean' } },
  ['token'],
);
const secondary: ShapeOf<Partial<SecondaryLimits> | null> = {
  anyOf: [
    { type: 'null' },
    object({
      perMinutePoints: count,
      contentPerMinute: count,
      contentPerHour: count,
      concurrent: count,
      status: { enum: [403, 429] },
    }),
  ],
};

/** Bodies of the control requests; world, runner, token and fault shapes lie with their specs. */
export const controlShapes = {
  runnerChange,
  tokenChange,
  token: tokenOnly,
  advance,
  offset,
  visibility,
  search,
  ending,
  primary,
  secondary,
};
