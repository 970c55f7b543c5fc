import { once } from 'node:events';
import {
  type AddressInfo,
  connect,
  createServer,
  type NetConnectOpts,
  type Server,
  type Socket,
} from 'node:net';

/**
 * What becomes of what passes through. `hole`: bytes and new connections are taken and held, nobody is told; they
 * go on when the line is mended, as TCP sends again what a broken line has swallowed.
 */
export type Line = 'open' | 'hole' | 'refused';

/** Stands between a server and its database, and breaks the line when told to. */
export class TcpProxy {
  readonly #server: Server;
  readonly #target: NetConnectOpts;
  readonly #near = new Set<Socket>();
  readonly #far = new Set<Socket>();
  readonly #held: Socket[] = [];
  #line: Line = 'open';

  private constructor(target: NetConnectOpts) {
    this.#target = target;
    this.#server = createServer((socket) => this.#take(socket));
  }

  static async open(target: NetConnectOpts): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get line(): Line {
    return this.#line;
  }

  /** `refused`: what is connected is reset, and so is who tries anew. */
  set(line: Line): void {
    this.#line = line;
    if (line === 'refused') this.#resetAll();
    if (line === 'hole') for (const socket of this.#all()) socket.pause();
    if (line !== 'open') return;
    for (const socket of this.#held.splice(0)) this.#connect(socket);
    for (const socket of this.#all()) socket.resume();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#resetAll();
    await once(this.#server, 'close');
  }

  #all(): Socket[] {
    return [...this.#near, ...this.#far];
  }

  /** The far ends follow; what is no TCP cannot be reset. */
  #resetAll(): void {
    for (const socket of this.#near) socket.resetAndDestroy();
  }

  #take(socket: Socket): void {
    this.#keep(socket, this.#near);
    if (this.#line === 'refused') socket.resetAndDestroy();
    else if (this.#line === 'hole') this.#held.push(socket.pause());
    else this.#connect(socket);
  }

  #connect(near: Socket): void {
    if (near.destroyed) return;
    const far = connect(this.#target);
    this.#keep(far, this.#far);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => to.write(bytes));
      from.on('close', () => to.destroy());
    }
    if (this.#line === 'hole') for (const socket of [near, far]) socket.pause();
  }

  #keep(socket: Socket, among: Set<Socket>): void {
    among.add(socket);
    // Whoever breaks off says so to the other side by its `close`.
    socket.on('error', () => undefined);
    socket.on('close', () => among.delete(socket));
  }
}
