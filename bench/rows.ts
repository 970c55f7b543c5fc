import type { Bench } from './bench.ts';
import { measureCorrelation } from './rows/correlation.ts';
import { measureDrain } from './rows/drain.ts';
import { measureEnqueue } from './rows/enqueue.ts';
import { measureGrowth } from './rows/growth.ts';
import { measureLists } from './rows/lists.ts';
import { measurePlan } from './rows/plan.ts';
import { measurePromptness } from './rows/promptness.ts';
import { measureStart } from './rows/start.ts';
import { measureWebsocket } from './rows/websocket.ts';

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
