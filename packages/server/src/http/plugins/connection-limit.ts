import type { Server } from 'node:http';
import type { Clock } from '../../lib/clock.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { HttpApp } from '../http-app.ts';

const TOLD_EVERY_MS = 60_000;

interface LimitDeps {
  readonly most: number;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'countDroppedConnection'>;
}

/**
 * More connections than `most` at a time are closed as they come, WebSockets counted too: without an end they would take
 * every descriptor, and with them the connections to the forge and the database. Told once a minute at most.
 */
export function limitConnections(app: HttpApp, { most, clock, metrics }: LimitDeps): void {
  let untold = 0;
  let cancel: (() => void) | undefined;
  const tell = (): void => {
    cancel = undefined;
    if (untold === 0) return;
    app.log.warn(
      { dropped: untold, most },
      'connections dropped: there are as many as server.max_connections',
    );
    untold = 0;
    cancel = clock.after(TOLD_EVERY_MS, tell);
  };
  const onDrop = (): void => {
    metrics.countDroppedConnection();
    untold += 1;
    if (cancel === undefined) tell();
  };
  app.addHook('onListen', async () => {
    const servers = [app.server, ...otherServersOf(app)];
    for (const server of servers) {
      server.maxConnections = Math.ceil(most / servers.length);
      server.on('drop', onDrop);
    }
  });
  app.addHook('onClose', async () => {
    cancel?.();
  });
}

/** For `localhost` Fastify listens on two addresses, and shows one of them only. */
function otherServersOf(app: HttpApp): readonly Server[] {
  const symbols = Object.getOwnPropertySymbols(app);
  const bindings = symbols.find(({ description }) => description === 'fastify.serverBindings');
  return bindings === undefined ? [] : (Reflect.get(app, bindings) as Server[]);
}
