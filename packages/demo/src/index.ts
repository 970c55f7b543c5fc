/** What `dispatchoor demo` runs. */
export { type DemoOptions, runDemo } from './run-demo.ts';
export type { DemoOutput } from './views/view.ts';
