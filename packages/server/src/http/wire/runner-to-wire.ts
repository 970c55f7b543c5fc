import type { Runner as WireRunner } from '@dispatchoor/api-contract';
import type { Runner } from '../../domain/runner.ts';
import { forgeNumber } from './forge-number.ts';
import { timeToWire } from './time-to-wire.ts';

export function runnerToWire(runner: Runner): WireRunner {
  return {
    id: forgeNumber(runner.forgeRunnerId),
    name: runner.name,
    labels: [...runner.labels],
    status: runner.status,
    busy: runner.isBusy,
    os: runner.os,
    last_seen_at: timeToWire(runner.lastSeenAt),
    created_at: timeToWire(runner.createdAt),
    updated_at: timeToWire(runner.updatedAt),
  };
}
