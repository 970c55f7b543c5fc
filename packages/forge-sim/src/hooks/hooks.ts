import { randomUUID } from 'node:crypto';
import type { Changes } from '../changes.ts';
import type { Forge } from '../forge.ts';
import type { LedgerDelivery } from '../ledger/entries.ts';
import type { Span } from '../random.ts';
import { Random } from '../random.ts';
import type { SchemaValidator } from '../validator/validator.ts';
import type { ForgeEvent, ForgeEvents } from '../world/forge-events.ts';
import type { HookEvent, HookSpec } from '../world/spec.ts';
import { DeliveryLog } from './delivery-log.ts';
import { deliveryHeaders, type Hook, isHookFor, newHook } from './hook.ts';
import { checkHookFaults, drawLuck, type HookFaults } from './hook-faults.ts';
import { HookSender, type Posting } from './hook-sender.ts';
import { eventPayload, pingPayload, runOf } from './payload.ts';
import { ReorderBuffer } from './reorder-buffer.ts';

/** GitHub waits so long for an answer; a GHES three times as long. */
const TIMEOUT_MS = 10_000;
const GHES_TIMEOUT_MS = 30_000;

export interface HooksDeps {
  forge: Forge;
  changes: Changes;
  events: ForgeEvents;
  webhookMs: Span;
  seed: number;
  /** `null`: nobody checks. */
  validator: SchemaValidator | null;
  onViolation: (violation: string) => void;
}

/** What one delivery says, before it is addressed. */
interface Message {
  event: HookEvent;
  action: string | null;
  runId?: number;
  jobId?: number;
  /** Written when it is first sent: most of the cost of an event is in its bytes. */
  body: () => Buffer;
}

interface Delivery {
  /** Of its ledger entry. */
  id: number;
  entry: LedgerDelivery;
  write: () => Posting;
}

/** The forge's webhooks: who is told of what happens, when, and what goes wrong on the way. */
export class Hooks {
  readonly #deps: HooksDeps;
  readonly #hooks = new Map<number, Hook>();
  readonly #log: DeliveryLog;
  readonly #sender: HookSender;
  readonly #buffer: ReorderBuffer<Delivery>;
  readonly #delays: Random;
  readonly #luck: Random;
  #faults: HookFaults = {};
  #isPaused = false;
  #lastId = 0;

  constructor(deps: HooksDeps) {
    this.#deps = deps;
    const { forge, changes, events, seed } = deps;
    this.#log = new DeliveryLog(forge.clock, changes);
    this.#sender = new HookSender(forge.ghes === null ? TIMEOUT_MS : GHES_TIMEOUT_MS);
    this.#delays = new Random(seed, 'webhooks');
    this.#luck = new Random(seed, 'webhook faults');
    this.#buffer = new ReorderBuffer({
      clock: forge.clock,
      send: (delivery, onEnd) => this.#send(delivery, onEnd),
      onRelease: ({ entry }, isOvertaken) =>
        this.#log.markFault(entry, isOvertaken ? 'reordered' : 'delayed'),
    });
    events.listen((event) => this.#onEvent(event));
  }

  get deliveries(): readonly LedgerDelivery[] {
    return this.#log.entries;
  }

  /** Sends a `ping` at once, whatever its events. */
  add(spec: HookSpec): Hook {
    const { forge } = this.#deps;
    const hook = newHook(this.#lastId + 1, spec, forge.state, forge.clock.now());
    this.#lastId = hook.id;
    this.#hooks.set(hook.id, hook);
    const body = this.#writer('ping', pingPayload(hook, forge));
    this.#deliver(hook, { event: 'ping', action: null, body });
    return hook;
  }

  /** What is on its way to it still arrives. */
  remove(hookId: number): void {
    if (!this.#hooks.delete(hookId)) throw new Error(`forge-sim: no hook ${String(hookId)}`);
  }

  /** Replaces what was set; `{}`: nothing goes wrong any more. */
  setFaults(faults: HookFaults): void {
    checkHookFaults(faults);
    this.#faults = structuredClone(faults);
  }

  /** While paused nothing is sent: what is due is lost. */
  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
  }

  close(): void {
    this.#hooks.clear();
    this.#sender.close();
  }

  #onEvent(event: ForgeEvent): void {
    const run = runOf(event);
    const told = [...this.#hooks.values()].filter((hook) =>
      isHookFor(hook, event.name, run.workflow.repo),
    );
    if (told.length === 0) return;
    const body = this.#writer(event.name, eventPayload(event, this.#deps.forge));
    const message: Message = {
      ...{ event: event.name, action: event.action, runId: run.id, body },
      ...(event.name === 'workflow_job' ? { jobId: event.job.id } : {}),
    };
    for (const hook of told) this.#deliver(hook, message);
  }

  /** The payload is of now: by the time it is sent the run may have gone on. */
  #writer(event: HookEvent, payload: Record<string, unknown>): () => Buffer {
    let body: Buffer | undefined;
    return () => {
      body ??= this.#write(event, payload);
      return body;
    };
  }

  #write(event: HookEvent, payload: Record<string, unknown>): Buffer {
    const { validator, onViolation } = this.#deps;
    const text = JSON.stringify(payload);
    for (const wrong of validator?.checkWebhook(event, JSON.parse(text)) ?? []) onViolation(wrong);
    return Buffer.from(text);
  }

  #deliver(hook: Hook, { body, ...facts }: Message): void {
    const luck = drawLuck(this.#luck, this.#faults);
    // Not from the seed: two forges of one seed may send to the same inbox, which tells them apart.
    const guid = randomUUID();
    const about = { ...facts, hookId: hook.id, guid, at: this.#deps.forge.clock.now() };
    const write = (): Posting => {
      const envelope = { event: facts.event, guid, body: body() };
      return { url: hook.url, body: envelope.body, headers: deliveryHeaders(hook, envelope) };
    };
    for (const isCopy of luck.isDoubled && !luck.isLost ? [false, true] : [false]) {
      const entry = this.#log.begin(about);
      if (luck.isLost) this.#log.markLost(entry);
      else if (isCopy) this.#log.markFault(entry, 'doubled');
      else if (luck.delayMs > 0) this.#log.markFault(entry, 'delayed');
      const delayMs = this.#delays.within(this.#deps.webhookMs) + luck.delayMs;
      if (luck.isLost) continue;
      const key = `${String(hook.id)} ${String(facts.runId)}`;
      const delivery = { id: entry.id, entry, write };
      this.#deps.forge.clock.after(delayMs, () => {
        this.#buffer.pass(key, delivery, { shouldHold: luck.isReordered });
      });
    }
  }

  #send({ entry, write }: Delivery, onEnd: () => void): void {
    if (this.#isPaused) {
      this.#log.markLost(entry);
      onEnd();
      return;
    }
    const start = (): Posting => {
      const posting = write();
      this.#log.markSent(entry);
      return posting;
    };
    this.#sender.post(start, (outcome) => {
      this.#log.markEnded(entry, outcome);
      onEnd();
    });
  }
}
