import { Ajv, type ValidateFunction } from 'ajv';
import addFormatsModule from 'ajv-formats';
import { findReplySchema, loadDescription, resolveParameter } from './description.ts';
import type { Description, Operation, Parameter } from './openapi.ts';

/** The API version that every request must name. */
const API_VERSION = '2022-11-28';

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface ValidatedRequest {
  method: string;
  /** Without query and without the `/api/v3` of GHES. */
  path: string;
  query?: Readonly<Record<string, string>>;
  /** Names in lower case. */
  headers: Headers;
  /** Parsed; `undefined` when there was none. */
  body?: unknown;
}

export interface ValidatedReply {
  /** Of the request. */
  method: string;
  path: string;
  status: number;
  /** Names in lower case. */
  headers?: Headers;
  /** Parsed; `undefined` when there was none. */
  body?: unknown;
}

/** Checks requests and replies against GitHub's description; each answer lists what is wrong. */
export interface SchemaValidator {
  checkRequest(request: ValidatedRequest): string[];
  checkReply(reply: ValidatedReply): string[];
  /** `payload`: the parsed body of a delivery. */
  checkWebhook(event: string, payload: unknown): string[];
}

interface KnownPath {
  pattern: RegExp;
  /** Paths with fewer parameters win: `/user/orgs` before `/user/{x}`. */
  parameterCount: number;
  operations: Record<string, Operation | undefined>;
}

const errorSchema = {
  anyOf: ['basic-error', 'validation-error', 'validation-error-simple'].map((name) => ({
    $ref: `github#/components/schemas/${name}`,
  })),
};
/**
 * Every endpoint may answer these, described or not: docs.github.com/rest/using-the-rest-api; and 408, 421, 423 and 425,
 * by which the servers in front of it say "not now".
 */
const commonErrors = new Set([
  ...[400, 401, 403, 404, 408, 409, 410, 421, 422, 423, 425, 429],
  ...[500, 502, 503, 504],
]);

export function createSchemaValidator(): SchemaValidator {
  return new DescriptionValidator(loadDescription());
}

let shared: SchemaValidator | undefined;

/** One for the whole process: it keeps only what it has compiled. */
export function getSharedValidator(): SchemaValidator {
  shared ??= createSchemaValidator();
  return shared;
}

/** Throws an Error with everything that is wrong with the request, the reply, or both. */
export function assertValid(exchange: {
  request?: ValidatedRequest;
  reply?: ValidatedReply;
}): void {
  const validator = getSharedValidator();
  const wrong = [
    ...(exchange.request === undefined ? [] : validator.checkRequest(exchange.request)),
    ...(exchange.reply === undefined ? [] : validator.checkReply(exchange.reply)),
  ];
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
}

class DescriptionValidator implements SchemaValidator {
  readonly #description: Description;
  readonly #paths: KnownPath[];
  readonly #ajv: Ajv;
  readonly #compiled = new WeakMap<object, ValidateFunction>();

  constructor(description: Description) {
    this.#description = description;
    this.#paths = Object.entries(description.paths)
      .map(([template, operations]) => knownPath(template, operations))
      .sort((a, b) => a.parameterCount - b.parameterCount);
    this.#ajv = new Ajv({ strict: false, allErrors: true, verbose: false });
    addFormatsModule.default(this.#ajv);
    for (const format of ['uri-template', 'timestamp']) this.#ajv.addFormat(format, true);
    this.#ajv.addSchema(description, 'github', undefined, false);
  }

  checkRequest(request: ValidatedRequest): string[] {
    const operation = this.#findOperation(request.method, request.path);
    const wrong = headerFaults(request.headers);
    if (operation === undefined) wrong.push('GitHub has no such endpoint');
    else {
      wrong.push(...this.#queryFaults(operation, request.query ?? {}));
      wrong.push(...this.#requestBodyFaults(operation, request.body));
    }
    return wrong.map((what) => `${request.method} ${request.path}: ${what}`);
  }

  checkReply(reply: ValidatedReply): string[] {
    const operation = this.#findOperation(reply.method, reply.path);
    const wrong = [
      ...rateHeaderFaults(reply.headers ?? {}),
      ...this.#replyBodyFaults(operation, reply),
    ];
    return wrong.map((what) => `${reply.method} ${reply.path} → ${String(reply.status)}: ${what}`);
  }

  checkWebhook(event: string, payload: unknown): string[] {
    const action = (payload as { action?: unknown } | null)?.action;
    const what = typeof action === 'string' ? `${event} ${action}` : event;
    const described = this.#description.webhooks[what.replaceAll(/[_ ]/g, '-')];
    const schema = described?.post.requestBody?.content?.['application/json']?.schema;
    const wrong =
      schema === undefined ? ['is not described'] : this.#faults('payload', schema, payload);
    return wrong.map((problem) => `webhook ${what}: ${problem}`);
  }

  #findOperation(method: string, path: string): Operation | undefined {
    const known = this.#paths.find(
      ({ pattern, operations }) =>
        pattern.test(path) && operations[method.toLowerCase()] !== undefined,
    );
    return known?.operations[method.toLowerCase()];
  }

  #queryFaults(operation: Operation, query: Readonly<Record<string, string>>): string[] {
    const parameters = (operation.parameters ?? [])
      .map((parameter) => resolveParameter(this.#description, parameter))
      .filter((parameter) => parameter.in === 'query');
    return Object.entries(query).flatMap(([name, text]) => {
      const parameter = parameters.find((candidate) => candidate.name === name);
      if (parameter === undefined) return [`query ${name} is not described`];
      return this.#faults(`query ${name}`, parameter.schema, queryValue(parameter, text));
    });
  }

  #requestBodyFaults(operation: Operation, body: unknown): string[] {
    const schema = operation.requestBody?.content?.['application/json']?.schema;
    if (schema === undefined) {
      return body === undefined ? [] : ['a body is sent where none is described'];
    }
    return this.#faults('body', schema, body);
  }

  #replyBodyFaults(operation: Operation | undefined, reply: ValidatedReply): string[] {
    const { status, body } = reply;
    const described = operation?.responses[String(status)];
    if (described === undefined && !commonErrors.has(status) && status !== 304) {
      return ['the status is not described'];
    }
    const schema =
      described === undefined
        ? commonErrors.has(status)
          ? errorSchema
          : undefined
        : findReplySchema(this.#description, described);
    if (schema === undefined) return body === undefined ? [] : ['a body where none is described'];
    return this.#faults('body', schema, body);
  }

  #faults(what: string, schema: Record<string, unknown>, value: unknown): string[] {
    const validate = this.#compiled.get(schema) ?? this.#ajv.compile(schema);
    this.#compiled.set(schema, validate);
    if (validate(value)) return [];
    return (validate.errors ?? []).map((error) => {
      const extra: unknown = error.params['additionalProperty'];
      const detail = typeof extra === 'string' ? ` "${extra}"` : '';
      return `${what}${error.instancePath}: ${error.message ?? error.keyword}${detail}`;
    });
  }
}

function knownPath(template: string, operations: Record<string, Operation | undefined>): KnownPath {
  const parameters = template.match(/\{[^}]+\}/g) ?? [];
  const pattern = new RegExp(`^${template.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`);
  return { pattern, parameterCount: parameters.length, operations };
}

/** A query carries text; what the description calls a number or boolean must read as one. */
function queryValue(parameter: Parameter, text: string): unknown {
  const { type } = parameter.schema as { type?: string };
  if (type === 'integer' && /^-?\d+$/.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function headerFaults(headers: Headers): string[] {
  const wrong: string[] = [];
  const version = headers['x-github-api-version'];
  if (version !== API_VERSION) {
    wrong.push(`header X-GitHub-Api-Version is ${String(version)}, not ${API_VERSION}`);
  }
  if (!headers['user-agent']) wrong.push('header User-Agent is missing');
  if (!String(headers['accept'] ?? '').includes('json')) {
    wrong.push('header Accept does not ask for JSON (application/vnd.github+json)');
  }
  return wrong;
}

function rateHeaderFaults(headers: Headers): string[] {
  return ['limit', 'remaining', 'used', 'reset'].flatMap((name) => {
    const value = headers[`x-ratelimit-${name}`];
    const isGood = value === undefined || /^\d+$/.test(String(value));
    return isGood ? [] : [`header x-ratelimit-${name} is no whole number: ${String(value)}`];
  });
}
