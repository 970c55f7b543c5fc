import type { Clock } from '../../lib/clock.ts';
import type { HttpApp } from '../http-app.ts';

/** Whoever reads a long answer slowly is cut off then: well before the process that stops is ended itself. */
const CUT_AFTER_MS = 5_000;

interface ClosingDeps {
  readonly clock: Clock;
  /** Those that `http.Server` does not count as its own. */
  readonly destroyOthers: () => void;
}

/**
 * Lets a stopping server go. A connection whose request was under way when the stop began would otherwise be kept
 * alive by both sides, and waited for until its client lets go of it.
 */
export function endConnectionsOnClose(app: HttpApp, { clock, destroyOthers }: ClosingDeps): void {
  let isClosing = false;
  let cancelCut = (): void => undefined;
  app.addHook('preClose', (done) => {
    isClosing = true;
    cancelCut = clock.after(CUT_AFTER_MS, () => {
      app.server.closeAllConnections();
      destroyOthers();
    });
    done();
  });
  app.addHook('onSend', async (_request, reply) => {
    if (isClosing) reply.header('connection', 'close');
  });
  app.addHook('onClose', async () => {
    cancelCut();
  });
}
