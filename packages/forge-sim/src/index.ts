export type { EndpointName } from './endpoint-names.ts';
export type { FaultKind, FaultSpec } from './faults.ts';
export type { HookFaults } from './hooks/hook-faults.ts';
export type {
  DeliveryCounts,
  DeliveryFault,
  Ledger,
  LedgerDelivery,
  LedgerJob,
  LedgerRequest,
  LedgerRun,
  LedgerRunner,
} from './ledger/entries.ts';
export type { Profile, ProfileName, SecondaryLimits } from './profiles.ts';
export { Random } from './random.ts';
export type { ForgeSim } from './sim.ts';
export type { ForgeSimOptions } from './sim-options.ts';
export { startForgeSim } from './start.ts';
export {
  assertValid,
  createSchemaValidator,
  type SchemaValidator,
  type ValidatedReply,
  type ValidatedRequest,
} from './validator/validator.ts';
export type {
  HookEvent,
  HookSpec,
  JobConclusion,
  RunConclusion,
  RunnerSpec,
  TokenSpec,
  WorkflowJobSpec,
  WorkflowSpec,
  World,
} from './world/spec.ts';
