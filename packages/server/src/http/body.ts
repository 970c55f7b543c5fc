import type { FastifySchemaCompiler } from 'fastify';
import { z } from 'zod';
import { badRequest, type HttpError } from './errors.ts';
import type { HttpApp } from './http-app.ts';

/** Contract: one JSON value, whatever its Content-Type says. Routes without a body schema do not look at it. */
export function takeAnyContentType(app: HttpApp): void {
  app.addHook('onRequest', async ({ raw }) => {
    // Fastify refuses a type that is not well formed before it asks any parser.
    delete raw.headers['content-type'];
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, bytes, done) => {
    done(null, bytes);
  });
}

/** Checks params, query and body by their zod schemas; a body is parsed first. */
export const compileValidator: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (data: unknown) => {
    try {
      const parsed = schema.safeParse(httpPart === 'body' ? readBody(data, schema) : data);
      return parsed.success ? { value: parsed.data } : { error: describeProblems(parsed.error) };
    } catch (error) {
      return { error: error instanceof Error ? error : new Error(String(error)) };
    }
  };

function readBody(bytes: unknown, schema: z.ZodType): unknown {
  const text = bytes instanceof Uint8Array ? decode(bytes) : '';
  if (text.trim() === '') {
    throw badRequest('the body is empty; send a JSON object');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badRequest('the body is not JSON; send a JSON object');
  }
  refuseProto(value);
  return schema instanceof z.ZodObject ? foldKeys(value, Object.keys(schema.shape)) : value;
}

/** Node would put U+FFFD in the place of what it cannot read, and a job would run with other inputs than were sent. */
function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badRequest('the body is not UTF-8; send JSON in UTF-8');
  }
}

/** In a map of the body, such as `inputs`. It would be left out on the way, for zod knows no key of this name. */
function refuseProto(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, given] of Object.entries<unknown>({ ...value })) {
    if (typeof given === 'object' && given !== null && Object.hasOwn(given, '__proto__')) {
      throw badRequest(`${key.slice(0, 200)}.__proto__: this name cannot be used; choose another`);
    }
  }
}

/** Keys match in any case, a null key counts as left out: so the predecessor read them, and its clients send them. */
function foldKeys(value: unknown, names: readonly string[]): unknown {
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) return value;
  const nameOf = new Map(names.map((name) => [name.toLowerCase(), name]));
  const folded: Record<string, unknown> = {};
  for (const [key, given] of Object.entries(value)) {
    const name = nameOf.get(key.toLowerCase());
    if (name !== undefined && given !== null) folded[name] = given;
  }
  return folded;
}

const MAX_PROBLEMS_SHOWN = 5;

function describeProblems(error: z.ZodError): HttpError {
  return badRequest(error.issues.slice(0, MAX_PROBLEMS_SHOWN).map(describeProblem).join('; '));
}

function describeProblem(issue: z.core.$ZodIssue): string {
  const at = issue.path.length === 0 ? 'the body' : issue.path.join('.').slice(0, 200);
  return `${at}: ${whatIsWrong(issue)}`;
}

const KINDS: Readonly<Record<string, string>> = {
  int: 'a whole number',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};

function whatIsWrong(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    return `must be ${KINDS[issue.expected] ?? `a ${issue.expected}`}`;
  }
  const isText = 'origin' in issue && issue.origin === 'string';
  if (issue.code === 'too_small' && !isText) return `must be at least ${String(issue.minimum)}`;
  if (issue.code === 'too_big' && !isText) return `must be at most ${String(issue.maximum)}`;
  return issue.message;
}
