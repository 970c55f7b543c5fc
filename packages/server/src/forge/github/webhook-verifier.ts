import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Receipt } from '../../domain/webhook.ts';
import type {
  WebhookDelivery,
  WebhookHeaders,
  WebhookReading,
  WebhookRefusal,
  WebhookVerifier,
} from '../../domain/webhook-verifier.ts';
import type { Secret } from '../../lib/secret.ts';
import { parseJson } from './json.ts';
import { READERS } from './webhook-schema.ts';

export interface WebhookDoorOptions {
  readonly secret: Secret;
  readonly receipt: () => Receipt;
}

const SIGNATURE = /^sha256=([0-9a-f]{64})$/i;
const EVENT = /^[a-z0-9_]{1,64}$/;
/** A GUID; other servers of the same API may choose another form, but nothing that does not fit into a log line. */
const DELIVERY_ID = /^[\w.:-]{1,128}$/;

export function makeWebhookVerifier({ secret, receipt }: WebhookDoorOptions): WebhookVerifier {
  return {
    isOpen: !secret.isEmpty,
    configKey: 'github.webhook_secret',
    begin: (headers) => begin(headers, secret, receipt),
  };
}

function begin(
  headers: WebhookHeaders,
  secret: Secret,
  receipt: () => Receipt,
): WebhookDelivery | WebhookRefusal {
  const given = headers['x-hub-signature-256'];
  if (given === undefined) {
    return unsigned('X-Hub-Signature-256 is missing; set the secret of the webhook on GitHub');
  }
  const hex = typeof given === 'string' ? SIGNATURE.exec(given)?.[1] : undefined;
  if (hex === undefined) return unsigned('X-Hub-Signature-256 must be sha256= and 64 hex digits');
  const event = headers['x-github-event'];
  if (typeof event !== 'string' || !EVENT.test(event)) return malformed('X-GitHub-Event', event);
  const id = headers['x-github-delivery'];
  if (typeof id !== 'string' || !DELIVERY_ID.test(id)) return malformed('X-GitHub-Delivery', id);
  return new GithubDelivery({ id, event, signature: Buffer.from(hex, 'hex'), secret, receipt });
}

function unsigned(message: string): WebhookRefusal {
  return { refused: 'unsigned', message };
}

function malformed(header: string, given: unknown): WebhookRefusal {
  const what = given === undefined ? 'is missing' : 'is not what GitHub sends';
  return { refused: 'malformed', message: `${header} ${what}` };
}

interface Begun {
  readonly id: string;
  readonly event: string;
  readonly signature: Buffer;
  readonly secret: Secret;
  readonly receipt: () => Receipt;
}

class GithubDelivery implements WebhookDelivery {
  readonly id: string;
  readonly event: string;
  readonly #signature: Buffer;
  readonly #hmac: ReturnType<typeof createHmac>;
  readonly #receipt: () => Receipt;

  constructor({ id, event, signature, secret, receipt }: Begun) {
    this.id = id;
    this.event = event;
    this.#signature = signature;
    this.#hmac = createHmac('sha256', secret.reveal());
    this.#receipt = receipt;
  }

  take(bytes: Uint8Array): void {
    this.#hmac.update(bytes);
  }

  isSigned(): boolean {
    return timingSafeEqual(this.#hmac.digest(), this.#signature);
  }

  read(body: Uint8Array, contentType: string): WebhookReading {
    const payload = parsePayload(
      Buffer.from(body.buffer, body.byteOffset, body.length),
      contentType,
    );
    if ('problem' in payload) return payload;
    try {
      // The name is the sender's word, and every object has a `constructor`.
      const read = Object.hasOwn(READERS, this.event) ? READERS[this.event] : undefined;
      return { observation: read?.(payload.value, this.#receipt()) ?? null };
    } catch (error) {
      if (error instanceof z.ZodError) return { problem: describe(error) };
      throw error;
    }
  }
}

/** GitHub offers both forms; the signature is that of the bytes as they were sent. */
function parsePayload(body: Buffer, contentType: string): { value: unknown } | { problem: string } {
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(contentType);
  if (!isForm && !/^application\/json\b/i.test(contentType)) {
    const wanted = 'application/json or application/x-www-form-urlencoded';
    return { problem: `the content type must be ${wanted}` };
  }
  const text = body.toString('utf8');
  const json = isForm ? new URLSearchParams(text).get('payload') : text;
  if (json === null) return { problem: 'the form has no field payload' };
  try {
    return { value: parseJson(json) };
  } catch {
    return { problem: isForm ? 'the form field payload is not JSON' : 'the body is not JSON' };
  }
}

function describe({ issues: [issue] }: z.ZodError): string {
  const path = issue?.path.join('.') ?? '';
  return `${path === '' ? 'the body' : path}: ${issue?.message ?? 'not as documented'}`;
}
