import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const Profile = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
    }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});

export interface ProfiledFunction {
  /** Function and place. */
  readonly name: string;
  readonly selfMs: number;
  /** Of the time in which the process was not idle. */
  readonly share: number;
}

const ROOT = resolve(import.meta.dirname, '../..');
/** The last is the profiler itself. */
const NOT_WORK = /^(\(idle\)|\(program\)|\(root\)|post node:inspector)/;

/** In which functions a `.cpuprofile` spends its time, most first. */
export function topFunctions(profile: unknown, count: number): ProfiledFunction[] {
  const { nodes, samples, timeDeltas } = Profile.parse(profile);
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const selfMs = new Map<string, number>();
  samples.forEach((id, i) => {
    const name = names.get(id) ?? '(unknown)';
    if (NOT_WORK.test(name)) return;
    selfMs.set(name, (selfMs.get(name) ?? 0) + (timeDeltas[i] ?? 0) / 1_000);
  });
  const totalMs = [...selfMs.values()].reduce((sum, ms) => sum + ms, 0);
  return [...selfMs]
    .map(([name, ms]) => ({ name, selfMs: ms, share: ms / totalMs }))
    .sort((a, b) => b.selfMs - a.selfMs)
    .slice(0, count);
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const place = url.startsWith('file:') ? relative(ROOT, fileURLToPath(url)) : url;
  return `${name} ${place}:${lineNumber + 1}`;
}
