import { z } from 'zod';

/** A query parameter that is read once: the first value of a repeated one. U+0000 matches nothing in a database. */
export const firstOf = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => ([given].flat()[0] ?? '').replaceAll('\0', '\ufffd').toWellFormed());
