import type { Parts } from './assemble.ts';
import { afterRealMs } from './clock.ts';
import type { FaultSpec } from './faults.ts';
import type { HookFaults } from './hooks/hook-faults.ts';
import type { Ledger } from './ledger/entries.ts';
import { type LedgerSources, ledgerSnapshot, ledgerView } from './ledger/ledger.ts';
import type { LimitView, PrimaryState } from './limits.ts';
import { githubSecondaryLimits, type SecondaryLimits } from './profiles.ts';
import { checkShape } from './shape-check.ts';
import type { TokenChange } from './sim-options.ts';
import { runnerShape } from './world/shapes.ts';
import type { HookSpec, RunConclusion, RunnerSpec, TokenSpec, World } from './world/spec.ts';

export interface ForgeSimClock {
  now(): number;
  advance(ms: number): Promise<void>;
  setOffset(ms: number): void;
}

/** A running simulated GitHub. All that its HTTP control under `/_sim/` can do, and `wait`. */
export class ForgeSim {
  /** `http://HOST:PORT`; REST answers below it and below `/api/v3`. */
  readonly url: string;
  readonly clock: ForgeSimClock;
  /** What the schema validator has objected to, oldest first. */
  readonly schemaViolations: readonly string[];
  readonly #parts: Parts;
  readonly #stopHttp: () => Promise<void>;

  constructor(parts: Parts, url: string, stopHttp: () => Promise<void>) {
    this.url = url;
    this.clock = parts.forge.clock;
    this.schemaViolations = parts.violations;
    this.#parts = parts;
    this.#stopHttp = stopHttp;
  }

  seed(world: World): void {
    this.#parts.seeder.seed(world);
  }

  addRunner(spec: RunnerSpec): { id: number } {
    checkShape('runner', runnerShape, spec);
    return { id: this.#parts.runners.add(spec).id };
  }

  /** Repeatable. A workflow job that it runs is lost. */
  removeRunner(id: number): void {
    this.#parts.runners.remove(id);
  }

  /** `busy`: an outside job has it. */
  setRunner(id: number, change: { online?: boolean; busy?: boolean }): void {
    this.#parts.runners.set(id, change);
  }

  addToken(spec: TokenSpec): void {
    this.#parts.seeder.addToken(spec);
  }

  removeToken(token: string): void {
    this.#parts.forge.state.tokens.delete(token);
  }

  /**
   * `login`: its account is renamed, with all its tokens and runs. `blindTo`: `owner` or `owner/repo` that it no
   * longer sees; `unauthorisedBy`: organisations whose single sign-on has not authorised it. Each replaces the list
   * before.
   */
  setToken(token: string, change: TokenChange): void {
    const { state, limits } = this.#parts.forge;
    const found = state.getToken(token);
    if (change.login !== undefined) {
      const { login } = found;
      state.renameAccount(login, change.login);
      limits.rename(login, change.login);
    }
    if (change.valid !== undefined) found.isValid = change.valid;
    if (change.blindTo !== undefined) {
      found.blindTo = change.blindTo.map((place) => place.toLowerCase());
    }
    if (change.unauthorisedBy !== undefined) {
      found.unauthorisedBy = change.unauthorisedBy.map((owner) => owner.toLowerCase());
    }
  }

  addFault(spec: FaultSpec): { id: number } {
    return this.#parts.faults.add(spec);
  }

  clearFaults(): void {
    this.#parts.faults.clear();
  }

  /** Lets the requests go that the fault `hold` or `hold-before` with this id keeps. */
  release(faultId: number): void {
    this.#parts.faults.release(faultId);
  }

  setRunVisibility({ delayMs }: { delayMs: number }): void {
    this.#parts.forge.runs.setVisibilityDelay(delayMs);
  }

  /** `blind`: listings with a filter show no runs, while plain ones do. */
  setRunSearch({ blind }: { blind: boolean }): void {
    this.#parts.forge.runs.isSearchBlind = blind;
  }

  deleteRun(runId: number): void {
    this.#parts.forge.runs.delete(this.#parts.forge.state.getRun(runId));
  }

  releaseGate(runId: number): void {
    this.#parts.forge.runs.releaseGate(this.#parts.forge.state.getRun(runId));
  }

  completeRun(runId: number, conclusion: RunConclusion): void {
    this.#parts.forge.runs.complete(this.#parts.forge.state.getRun(runId), conclusion);
  }

  rerun(runId: number): void {
    this.#parts.forge.runs.rerun(this.#parts.forge.state.getRun(runId));
  }

  /** Of the token's login: all its tokens share it. `resetAt` in epoch ms; `null`: no limit, until one is set. */
  setRateLimit(token: string, state: PrimaryState | null): void {
    const { login } = this.#parts.forge.state.getToken(token);
    this.#parts.forge.limits.setPrimary(login, state);
  }

  /** Those that somebody met or set. */
  rateLimits(): LimitView[] {
    return this.#parts.forge.limits.listPrimary();
  }

  /** What is not named is GitHub's own; `null` switches them off. */
  setSecondaryLimits(limits: Partial<SecondaryLimits> | null): void {
    const all = limits === null ? null : { ...githubSecondaryLimits, ...limits };
    this.#parts.forge.limits.setSecondary(all);
  }

  /** Sends it a `ping` at once. */
  addHook(spec: HookSpec): { id: number } {
    return { id: this.#parts.hooks.add(spec).id };
  }

  /** What is on its way to it still arrives. */
  removeHook(id: number): void {
    this.#parts.hooks.remove(id);
  }

  /** Replaces what was set before; `{}`: nothing goes wrong any more. */
  setHookFaults(faults: HookFaults): void {
    this.#parts.hooks.setFaults(faults);
  }

  /** Until `resumeHooks` every delivery that is due is lost. */
  pauseHooks(): void {
    this.#parts.hooks.setPaused(true);
  }

  resumeHooks(): void {
    this.#parts.hooks.setPaused(false);
  }

  ledger(): Ledger {
    return ledgerSnapshot(this.#ledgerSources());
  }

  /** Resolves on the change that makes `predicate` true; rejects after `timeoutMs` of real time. */
  wait(
    predicate: (ledger: Ledger) => boolean,
    { timeoutMs = 60_000 }: { timeoutMs?: number } = {},
  ): Promise<void> {
    const { changes } = this.#parts;
    const holds = (): boolean => predicate(ledgerView(this.#ledgerSources()));
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        unsubscribe();
        cancelTimeout();
        outcome();
      };
      const look = (): void => {
        try {
          if (holds()) settle(resolve);
        } catch (error) {
          settle(() => reject(error instanceof Error ? error : new Error(String(error))));
        }
      };
      const late = (): Error =>
        new Error(
          `forge-sim: not true after ${String(timeoutMs)} ms: ${predicate.toString()}; rate limits: ${JSON.stringify(this.rateLimits())}`,
        );
      const unsubscribe = changes.subscribe(look);
      const cancelTimeout = afterRealMs(timeoutMs, () => settle(() => reject(late())));
      look();
    });
  }

  /** Cuts every connection, held ones too. */
  async close(): Promise<void> {
    this.#parts.forge.clock.close();
    this.#parts.hooks.close();
    await this.#stopHttp();
    this.#parts.faults.clear();
  }

  #ledgerSources(): LedgerSources {
    const { log, hooks, forge } = this.#parts;
    return { requests: log.entries, deliveries: hooks.deliveries, state: forge.state };
  }
}
