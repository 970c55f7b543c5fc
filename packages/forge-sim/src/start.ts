import { assemble } from './assemble.ts';
import { startHttp } from './http.ts';
import { ForgeSim } from './sim.ts';
import type { ForgeSimOptions } from './sim-options.ts';

/** Starts a simulated GitHub; end it with `close()`. */
export async function startForgeSim(options: ForgeSimOptions = {}): Promise<ForgeSim> {
  const parts = assemble(options);
  const { host = '127.0.0.1', port = 0 } = options;
  // The control needs the sim, and the sim its address: requests that come first wait for it.
  const { promise: started, resolve } = Promise.withResolvers<ForgeSim>();
  const http = await startHttp({ rest: parts, started, host, port });
  parts.forge.urls.html = http.url;
  parts.forge.urls.api = parts.forge.ghes === null ? http.url : `${http.url}/api/v3`;
  const sim = new ForgeSim(parts, http.url, http.stop);
  resolve(sim);
  return sim;
}
