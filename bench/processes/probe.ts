/**
 * Loaded into every process that the bench starts (`node --import`). It ends the process when the bench is gone,
 * however it went, and answers what only the process itself can know: how long its main thread was blocked, and
 * where its time goes.
 */
import { writeFile } from 'node:fs/promises';
import type { Session } from 'node:inspector/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';

export type ProbeQuestion =
  | {
      readonly id: number;
      readonly ask: 'watch-delay' | 'read-delay' | 'read-cpu' | 'start-profile';
    }
  | { readonly id: number; readonly ask: 'stop-profile'; readonly file: string };

/** The longest time between two turns of the event loop, beyond the probe's own millisecond. */
export interface DelayReading {
  readonly maxMs: number;
  readonly p99Ms: number;
  readonly turns: number;
}

const RESOLUTION_MS = 1;
const NS_PER_MS = 1e6;

let delay: ReturnType<typeof monitorEventLoopDelay> | undefined;
// Loaded when it is asked for: the start of a server is measured too.
const loadInspector = () => import('node:inspector/promises');
let session: Session | undefined;

process.once('disconnect', () => process.exit(1));
process.on('message', (question: Partial<ProbeQuestion>) => {
  // The program that is probed has messages of its own.
  if (question.ask === undefined) return;
  answer(question as ProbeQuestion).then(
    (reply: unknown) => process.send?.({ id: question.id, reply }),
    (error: unknown) => process.send?.({ id: question.id, error: String(error) }),
  );
});
// Neither the channel nor listening on it may keep a process alive that has nothing left to do.
process.channel?.unref();

async function answer(question: ProbeQuestion): Promise<unknown> {
  switch (question.ask) {
    case 'watch-delay':
      delay ??= monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      delay.enable();
      delay.reset();
      return undefined;
    case 'read-delay':
      return readDelay();
    case 'read-cpu':
      return process.cpuUsage();
    case 'start-profile':
      session = new (await loadInspector()).Session();
      session.connect();
      await session.post('Profiler.enable');
      await session.post('Profiler.start');
      return undefined;
    case 'stop-profile':
      return stopProfile(question.file);
  }
}

function readDelay(): DelayReading {
  if (delay === undefined) throw new Error('nobody watches the delay');
  const ms = (ns: number): number => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS);
  return { maxMs: ms(delay.max), p99Ms: ms(delay.percentile(99)), turns: delay.count };
}

async function stopProfile(file: string): Promise<undefined> {
  if (session === undefined) throw new Error('no profile was started');
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  session = undefined;
  await writeFile(file, JSON.stringify(profile));
  return undefined;
}
