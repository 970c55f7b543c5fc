import type { DeliveryCounts, LedgerDelivery } from '../ledger/entries.ts';

type Outcome = 'lost' | 'waiting' | 'inFlight' | 'accepted' | 'refused' | 'failed';

export function countDeliveries(deliveries: readonly LedgerDelivery[]): DeliveryCounts {
  const counts: DeliveryCounts = {
    ...{ total: 0, lost: 0, waiting: 0, inFlight: 0, accepted: 0, refused: 0, failed: 0 },
    ...{ doubled: 0, delayed: 0, reordered: 0 },
  };
  for (const delivery of deliveries) {
    const { fault } = delivery;
    counts.total += 1;
    counts[outcomeOf(delivery)] += 1;
    if (fault !== undefined && fault !== 'lost') counts[fault] += 1;
  }
  return counts;
}

function outcomeOf({ fault, sentAt, status, error }: LedgerDelivery): Outcome {
  if (fault === 'lost') return 'lost';
  if (sentAt === null) return 'waiting';
  if (status !== null) return status >= 200 && status < 300 ? 'accepted' : 'refused';
  return error === undefined ? 'inFlight' : 'failed';
}
