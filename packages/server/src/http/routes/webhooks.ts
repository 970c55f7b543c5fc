import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { WebhookDelivery, WebhookVerifier } from '../../domain/webhook-verifier.ts';
import type { WebhookOutcome } from '../../metrics/metrics.ts';
import type { HttpDeps } from '../deps.ts';
import { badRequest, HttpError, notFound } from '../errors.ts';
import type { HttpApp } from '../http-app.ts';
import { refuseLargeBody, WebhookBodies } from '../webhook-body.ts';

type WebhookDeps = Pick<HttpDeps, 'store' | 'webhookVerifiers' | 'metrics' | 'clock'>;

interface Accepted {
  readonly event: string;
  readonly outcome: WebhookOutcome;
}

/**
 * Where forges report what has happened. No session: the signature says who speaks. Everything that can be refused by
 * the headers is refused before the body is read; 202 means that the delivery is on disk, or is nothing to us.
 */
export function webhookRoutes(app: HttpApp, deps: WebhookDeps): void {
  const bodies = new WebhookBodies(deps.clock);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => {
    done(null);
  });
  app.route<{ Params: { forge: string } }>({
    method: 'POST',
    url: '/webhook/github/:forge',
    handler: async (request, reply) => {
      try {
        const { event, outcome } = await accept(deps, bodies, request);
        deps.metrics.countWebhook(event, outcome);
      } catch (error) {
        if (isRefusal(error)) deps.metrics.countWebhook('', 'refused');
        throw error;
      }
      return reply.code(202).send();
    },
  });
}

function isRefusal(error: unknown): boolean {
  return error instanceof HttpError && error.statusCode !== 404;
}

async function accept(
  deps: WebhookDeps,
  bodies: WebhookBodies,
  request: FastifyRequest<{ Params: { forge: string } }>,
): Promise<Accepted> {
  const { raw, params } = request;
  const delivery = begin(openDoorOf(deps, params.forge), raw);
  refuseLargeBody(raw);
  return bodies.read(
    raw,
    (bytes) => {
      delivery.take(bytes);
    },
    async (body) => {
      if (!delivery.isSigned()) throw unsigned('the signature is not that of this body');
      return record(deps, request, delivery, body);
    },
  );
}

function openDoorOf({ webhookVerifiers }: WebhookDeps, forgeId: string): WebhookVerifier {
  const verifier = webhookVerifiers.get(forgeId);
  if (verifier === undefined) throw notFound('forge');
  if (verifier.isOpen) return verifier;
  throw new HttpError(404, 'webhooks-closed', `webhooks are not taken; set ${verifier.configKey}`, {
    connection: 'close',
  });
}

function begin(verifier: WebhookVerifier, { headers }: IncomingMessage): WebhookDelivery {
  const begun = verifier.begin(headers);
  if (!('refused' in begun)) return begun;
  throw begun.refused === 'unsigned' ? unsigned(begun.message) : malformed(begun.message);
}

function unsigned(message: string): HttpError {
  return new HttpError(401, 'bad-signature', message, { connection: 'close' });
}

function malformed(message: string): HttpError {
  return new HttpError(400, 'invalid-request', message, { connection: 'close' });
}

async function record(
  { store }: WebhookDeps,
  { raw, params, log }: FastifyRequest<{ Params: { forge: string } }>,
  delivery: WebhookDelivery,
  body: Uint8Array,
): Promise<Accepted> {
  const { id, event } = delivery;
  const reading = delivery.read(body, contentTypeOf(raw));
  if ('problem' in reading) {
    const { problem } = reading;
    log.warn({ event, deliveryId: id, problem }, 'webhook not understood');
    throw badRequest(`${event}: ${problem}`, 'invalid-webhook');
  }
  const { observation } = reading;
  // The signature is not that of the event's name: anybody could make one up, and each would be a series.
  if (observation === null) return { event: 'other', outcome: 'ignored' };
  if (observation.kind === 'ping') {
    log.info({ deliveryId: id }, 'webhook tried by the forge');
    return { event, outcome: 'accepted' };
  }
  const { owner, repo } = observation;
  if (!(await store.webhooks.servesRepo(params.forge, owner, repo))) {
    return { event, outcome: 'ignored' };
  }
  if (isTooLong(observation)) {
    log.warn({ event, deliveryId: id }, 'webhook not taken: too large');
    throw new HttpError(413, 'body-too-large', `${event}: ${TOO_LONG}`);
  }
  const isNew = await store.webhooks.add({ forgeId: params.forge, id, event, observation });
  return { event, outcome: isNew ? 'accepted' : 'duplicate' };
}

/** Characters. What is read of a delivery has some 600; each text has its bound, a list of them has none. */
const LONGEST_OBSERVATION = 64 * 1024;

const TOO_LONG = 'what is read of it has more than 64 KiB; its run is followed by listings instead';

function isTooLong(observation: object): boolean {
  return JSON.stringify(observation).length > LONGEST_OBSERVATION;
}

/** As it came: for all other routes the parsed headers have lost it. */
function contentTypeOf({ rawHeaders }: IncomingMessage): string {
  const at = rawHeaders.findIndex((name, i) => i % 2 === 0 && /^content-type$/i.test(name));
  return at === -1 ? '' : (rawHeaders[at + 1] ?? '');
}
