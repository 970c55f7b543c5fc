import type { Auth } from '../../auth/auth.ts';
import type { Event } from '../../domain/event.ts';
import type { Clock } from '../../lib/clock.ts';
import { FailureLog } from '../../lib/failure-log.ts';
import type { Logger } from '../../lib/logger.ts';
import { runLoop, Wake } from '../../lib/loop.ts';
import { StoreError } from '../../store/port/store.ts';
import type { HttpStore } from '../deps.ts';
import { PendingChanges } from './pending-changes.ts';
import { CLOSE, MOST_UNSENT } from './push-client.ts';
import type { PushHub } from './push-hub.ts';
import { type GroupMessage, readMessages } from './read-messages.ts';
import { textFrame } from './text-frame.ts';

/** A burst that is larger goes out in several rounds: one alone must make no client slow. */
const MOST_A_ROUND = MOST_UNSENT / 2;
/** Looks after the clients this often, and tries again what could not be read. */
const CHECK_EVERY_MS = 1_000;
/**
 * Rest after a round, for each client that was written to: 50 ms for a thousand. Each write is a system call here and
 * another one there, however many messages it carries; what comes meanwhile goes out together.
 */
const REST_PER_WRITE_MS = 0.05;
const LONGEST_REST_MS = 200;

export interface PusherDeps {
  readonly store: Pick<HttpStore, 'jobs' | 'runners' | 'catalog'>;
  readonly auth: Pick<Auth, 'isLive'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly hub: PushHub;
}

/** Turns committed events into messages: at once when nothing went before, else one round for all that came meanwhile. */
export class Pusher {
  readonly #deps: PusherDeps;
  readonly #changes: PendingChanges;
  readonly #wake = new Wake();
  /** Users some of whose sessions may have ended. */
  readonly #doubted = new Set<string>();
  #checkedAt = 0;

  constructor(deps: PusherDeps) {
    this.#deps = deps;
    this.#changes = new PendingChanges(deps.hub.watchedGroups);
  }

  notice(event: Event): void {
    if (this.#deps.hub.size === 0) return;
    if (event.subjectType === 'user' && event.kind !== 'user.login') {
      this.#doubted.add(event.subjectId);
    } else {
      this.#changes.add(event);
    }
    if (this.#hasWork) this.#wake.notify();
  }

  get #hasWork(): boolean {
    return this.#doubted.size > 0 || !this.#changes.isEmpty;
  }

  run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#deps;
    const failures = new FailureLog(clock, (failure) => {
      logger.warn(failure, 'changes not pushed');
    });
    const round = async (): Promise<void> => {
      await this.#round(signal);
      failures.end();
    };
    return runLoop(round, {
      clock,
      signal,
      everyMs: CHECK_EVERY_MS,
      wake: this.#wake,
      onError: (error) => {
        failures.fail(error);
      },
    });
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { clock, hub } = this.#deps;
    const startedAt = clock.monotonic();
    if (startedAt - this.#checkedAt >= CHECK_EVERY_MS) {
      this.#checkedAt = startedAt;
      hub.lookAfterClients(clock.now());
    }
    await this.#dropEndedSessions();
    const writes = await this.#push();
    if (writes === 0) return;
    // And no less than the round took: pushes get half of the thread at most.
    const restMs = Math.max(writes * REST_PER_WRITE_MS, clock.monotonic() - startedAt);
    await clock.sleep(Math.min(restMs, LONGEST_REST_MS), signal);
  }

  async #dropEndedSessions(): Promise<void> {
    const { hub, auth } = this.#deps;
    for (const userId of [...this.#doubted]) {
      for (const client of hub.clientsOf(userId)) {
        if (await auth.isLive(client.session)) continue;
        hub.close(client, CLOSE.refused, 'session over');
      }
      this.#doubted.delete(userId);
    }
  }

  /** How many clients it wrote to. */
  async #push(): Promise<number> {
    const { hub, store } = this.#deps;
    const changes = this.#changes.take(MOST_A_ROUND);
    let writes = 0;
    try {
      const messages = await readMessages(changes, hub.watchedGroups, store);
      for (const [groupId, frames] of framesByGroup(messages)) {
        writes += hub.broadcast(groupId, Buffer.concat(frames), frames.length);
      }
    } catch (error) {
      // What fails for another reason would fail again, and hold everything else up.
      if (error instanceof StoreError) this.#changes.putBack(changes);
      throw error;
    }
    if (!this.#changes.isEmpty) this.#wake.notify();
    return writes;
  }
}

function framesByGroup(messages: readonly GroupMessage[]): Map<string, Buffer[]> {
  const byGroup = new Map<string, Buffer[]>();
  for (const message of messages) {
    const frames = byGroup.get(message.group_id) ?? [];
    frames.push(textFrame(JSON.stringify(message)));
    byGroup.set(message.group_id, frames);
  }
  return byGroup;
}
