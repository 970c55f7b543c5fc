import {
  RECHECK_AFTER_MS,
  SEND_DEADLINE_MS,
  shortestOutcomeTimeoutMs,
} from '../../domain/timing.ts';
import { formatGoDuration } from '../../lib/go-duration.ts';
import type { DispatcherConfig } from '../config.ts';
import type { Cursor } from '../cursor.ts';
import type { Section } from '../decode.ts';
import { boolean, duration } from '../scalars.ts';

const interval = duration({ fallback: '30s', min: '10ms', max: '576h' });

export const dispatcherFields = {
  enabled: boolean(true),
  interval,
  tracking_interval: interval,
  tracking_interval_with_webhooks: duration({ fallback: '2m', min: '10ms', max: '576h' }),
  run_lookup_timeout: duration({ fallback: '5m', min: '10ms', max: '24h' }),
  pickup_timeout: duration({ fallback: '15m', min: '10ms', max: '24h' }),
  send_deadline: duration({
    fallback: formatGoDuration(SEND_DEADLINE_MS),
    min: '10ms',
    max: '10m',
  }),
  recheck_after: duration({
    fallback: formatGoDuration(RECHECK_AFTER_MS),
    min: '10ms',
    max: '1h',
  }),
};

export function buildDispatcher(
  { values, at }: Section<typeof dispatcherFields>,
  requestTimeoutMs: number,
): DispatcherConfig {
  const shortestMs = shortestOutcomeTimeoutMs(values.send_deadline, requestTimeoutMs);
  refuseShorter(values.run_lookup_timeout, shortestMs, at.run_lookup_timeout);
  refuseShorter(values.pickup_timeout, shortestMs, at.pickup_timeout);
  return {
    enabled: values.enabled,
    intervalMs: values.interval,
    trackingIntervalMs: values.tracking_interval,
    trackingIntervalWithWebhooksMs: Math.max(
      values.tracking_interval_with_webhooks,
      values.tracking_interval,
    ),
    runLookupTimeoutMs: values.run_lookup_timeout,
    pickupTimeoutMs: values.pickup_timeout,
    sendDeadlineMs: values.send_deadline,
    recheckAfterMs: values.recheck_after,
  };
}

function refuseShorter(timeoutMs: number, shortestMs: number, at: Cursor): void {
  if (timeoutMs >= shortestMs) return;
  at.problem(
    `${formatGoDuration(timeoutMs)} could end before a dispatch on its way is known, and start the job twice; ` +
      `write ${formatGoDuration(shortestMs)} (send_deadline + github.request_timeout + a margin) or more`,
  );
}
