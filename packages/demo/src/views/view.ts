import type { Snapshot } from './snapshot.ts';

/** Where the demo shows itself: a terminal, a pipe, or a list in a test. */
export interface DemoOutput {
  write(text: string): unknown;
  /** Of a terminal. */
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

export interface DemoView {
  /** Something has happened. */
  print(event: string): void;
  /** How things stand. */
  show(snapshot: Snapshot): void;
  /** Back to a plain terminal, for the summary. Repeatable. */
  close(): void;
}

/** What somebody needs to look for himself. */
export interface Access {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly curl: string;
  readonly stateFolder: string;
}

export function accessLines({ url, username, password, curl, stateFolder }: Access): string[] {
  return [
    `API    ${url}/api/v1   login ${username} / ${password}`,
    `try    ${curl}`,
    `state  ${stateFolder}   (config.yaml, world.json, server.log, forge-sim.log)`,
  ];
}

/** Logs in and lists the groups; the session is kept in a file of the state folder. */
export function curlLine({ url, username, password, stateFolder }: Omit<Access, 'curl'>): string {
  const jar = `'${stateFolder}/cookies'`;
  const login = JSON.stringify({ username, password });
  return `curl -so /dev/null -c ${jar} -d '${login}' ${url}/api/v1/auth/login && curl -sb ${jar} ${url}/api/v1/groups`;
}
