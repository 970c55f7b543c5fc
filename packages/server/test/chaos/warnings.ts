/** A line of a server's log. */
export interface Warning {
  readonly at: number;
  /** Of the single request that it tells of, where it does. */
  readonly requestId: string | undefined;
}

/** Pino's number. */
const WARN = 40;

/** What an operator with the default level is warned of. */
export function listWarnings(logLines: readonly string[]): Warning[] {
  return logLines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { level: number; time: string; requestId?: string })
    .filter(({ level }) => level >= WARN)
    .map(({ time, requestId }) => ({ at: Date.parse(time), requestId }));
}
