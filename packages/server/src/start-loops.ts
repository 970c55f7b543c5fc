/** Which loops run, and with which part of the configuration. */
import type { Config, ForgeConfig } from './config/config.ts';
import type { Forge } from './forge/forge.ts';
import type { Clock } from './lib/clock.ts';
import type { Logger } from './lib/logger.ts';
import { cancelRuns } from './loops/cancel-runs/cancel-runs.ts';
import { connectForge } from './loops/connect-forge.ts';
import { DispatchLoop } from './loops/dispatch/dispatch.ts';
import type { EventFeed } from './loops/event-feed.ts';
import { type LoopSpec, runLeasedLoop } from './loops/leased-loop.ts';
import { PollRunners } from './loops/poll-runners/poll-runners.ts';
import { retainHistory } from './loops/retention.ts';
import { RunStamps } from './loops/track-runs/run-stamps.ts';
import { trackRuns } from './loops/track-runs/track-runs.ts';
import { takeWebhooks } from './loops/webhooks/take-webhooks.ts';
import { WebhookFlow } from './loops/webhooks/webhook-flow.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Store } from './store/port/store.ts';

/** A forge and the part of the configuration that it was opened with. */
export interface OpenedForge {
  readonly forge: Forge;
  readonly config: ForgeConfig;
}

export interface LoopsDeps {
  readonly config: Config;
  readonly store: Store;
  readonly forges: readonly OpenedForge[];
  readonly feed: EventFeed;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly logger: Logger;
  /** This process, as the leases name it. */
  readonly holder: string;
}

/** What the loops of one forge are made of. */
interface ForgeLoopsDeps extends Omit<LoopsDeps, 'forges'> {
  readonly forge: Forge;
  readonly forgeConfig: ForgeConfig;
  readonly flow: WebhookFlow;
  readonly stamps: RunStamps;
}

/**
 * Starts the feed and all loops; they stop when `signal` aborts.
 *
 * @returns waits until they have finished their acts in flight and handed their leases over; the feed ends last
 */
export function startLoops(deps: LoopsDeps, signal: AbortSignal): () => Promise<void> {
  const { config, store, forges, feed, clock, logger, holder } = deps;
  const { leaseMs, reconnectMs } = config.waits;
  const feedStop = new AbortController();
  const feeding = feed.run(feedStop.signal);
  const leased = { leases: store.leases, clock, logger, holder, leaseMs, feed };
  const specs = [
    ...forges.flatMap((one) => listForgeLoops(forgeDepsOf(deps, one))),
    retentionLoop(deps),
  ];
  const running = specs.map((spec) => runLeasedLoop(spec, leased, signal));
  for (const { forge } of forges) {
    running.push(
      connectForge(forge, clock, reconnectMs, signal, (error) => {
        logger.warn({ err: error, forge: forge.id }, 'forge not reached');
      }),
    );
  }
  return async () => {
    await Promise.all(running);
    feedStop.abort();
    await feeding;
  };
}

function forgeDepsOf(deps: LoopsDeps, { forge, config: forgeConfig }: OpenedForge): ForgeLoopsDeps {
  const { store, logger } = deps;
  const { requestTimeoutMs } = forgeConfig;
  const flow = makeFlow(deps, forge, forgeConfig);
  const stamps = new RunStamps({ forge, runs: store.runs, requestTimeoutMs, logger });
  return { ...deps, forge, forgeConfig, flow, stamps };
}

function listForgeLoops(deps: ForgeLoopsDeps): LoopSpec[] {
  const { store, forge, forgeConfig, flow, clock, logger } = deps;
  const { dispatcher, waits } = deps.config;
  const { lateRunMs } = waits;
  const shared = { store, forge, clock, logger };
  return [
    ...(dispatcher.enabled ? [dispatchLoop(deps)] : []),
    new PollRunners({ ...shared, pollIntervalMs: forgeConfig.pollIntervalMs, flow }).spec,
    trackLoop(deps),
    cancelLoop(deps),
    takeWebhooks({ ...shared, lateRunMs }),
  ];
}

function retentionLoop({ config, store, forges, clock, logger }: LoopsDeps): LoopSpec {
  return retainHistory({
    ...config.history,
    retention: store.retention,
    forges: forges.map(({ forge }) => forge),
    clock,
    logger,
  });
}

function makeFlow(
  { config, store, clock }: Pick<LoopsDeps, 'config' | 'store' | 'clock'>,
  forge: Forge,
  forgeConfig: ForgeConfig,
): WebhookFlow {
  return new WebhookFlow({
    ...config.dispatcher,
    ...forgeConfig,
    store,
    clock,
    forgeId: forge.id,
    isOpen: forge.webhooks.isOpen,
  });
}

/** A run that a lost answer did start takes an idle runner in this time; the next listing shows it. */
const LOST_PICKUP_MS = 10_000;

function dispatchLoop({ config, forgeConfig, metrics, flow, ...deps }: ForgeLoopsDeps): LoopSpec {
  const { pickupTimeoutMs } = config.dispatcher;
  const { pollIntervalMs, requestTimeoutMs } = forgeConfig;
  return new DispatchLoop({
    ...deps,
    ...config.dispatcher,
    ...config.waits,
    requestTimeoutMs,
    lostPickupMs: Math.min(pickupTimeoutMs, pollIntervalMs + LOST_PICKUP_MS),
    freshForMs: () => flow.freshForMs(),
    onCycle: (outcome) => {
      metrics.countDispatchCycle(outcome);
    },
    onPhase: (phase, durationMs) => {
      metrics.observeDispatchPhase(phase, durationMs);
    },
  }).spec;
}

function trackLoop({ config, forgeConfig, ...deps }: ForgeLoopsDeps): LoopSpec {
  const { recheckAfterMs, sendDeadlineMs } = config.dispatcher;
  const { forgeBreakerMs, probeMs, retryMs } = config.waits;
  const { requestTimeoutMs } = forgeConfig;
  const pausesMs = [forgeBreakerMs, probeMs, retryMs, recheckAfterMs, sendDeadlineMs];
  const longestPauseMs = Math.max(...pausesMs);
  return trackRuns({
    ...deps,
    ...config.dispatcher,
    ...config.waits,
    requestTimeoutMs,
    longestPauseMs,
  });
}

function cancelLoop({ config, forgeConfig, ...deps }: ForgeLoopsDeps): LoopSpec {
  const { requestTimeoutMs } = forgeConfig;
  return cancelRuns({ ...deps, ...config.dispatcher, ...config.waits, requestTimeoutMs });
}
