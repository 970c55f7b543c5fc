import type { WaitsConfig } from '../config.ts';
import type { Section } from '../decode.ts';
import { duration } from '../scalars.ts';

const wait = (fallback: string, min = '10ms') => duration({ fallback, min, max: '576h' });

export const waitsFields = {
  // A renewal is a third of it: below a second a busy machine would lose leases that it holds.
  lease: duration({ fallback: '10s', min: '1s', max: '10m' }),
  forge_breaker: wait('60s'),
  reconnect: wait('15s'),
  retry: wait('5s'),
  probe: wait('5m'),
  cancel_retry: wait('30s'),
  force_cancel: wait('5m'),
  run_visible: wait('60s'),
  pickup_expected: wait('10s'),
  queued_recheck: wait('60s'),
  unreadable_run: wait('1h'),
  // Attempts are kept for a week: longer than that nothing can be watched.
  late_run: duration({ fallback: '24h', min: '10ms', max: '168h' }),
};

export function buildWaits({ values }: Section<typeof waitsFields>): WaitsConfig {
  return {
    leaseMs: values.lease,
    forgeBreakerMs: values.forge_breaker,
    reconnectMs: values.reconnect,
    retryMs: values.retry,
    probeMs: values.probe,
    cancelRetryMs: values.cancel_retry,
    forceCancelMs: values.force_cancel,
    runVisibleMs: values.run_visible,
    pickupExpectedMs: values.pickup_expected,
    queuedRecheckMs: values.queued_recheck,
    unreadableRunMs: values.unreadable_run,
    lateRunMs: values.late_run,
  };
}
