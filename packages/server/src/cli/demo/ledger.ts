import { z } from 'zod';

/**
 * What the demo reads of forge-sim's ledger (`GET /_sim/ledger`, described in forge-sim's README). Stamps are
 * epoch milliseconds.
 */
const LedgerRequest = z.object({
  id: z.number(),
  at: z.number(),
  endpoint: z.string(),
  status: z.number().nullable(),
});

const LedgerJob = z.object({
  runAttempt: z.number(),
  runnerId: z.number().nullable(),
  startedAt: z.number().nullable(),
  completedAt: z.number().nullable(),
});

const LedgerRun = z.object({
  id: z.number(),
  inputs: z.record(z.string(), z.string()),
  createdByRequest: z.number(),
  conclusion: z.string().nullable(),
  jobs: z.array(LedgerJob),
});
export type LedgerRun = z.infer<typeof LedgerRun>;

/** Without `to` it lasts. */
const OpenSpan = z.object({ from: z.number(), to: z.number().optional() });

const LedgerRunner = z.object({
  id: z.number(),
  name: z.string(),
  labels: z.array(z.string()),
  onlineSpans: z.array(OpenSpan),
  busySpans: z.array(OpenSpan),
});
export type LedgerRunner = z.infer<typeof LedgerRunner>;

export const Ledger = z.object({
  requests: z.array(LedgerRequest),
  runs: z.array(LedgerRun),
  runners: z.array(LedgerRunner),
});
export type Ledger = z.infer<typeof Ledger>;

/** From forge-sim's profile (`GET /_sim/profiles`). */
export const ForgeProfile = z.object({
  replyMs: z.tuple([z.number(), z.number()]),
  pickupMs: z.tuple([z.number(), z.number()]),
});
export type ForgeProfile = z.infer<typeof ForgeProfile>;

/**
 * The mean time from a dispatch's arrival at the forge to the start of its workflow job on a free runner: half
 * of a reply (the forge acts half-way through it) and a pickup.
 */
export function meanDispatchToStartMs({ replyMs, pickupMs }: ForgeProfile): number {
  return (replyMs[0] + replyMs[1]) / 4 + (pickupMs[0] + pickupMs[1]) / 2;
}
