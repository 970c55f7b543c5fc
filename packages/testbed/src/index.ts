/** What programs beside the server share: demo, bench and tests. */
export { type Clock, systemClock } from './clock.ts';
export { idealDrainMs } from './ideal/drain.ts';
export { type IdealJob, idealMakespanMs } from './ideal/makespan.ts';
export { fits, type HasLabels } from './labels.ts';
export { median, p99, percentile } from './percentile.ts';
export {
  Child,
  type ChildExit,
  type ChildOptions,
  dieWithParent,
  type Environment,
} from './processes/child.ts';
export { ownEnvironment } from './processes/own-environment.ts';
export { type NewJob, ServerAway, ServerClient } from './server-client.ts';
