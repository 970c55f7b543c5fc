import type { Database } from '../database.ts';
import type { DispatchStore } from '../port/dispatch.ts';
import { claim } from './claim.ts';
import { endFarPauses } from './far-times.ts';
import { loadState } from './load.ts';
import { savePlans } from './plans.ts';
import {
  expireClaims,
  failUndispatchable,
  giveBack,
  recordAccepted,
  recordDisplaced,
  recordHoldsEnded,
  recordRefused,
  recordUnknown,
} from './record.ts';
import { releaseFailing } from './verdicts.ts';

export function makeDispatchStore(database: Database): DispatchStore {
  return {
    loadState: (query) => loadState(database, query),
    releaseFailing: (forgeId, but) => releaseFailing(database, forgeId, but),
    savePlans: (fence, plans) => savePlans(database, fence, plans),
    recordDisplaced: (attemptIds) => recordDisplaced(database, attemptIds),
    recordHoldsEnded: (attemptIds) => recordHoldsEnded(database, attemptIds),
    claim: (fence, request) => claim(database, fence, request),
    giveBack: (attemptId, reason) => giveBack(database, attemptId, reason),
    recordAccepted: (attemptId, run) => recordAccepted(database, attemptId, run),
    recordRefused: (attemptId, outcome) => recordRefused(database, attemptId, outcome),
    recordUnknown: (attemptId, message, word) => recordUnknown(database, attemptId, message, word),
    failUndispatchable: (fence, jobId, message) =>
      failUndispatchable(database, fence, jobId, message),
    endFarPauses: (fence, forgeId, longestPauseMs) =>
      endFarPauses(database, fence, forgeId, longestPauseMs),
    expireClaims: (fence, requestTimeoutMs) => expireClaims(database, fence, requestTimeoutMs),
  };
}
