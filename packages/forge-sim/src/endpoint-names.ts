export const endpointNames = [
  'rateLimit',
  'user',
  'userGet',
  'repoGet',
  'listRunners',
  'dispatch',
  'listRuns',
  'getRun',
  'getRunAttempt',
  'listRunJobs',
  'cancel',
  'forceCancel',
  'unknown',
] as const;

/** `unknown`: a path that the simulated forge does not have. */
export type EndpointName = (typeof endpointNames)[number];
