import { flushCompileCache } from 'node:module';
import closeWithGrace from 'close-with-grace';
import { startApp } from '../app.ts';
import { systemClock } from '../lib/clock.ts';
import { releaseStartGarbage } from '../lib/start-garbage.ts';
import { drainLog, type LogOptions, openLog } from './logging.ts';
import { readConfig } from './read-config.ts';
import { buildInfo } from './version.ts';

/** Acts in flight get this long to end; then the process goes, and the next one recovers from the database. */
const GRACE_MS = 10_000;

export interface ServerOptions extends LogOptions {
  readonly config: string;
}

/** Runs until SIGINT or SIGTERM; the process then ends by itself. Rejects when it cannot start. */
export async function runServer(options: ServerOptions): Promise<void> {
  const { logger, sink } = openLog(options);
  const config = await readConfig(options.config, logger);
  const starting = startApp(config, {
    logger,
    build: buildInfo,
    lostLogLines: () => sink.lostLines,
  });
  // Before anybody hears that it runs: a signal that nobody waits for ends the process as kill -9 does.
  const { uninstall } = closeWithGrace(
    { delay: GRACE_MS, logger: false },
    async ({ signal, err }) => {
      if (err !== undefined) logger.fatal({ err }, 'unexpected error, stopping');
      else logger.info({ signal }, 'stopping');
      const started = await starting;
      await started.close();
      logger.info('stopped');
      await drainLog(sink, systemClock);
    },
  );
  const app = await starting.catch((error: unknown) => {
    // Else it would end the process with code 0 now.
    uninstall();
    throw error;
  });
  logger.info({ url: app.url }, 'listening');
  // A server may end by being killed, and would then leave nothing to the next start.
  flushCompileCache();
  releaseStartGarbage();
}
