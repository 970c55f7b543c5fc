import type { Bench } from './bench.ts';
import { measurePromptness } from './rows/promptness.ts';
import { measureStart } from './rows/start.ts';
import { measureWebsocket } from './rows/websocket.ts';

/** By the name that `--only` takes, in the order in which they run. */
export const rows: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  promptness: measurePromptness,
  websocket: measureWebsocket,
  start: measureStart,
};
