/** What the ledger holds: what really happened on the simulated forge. */
import type { Gate, HookEvent, JobConclusion, RunConclusion } from '../world/spec.ts';
import type { BusySpan, JobStatus, RunStatus } from '../world/state.ts';

/** Every stamp is epoch ms on the forge's clock. */
export interface LedgerRequest {
  id: number;
  /** When its first bytes were read, before its body was. */
  at: number;
  method: string;
  /** As it came, without the query. */
  path: string;
  query: Record<string, string>;
  endpoint: string;
  /** Its last 4 characters; empty without one. */
  token: string;
  owner?: string;
  repo?: string;
  /** null while there is no reply, and for ever if the connection was cut instead. */
  status: number | null;
  /** The forge has done what was asked (for a read: has read). */
  acted: boolean;
  /** The kind of the fault that met it. */
  fault?: string;
  /** Set when the last byte was handed over. */
  repliedAt?: number;
  /** Whoever asked hung up before the reply. */
  abandoned?: true;
  /** It carried `If-None-Match`. */
  conditional: boolean;
}

export interface LedgerJob {
  id: number;
  name: string;
  runAttempt: number;
  labels: string[];
  status: JobStatus;
  conclusion: JobConclusion | null;
  runnerId: number | null;
  runnerName: string | null;
  createdAt: number | null;
  startedAt: number | null;
  completedAt: number | null;
}

export interface LedgerRun {
  id: number;
  owner: string;
  repo: string;
  /** File name. */
  workflow: string;
  ref: string;
  inputs: Record<string, string>;
  title: string;
  actor: string;
  createdAt: number;
  /** From here on listings show it. */
  visibleAt: number;
  /** `id` of the request that made it. */
  createdByRequest: number;
  runAttempt: number;
  status: RunStatus | Gate;
  conclusion: RunConclusion | null;
  /** Of all attempts, in order. */
  jobs: LedgerJob[];
  cancelRequestedAt?: number;
  deleted?: boolean;
}

export interface LedgerRunner {
  id: number;
  scope: string;
  name: string;
  labels: string[];
  os: string;
  /** When it was added. */
  onlineAt: number;
  goneAt?: number;
  onlineSpans: { from: number; to?: number }[];
  /** `runId` and `jobId` are null while an outside job has it. */
  busySpans: BusySpan[];
}

export type DeliveryFault = 'lost' | 'doubled' | 'delayed' | 'reordered';

/** One sending of a webhook; a doubled one has two, under one GUID. */
export interface LedgerDelivery {
  id: number;
  hookId: number;
  guid: string;
  event: HookEvent;
  /** null for a ping. */
  action: string | null;
  runId?: number;
  jobId?: number;
  /** When what it reports happened. */
  at: number;
  /** null: not sent yet, or lost. */
  sentAt: number | null;
  /** The first that met it; of a doubled one only the copy has it. */
  fault?: DeliveryFault;
  /** Of the answer; null without one. */
  status: number | null;
  /** Real time from the sending to the end of the answer. */
  durationMs: number | null;
  /** Why there was no answer. */
  error?: string;
}

/** Each delivery is in one of `lost` to `failed`; the faults below count beside them. */
export interface DeliveryCounts {
  total: number;
  lost: number;
  /** Not sent yet. */
  waiting: number;
  inFlight: number;
  /** Answered 2xx. */
  accepted: number;
  /** Answered otherwise. */
  refused: number;
  /** No answer: no connection, a reset, a timeout. */
  failed: number;
  doubled: number;
  delayed: number;
  reordered: number;
}

/** What really happened. A snapshot: it does not change after it was taken. */
export interface Ledger {
  readonly requests: readonly LedgerRequest[];
  readonly runs: readonly LedgerRun[];
  readonly runners: readonly LedgerRunner[];
  readonly deliveries: readonly LedgerDelivery[];
  readonly deliveryCounts: DeliveryCounts;
}
