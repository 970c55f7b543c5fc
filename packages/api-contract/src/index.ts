export * from './auth.ts';
export * from './error.ts';
export * from './group.ts';
export * from './job.ts';
export * from './primitives.ts';
export * from './runner.ts';
export * from './status.ts';
export * from './why-waiting.ts';
