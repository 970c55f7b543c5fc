import { Ajv, type ValidateFunction } from 'ajv';
import type { Span } from './random.ts';

/** What was put into the forge does not have the shape it must have. */
export class ShapeError extends Error {}

const ajv = new Ajv({ allErrors: true, strict: false });
const compiled = new WeakMap<object, ValidateFunction>();

/** Throws a ShapeError that names every wrong place, as `world.repos[0].name: must be string`. */
export function checkShape(what: string, schema: object, value: unknown): void {
  const validate = compiled.get(schema) ?? ajv.compile(schema);
  compiled.set(schema, validate);
  if (validate(value)) return;
  const problems = (validate.errors ?? []).map((error) => {
    const place = error.instancePath.replaceAll(/\/(\d+)/g, '[$1]').replaceAll('/', '.');
    const extra: unknown = error.params['additionalProperty'];
    const detail = typeof extra === 'string' ? ` (${extra})` : '';
    return `${what}${place}: ${error.message ?? 'is wrong'}${detail}`;
  });
  throw new ShapeError([...new Set(problems)].join('; '));
}

/** What a JSON schema cannot say: a span ends no earlier than it begins. */
export function checkSpan(place: string, span: number | Span | undefined): void {
  if (typeof span !== 'object' || span[0] <= span[1]) return;
  throw new ShapeError(`${place}: [${span.join(', ')}] must not end before it begins`);
}
