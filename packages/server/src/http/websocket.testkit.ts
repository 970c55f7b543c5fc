import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { ServerMessage } from '@dispatchoor/api-contract';
import { onTestFinished } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import type { Event } from '../domain/event.ts';
import { adminToken, openTestApp, type TestApp, type TestAppParts } from './app.testkit.ts';
import { noon } from './store.testkit.ts';

export interface SocketApp extends TestApp {
  readonly url: string;
  /** As the store's feed does, after the commits; until they are pushed. */
  readonly tell: (...events: Partial<Event>[]) => Promise<void>;
  /** Resolves when the upgrade has succeeded. Ended after the test. */
  readonly open: (over?: OpenOptions) => Promise<TestSocket>;
}

export interface OpenOptions extends ClientOptions {
  readonly token?: string;
}

/** The whole app on a port, with an event feed that a test moves by hand. */
export async function openSocketApp(parts: TestAppParts = {}): Promise<SocketApp> {
  const listeners: ((event: Event) => void)[] = [];
  const opened = await openTestApp({
    ...parts,
    deps: {
      listenToEvents: (listener) => {
        listeners.push(listener);
      },
      ...parts.deps,
    },
  });
  const origin = await opened.app.listen({ host: '127.0.0.1', port: 0 });
  const url = `${origin.replace('http', 'ws')}/api/v1/ws`;
  return {
    ...opened,
    url,
    tell: async (...events) => {
      for (const event of events.map(makeEvent)) for (const listener of listeners) listener(event);
      await opened.clock.advance(20);
    },
    open: async ({ token = adminToken, ...options } = {}) => {
      const socket = new TestSocket(new WebSocket(`${url}?token=${token}`, options));
      await once(socket.ws, 'open');
      return socket;
    },
  };
}

let seq = 0;

export function makeEvent(over: Partial<Event> = {}): Event {
  seq += 1;
  return {
    seq,
    at: noon,
    origin: 'test',
    kind: 'job.enqueued',
    subjectType: 'job',
    subjectId: 'j1',
    groupId: 'g1',
    forgeId: 'github',
    actor: 'ada',
    isAudit: false,
    data: {},
    ...over,
  };
}

/** A client that keeps what it was told. */
export class TestSocket {
  readonly ws: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #unread: ServerMessage[] = [];
  #wake: (() => void) | undefined;

  constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data: Buffer) => {
      this.#unread.push(JSON.parse(data.toString()) as ServerMessage);
      this.#wake?.();
    });
    this.closed = new Promise((resolve) => {
      ws.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
      });
    });
    onTestFinished(() => {
      ws.terminate();
    });
  }

  /** Messages that were not taken yet. */
  get unread(): number {
    return this.#unread.length;
  }

  /** The next message that was not taken yet. */
  async next(): Promise<ServerMessage> {
    while (this.#unread.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#unread.shift() as ServerMessage;
  }

  send(message: object): void {
    this.ws.send(JSON.stringify(message));
  }

  /** Everything that came before the answer to this is taken by `next` before. */
  async ask(message: object): Promise<ServerMessage> {
    this.send(message);
    return this.next();
  }

  subscribe(groupId: string): Promise<ServerMessage> {
    return this.ask({ type: 'subscribe', group_id: groupId });
  }
}

/** Status and text of the refusal of an upgrade. */
export async function refusalOf(
  url: string,
  options: ClientOptions = {},
): Promise<{ status: number | undefined; text: string }> {
  const ws = new WebSocket(url, options);
  ws.on('error', () => undefined);
  const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  ws.terminate();
  return { status: response.statusCode, text: Buffer.concat(chunks).toString() };
}
