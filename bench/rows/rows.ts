import type { Bench } from '../bench.ts';
import { measureCorrelation } from './correlation.ts';
import { measureDrain } from './drain.ts';
import { measureEnqueue } from './enqueue.ts';
import { measureGrowth } from './growth.ts';
import { measureLists } from './lists.ts';
import { measurePlan } from './plan.ts';
import { measurePromptness } from './promptness.ts';
import { measureStart } from './start.ts';
import { measureWebsocket } from './websocket.ts';

/** By the name that `--only` takes, in the order in which they run. */
export const rows: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  promptness: measurePromptness,
  drain: measureDrain,
  correlation: measureCorrelation,
  plan: measurePlan,
  enqueue: measureEnqueue,
  lists: measureLists,
  websocket: measureWebsocket,
  start: measureStart,
  growth: measureGrowth,
};
