import { flushCompileCache } from 'node:module';
import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Forge } from '../../src/forge/forge.ts';
import { makeLogger } from '../../src/lib/logger.ts';
import type { Store } from '../../src/store/port/store.ts';
import { type KillWindow, killWindows } from './kill-window.ts';

/**
 * A server that kills itself, as `kill -9` would, at one exact point of a dispatch: the `hit`-th time it gets there.
 * `killable-server.ts CONFIG WINDOW HIT`. It is started with the channel that ends it together with its test.
 */

const [path, window, hit] = process.argv.slice(2);
if (path === undefined || !isWindow(window)) throw new Error('CONFIG WINDOW HIT');
const hitsLeft = { [window]: Number(hit) };

/** Nothing of this process runs after the last hit. */
function pass(here: KillWindow): void {
  if (here !== window) return;
  hitsLeft[here] = (hitsLeft[here] ?? 1) - 1;
  if (hitsLeft[here] === 0) process.kill(process.pid, 'SIGKILL');
}

function isWindow(name: string | undefined): name is KillWindow {
  return killWindows.some((known) => known === name);
}

/** The same object but for one method; whatever else it has stays its own. */
function withMethod<T extends object, K extends keyof T>(target: T, name: K, method: T[K]): T {
  return new Proxy(target, {
    get: (_, key) => {
      if (key === name) return method;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function killableStore(store: Store): Store {
  const { dispatch } = store;
  const claiming = withMethod(dispatch, 'claim', (...args) => {
    pass('before-claim');
    return dispatch.claim(...args);
  });
  const recording = withMethod(claiming, 'recordAccepted', async (...args) => {
    pass('replied-unrecorded');
    const isRecorded = await dispatch.recordAccepted(...args);
    pass('recorded');
    return isRecorded;
  });
  return withMethod(store, 'dispatch', recording);
}

function killableForge(forge: Forge): Forge {
  return withMethod(forge, 'dispatch', (...args) => {
    pass('claimed-unsent');
    return forge.dispatch(...args);
  });
}

const logger = makeLogger('debug');
const { config } = await loadConfig({ path, env: {}, fetch });
const app = await startApp(config, {
  logger,
  build: { version: 'killable', gitCommit: '', buildDate: '' },
  wrap: { store: killableStore, forge: killableForge },
});
logger.info({ url: app.url }, 'listening');
// Else a process writes it only when it ends, and this one will not get so far.
flushCompileCache();
