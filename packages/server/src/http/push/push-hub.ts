import { CLOSE, type PushClient } from './push-client.ts';

const STOPS = 'server stops';

export interface HubDeps {
  /** A client read too slowly, and was let go. */
  readonly onSlow: (client: PushClient) => void;
  /** How many clients there are now. */
  readonly onSize: (count: number) => void;
}

/** Who is connected and watches what. */
export class PushHub {
  readonly #deps: HubDeps;
  readonly #clients = new Set<PushClient>();
  readonly #watchers = new Map<string, Set<PushClient>>();
  #isClosed = false;

  constructor(deps: HubDeps) {
    this.#deps = deps;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** False for who was let go: nothing is done for him any more, though his connection may take seconds to end. */
  has(client: PushClient): boolean {
    return this.#clients.has(client);
  }

  get size(): number {
    return this.#clients.size;
  }

  get watchedGroups(): Pick<ReadonlySet<string>, 'has' | 'size'> {
    return this.#watchers;
  }

  /** On a closed hub the client is asked to go. */
  add(client: PushClient): void {
    if (this.#isClosed) {
      client.close(CLOSE.goingAway, STOPS);
      return;
    }
    this.#clients.add(client);
    this.#deps.onSize(this.#clients.size);
  }

  remove(client: PushClient): void {
    for (const groupId of client.groups) this.unsubscribe(client, groupId);
    this.#clients.delete(client);
    this.#deps.onSize(this.#clients.size);
  }

  subscribe(client: PushClient, groupId: string): void {
    client.groups.add(groupId);
    const watchers = this.#watchers.get(groupId) ?? new Set();
    this.#watchers.set(groupId, watchers.add(client));
  }

  unsubscribe(client: PushClient, groupId: string): void {
    client.groups.delete(groupId);
    const watchers = this.#watchers.get(groupId);
    if (watchers?.delete(client) === true && watchers.size === 0) this.#watchers.delete(groupId);
  }

  /**
   * A slow client is let go alone; the others get theirs.
   * @param count frames in the buffer
   * @returns how many clients it was for
   */
  broadcast(groupId: string, frames: Buffer, count: number): number {
    const watchers = this.#watchers.get(groupId) ?? new Set();
    const { size } = watchers;
    for (const client of watchers) {
      if (client.isSlow) this.dropSlow(client);
      else client.push(frames, count);
    }
    return size;
  }

  dropSlow(client: PushClient): void {
    this.remove(client);
    client.close(CLOSE.tryAgainLater, 'too slow: reconnect and read again');
    this.#deps.onSlow(client);
  }

  /** Pings, and lets go whose session is over or who is not there any more. @param now epoch milliseconds */
  lookAfterClients(now: number): void {
    for (const client of this.#clients) {
      const pulse = client.look(now);
      if (pulse === 'well') continue;
      this.remove(client);
      if (pulse === 'silent') client.terminate();
      else client.close(CLOSE.refused, 'session over');
    }
  }

  clientsOf(userId: string): PushClient[] {
    return [...this.#clients].filter(({ session }) => session.user.id === userId);
  }

  close(client: PushClient, code: number, reason: string): void {
    this.remove(client);
    client.close(code, reason);
  }

  /** For good: who comes later is not let in. */
  closeAll(): void {
    this.#isClosed = true;
    for (const client of this.#clients) this.close(client, CLOSE.goingAway, STOPS);
  }
}
