import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Faults, MetFault } from '../faults.ts';
import type { Forge } from '../forge.ts';
import type { LedgerRequest } from '../ledger/entries.ts';
import type { Profile } from '../profiles.ts';
import type { Random } from '../random.ts';
import type { SchemaValidator } from '../validator/validator.ts';
import { findToken } from './access.ts';
import { accountEndpoints } from './accounts.ts';
import { type Answer, act, allHeaders, brokenAnswer, type Call, faultAnswer } from './answer.ts';
import { dispatchEndpoints } from './dispatches.ts';
import { spoiltCall, spoiltList } from './odd-lists.ts';
import type { RequestLog } from './request-log.ts';
import { type Endpoint, notFound } from './rest.ts';
import { runnerEndpoints } from './runners.ts';
import { runEndpoints } from './runs.ts';

export interface RestServerDeps {
  forge: Forge;
  faults: Faults;
  profile: Profile;
  /** Draws how long replies take. */
  random: Random;
  log: RequestLog;
  /** `null`: nobody checks. */
  validator: SchemaValidator | null;
  onViolation: (violation: string) => void;
}

const unknownEndpoint: Endpoint = {
  name: 'unknown',
  method: 'GET',
  paths: [],
  docs: 'rest',
  handle: () => {
    throw notFound();
  },
};

const endpoints = [...accountEndpoints, ...runnerEndpoints, ...dispatchEndpoints, ...runEndpoints];

/** GitHub's REST API at `/` (as api.github.com) and at `/api/v3` (as GHES). */
export function restRoutes(app: FastifyInstance, deps: RestServerDeps): void {
  const server = new RestServer(deps);
  app.addHook('onRequest', (request, _reply, done) => {
    server.stamp(request);
    done();
  });
  for (const endpoint of endpoints) {
    for (const path of endpoint.paths.flatMap((each) => [each, `/api/v3${each}`])) {
      app.route({
        method: endpoint.method,
        url: path,
        handler: (request, reply) => server.answer(endpoint, request, reply),
      });
    }
  }
  app.setNotFoundHandler((request, reply) => server.answer(unknownEndpoint, request, reply));
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    // A fault of the simulation itself must not pass for one of GitHub's.
    if (status >= 500)
      deps.onViolation(`forge-sim: ${request.url}: ${error.stack ?? error.message}`);
    await reply.code(status).send({ message: `forge-sim: ${error.message}` });
  });
}

class RestServer {
  readonly #deps: RestServerDeps;
  readonly #arrivedAt = new WeakMap<FastifyRequest, number>();

  constructor(deps: RestServerDeps) {
    this.#deps = deps;
  }

  /** Before the body is read: the ledger tells when a request began to arrive. */
  stamp(request: FastifyRequest): void {
    this.#arrivedAt.set(request, this.#deps.forge.clock.now());
  }

  async answer(endpoint: Endpoint, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { forge, faults, log } = this.#deps;
    const { entry, call } = this.#arrive(endpoint, request);
    const fault = faults.take({ endpoint: endpoint.name, owner: entry.owner, repo: entry.repo });
    if (fault !== undefined) log.markFault(entry, fault.spec.kind);
    this.#checkRequest(call, request);
    const login = findToken(forge.state, call.authorization)?.login;
    if (login !== undefined) forge.limits.enter(login);
    const { socket } = request.raw;
    const onClose = (): void => log.markAbandoned(entry);
    socket.once('close', onClose);
    try {
      const answer = await this.#exchange(call, entry, fault);
      // What closes it from here on is our own doing.
      socket.off('close', onClose);
      if (answer === 'reset') cut(request, reply);
      else if (socket.destroyed) reply.hijack();
      else {
        log.markReplied(entry, answer.status);
        await send(reply, answer);
      }
    } finally {
      socket.off('close', onClose);
      if (login !== undefined) forge.limits.leave(login);
    }
  }

  #arrive(endpoint: Endpoint, request: FastifyRequest): { entry: LedgerRequest; call: Call } {
    const [path = '', search] = (request.raw.url ?? '').split('?');
    const params = request.params as Record<string, string>;
    const query = Object.fromEntries(new URLSearchParams(search));
    const { authorization, 'if-none-match': ifNoneMatch } = request.headers;
    const method = request.method;
    const entry = this.#deps.log.begin({
      at: this.#arrivedAt.get(request) ?? this.#deps.forge.clock.now(),
      method,
      path,
      query,
      endpoint: endpoint.name,
      authorization,
      owner: params['owner'] ?? params['org'] ?? params['enterprise'] ?? params['username'],
      repo: params['repo'],
      conditional: ifNoneMatch !== undefined,
    });
    const call = {
      endpoint,
      requestId: entry.id,
      method,
      path: path.replace(/^\/api\/v3(?=\/)/, ''),
      params,
      query,
      authorization,
      ifNoneMatch,
      bodyText: typeof request.body === 'string' ? request.body : undefined,
    };
    return { entry, call };
  }

  /** The answer that is to be sent, after everything that a fault and the profile put before it. */
  async #exchange(
    call: Call,
    entry: LedgerRequest,
    fault: MetFault | undefined,
  ): Promise<Answer | 'reset'> {
    const { forge, profile, random, log } = this.#deps;
    const delayMs = random.within(profile.replyMs);
    await forge.clock.sleep(delayMs / 2);
    const kind = fault?.spec.kind;
    if (kind === 'reset-before') return 'reset';
    if (kind === 'hold-before') await fault?.held;
    const instead = fault === undefined ? undefined : faultAnswer(call, fault.spec, forge);
    const answer = instead ?? act(spoiltCall(call, fault), forge);
    // Made now: what the budget headers say belongs to the moment of the act.
    answer.headers = allHeaders(call, answer, forge);
    this.#checkReply(call, answer);
    if (answer.hasActed) log.markActed(entry);
    if (kind === 'hold') await fault?.held;
    if (kind === 'latency') await forge.clock.sleep(fault?.latencyMs ?? 0);
    await forge.clock.sleep(delayMs / 2);
    if (kind === 'reset-after') return 'reset';
    if (kind === 'unparsable') return halfAnswer(answer);
    if (fault === undefined) return answer;
    if (kind !== 'status-after') return spoiltList(answer, call, fault);
    const broken = brokenAnswer(call, fault.spec);
    return { ...broken, headers: allHeaders(call, broken, forge) };
  }

  #checkRequest(call: Call, request: FastifyRequest): void {
    const { validator } = this.#deps;
    if (validator === null) return;
    const { method, path, query } = call;
    const body = parsedOrText(call.bodyText);
    this.#report(validator.checkRequest({ method, path, query, headers: request.headers, body }));
  }

  #checkReply({ method, path }: Call, { status, headers, body }: Answer): void {
    const { validator } = this.#deps;
    // A page of HTML is a proxy's answer, not GitHub's.
    if (validator === null || headers['content-type'] === 'text/html') return;
    // A clone through JSON is what the client will see: undefined fields are gone.
    const wire: unknown = body === undefined ? undefined : JSON.parse(JSON.stringify(body));
    this.#report(validator.checkReply({ method, path, status, headers, body: wire }));
  }

  #report(violations: readonly string[]): void {
    for (const violation of violations) this.#deps.onViolation(violation);
  }
}

function parsedOrText(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Ends the connection with a TCP reset; nothing of an answer has been written. */
function cut(request: FastifyRequest, reply: FastifyReply): void {
  reply.hijack();
  request.raw.socket.resetAndDestroy();
}

async function send(reply: FastifyReply, { status, headers, body, text }: Answer): Promise<void> {
  const json = body === undefined ? undefined : JSON.stringify(body);
  await reply
    .code(status)
    .headers(headers)
    .send(text ?? json);
}

/** A body that stops in the middle, as a proxy that dies would send it. */
function halfAnswer(answer: Answer): Answer {
  const text = JSON.stringify(answer.body ?? { message: 'half' });
  return {
    ...answer,
    status: answer.status === 204 ? 200 : answer.status,
    headers: { ...answer.headers, 'content-type': 'application/json; charset=utf-8' },
    text: text.slice(0, Math.ceil(text.length / 2)),
  };
}
