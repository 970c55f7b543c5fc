import { z } from 'zod';

/** RFC 3339 in UTC with milliseconds. */
export const Timestamp = z.iso.datetime();

/**
 * Inputs and labels of a reply. Not `z.record`, which leaves out what is called `__proto__`: a configuration may give its
 * jobs an input of that name (a request may not).
 */
export const StringMap = z
  .unknown()
  .refine(isStringMap, { error: 'must be an object of texts' })
  .meta({ type: 'object', additionalProperties: { type: 'string' } }) as unknown as z.ZodType<
  Record<string, string>
>;

function isStringMap(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((one) => typeof one === 'string');
}

/**
 * Text of a request, at most `max` characters. PostgreSQL cannot store U+0000 and UTF-8 has no lone surrogates:
 * refused here, both databases hold the same.
 */
export function text(max: number) {
  return z
    .string()
    .max(max, `must have at most ${max} characters`)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), {
      message: 'must not contain U+0000 or half of a surrogate pair',
    });
}

/** A map of a request. A null value counts as the empty text, as it did before. */
export function textMap(maxKey: number, maxValue: number) {
  const value = text(maxValue)
    .nullable()
    .transform((given) => given ?? '');
  return z.record(text(maxKey), value);
}
