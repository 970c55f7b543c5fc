import type { EndpointName } from '../endpoint-names.ts';
import type { Forge } from '../forge.ts';
import type { Account, Token } from '../world/state.ts';

/** One authenticated request, as a handler sees it. */
export interface RestRequest {
  /** Of the ledger. */
  id: number;
  method: string;
  path: string;
  params: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  body: unknown;
  /** Length of the body as sent, in characters. */
  bodyLength: number;
  token: Token;
  account: Account;
}

export interface RestReply {
  status: number;
  /** Absent: no body at all. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** Answers at once: what it does to the world is done when it returns. */
export type RestHandler = (request: RestRequest, forge: Forge) => RestReply;

export interface Endpoint {
  name: EndpointName;
  method: 'GET' | 'POST';
  /** With `:param` segments. */
  paths: readonly string[];
  /** Page of GitHub's documentation, named in errors. */
  docs: string;
  isContent?: boolean;
  /** Works without budget and costs none. */
  isFree?: boolean;
  handle: RestHandler;
}

/** Thrown by handlers; answered in GitHub's form. */
export class RestError extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

export function notFound(): RestError {
  return new RestError(404, 'Not Found');
}

/** Parameters come from the matched path: one that is missing is a bug of the table. */
export function param(request: RestRequest, name: string): string {
  const value = request.params[name];
  if (value === undefined) throw new Error(`route has no parameter ${name}`);
  return value;
}
