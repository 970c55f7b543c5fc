/** Which loops run, and with which part of the configuration. */
import type { Config } from './config/config.ts';
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

export interface LoopsDeps {
  readonly config: Config;
  readonly store: Store;
  readonly forge: Forge;
  readonly feed: EventFeed;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly logger: Logger;
  /** This process, as the leases name it. */
  readonly holder: string;
}

/**
 * Starts the feed and all loops; they stop when `signal` aborts.
 *
 * @returns waits until they have finished their acts in flight and handed their leases over; the feed ends last
 */
export function startLoops(deps: LoopsDeps, signal: AbortSignal): () => Promise<void> {
  const { config, store, forge, feed, clock, logger, holder } = deps;
  const { leaseMs, reconnectMs } = config.waits;
  const feedStop = new AbortController();
  const feeding = feed.run(feedStop.signal);
  const leased = { leases: store.leases, clock, logger, holder, leaseMs, feed };
  const running = listLoops(deps).map((spec) => runLeasedLoop(spec, leased, signal));
  running.push(
    connectForge(forge, clock, reconnectMs, signal, (error) => {
      logger.warn({ err: error }, 'forge not reached');
    }),
  );
  return async () => {
    await Promise.all(running);
    feedStop.abort();
    await feeding;
  };
}

function listLoops(deps: LoopsDeps): LoopSpec[] {
  const { store, forge, clock, logger } = deps;
  const { github, dispatcher, waits, history } = deps.config;
  const { lateRunMs } = waits;
  const shared = { store, forge, clock, logger };
  const flow = makeFlow(deps);
  const { requestTimeoutMs } = github;
  const stamps = new RunStamps({ forge, runs: store.runs, requestTimeoutMs, logger });
  return [
    ...(dispatcher.enabled ? [dispatchLoop(deps, flow, stamps)] : []),
    new PollRunners({ ...shared, pollIntervalMs: github.pollIntervalMs, flow }).spec,
    trackLoop(deps, flow, stamps),
    cancelLoop(deps, flow, stamps),
    takeWebhooks({ ...shared, lateRunMs }),
    retainHistory({ ...shared, ...history, retention: store.retention }),
  ];
}

function makeFlow({ config, store, forge, clock }: LoopsDeps): WebhookFlow {
  const { pollIntervalMs, pollIntervalWithWebhooksMs, webhookGraceMs } = config.github;
  const { trackingIntervalMs, trackingIntervalWithWebhooksMs } = config.dispatcher;
  return new WebhookFlow({
    ...{ store, clock, forgeId: forge.id, isOpen: forge.webhooks.isOpen },
    ...{ pollIntervalMs, pollIntervalWithWebhooksMs, webhookGraceMs },
    ...{ trackingIntervalMs, trackingIntervalWithWebhooksMs },
  });
}

/** A run that a lost answer did start takes an idle runner in this time; the next listing shows it. */
const LOST_PICKUP_MS = 10_000;

function dispatchLoop(deps: LoopsDeps, flow: WebhookFlow, stamps: RunStamps): LoopSpec {
  const { config, store, forge, metrics, clock, logger } = deps;
  const { intervalMs, sendDeadlineMs, pickupTimeoutMs } = config.dispatcher;
  const { recheckAfterMs, runLookupTimeoutMs } = config.dispatcher;
  const { forgeBreakerMs, probeMs, retryMs } = config.waits;
  return new DispatchLoop({
    ...{ store, forge, stamps, clock, logger },
    ...{ intervalMs, sendDeadlineMs, pickupTimeoutMs, runLookupTimeoutMs },
    ...{ recheckAfterMs, forgeBreakerMs, probeMs, retryMs },
    requestTimeoutMs: config.github.requestTimeoutMs,
    lostPickupMs: Math.min(pickupTimeoutMs, config.github.pollIntervalMs + LOST_PICKUP_MS),
    freshForMs: () => flow.freshForMs(),
    onCycle: (outcome) => {
      metrics.countDispatchCycle(outcome);
    },
    onPhase: (phase, durationMs) => {
      metrics.observeDispatchPhase(phase, durationMs);
    },
  }).spec;
}

function trackLoop(deps: LoopsDeps, flow: WebhookFlow, stamps: RunStamps): LoopSpec {
  const { config, store, forge, clock, logger } = deps;
  const { trackingIntervalMs, recheckAfterMs, runLookupTimeoutMs } = config.dispatcher;
  const { runVisibleMs, lateRunMs, unreadableRunMs } = config.waits;
  const { pickupExpectedMs, queuedRecheckMs } = config.waits;
  const { forgeBreakerMs, probeMs, retryMs } = config.waits;
  const { sendDeadlineMs } = config.dispatcher;
  const pausesMs = [forgeBreakerMs, probeMs, retryMs, recheckAfterMs, sendDeadlineMs];
  return trackRuns({
    longestPauseMs: Math.max(...pausesMs),
    ...{ store, forge, stamps, clock, logger, flow },
    ...{ trackingIntervalMs, recheckAfterMs, runLookupTimeoutMs },
    ...{ runVisibleMs, lateRunMs, unreadableRunMs, pickupExpectedMs, queuedRecheckMs },
    requestTimeoutMs: config.github.requestTimeoutMs,
  });
}

function cancelLoop(deps: LoopsDeps, flow: WebhookFlow, stamps: RunStamps): LoopSpec {
  const { config, store, forge, clock, logger } = deps;
  const { recheckAfterMs, runLookupTimeoutMs } = config.dispatcher;
  const { cancelRetryMs, forceCancelMs, unreadableRunMs } = config.waits;
  const { pickupExpectedMs, queuedRecheckMs } = config.waits;
  return cancelRuns({
    ...{ store, forge, stamps, clock, logger, flow },
    ...{ cancelRetryMs, forceCancelMs, recheckAfterMs, runLookupTimeoutMs },
    ...{ unreadableRunMs, pickupExpectedMs, queuedRecheckMs },
    requestTimeoutMs: config.github.requestTimeoutMs,
  });
}
