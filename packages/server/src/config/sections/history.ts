import type { HistoryConfig } from '../config.ts';
import type { Section } from '../decode.ts';
import { duration, integer } from '../scalars.ts';

export const historyFields = {
  // Any negative number keeps the history for ever.
  retention_days: integer({ fallback: 30, min: -Number.MAX_SAFE_INTEGER, max: 36_500 }),
  cleanup_interval: duration({ fallback: '1h', min: '10ms', max: '576h' }),
};

export function buildHistory({ values }: Section<typeof historyFields>): HistoryConfig {
  return {
    retentionDays: values.retention_days < 0 ? null : values.retention_days,
    cleanupIntervalMs: values.cleanup_interval,
  };
}
