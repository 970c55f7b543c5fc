import { type Decoded, section } from './decode.ts';
import { authFields } from './sections/auth.ts';
import { databaseFields } from './sections/database.ts';
import { dispatcherFields } from './sections/dispatcher.ts';
import { githubFields } from './sections/github.ts';
import { groupsFields } from './sections/groups.ts';
import { historyFields } from './sections/history.ts';
import { serverFields } from './sections/server.ts';
import { waitsFields } from './sections/waits.ts';

/** Every key of the configuration file, with its type and default. */
export const configFile = section({
  server: section(serverFields),
  database: section(databaseFields),
  github: section(githubFields),
  dispatcher: section(dispatcherFields),
  waits: section(waitsFields),
  auth: section(authFields),
  history: section(historyFields),
  groups: section(groupsFields),
});

export type ConfigFile = Decoded<typeof configFile>;

/** All keys as paths: `server.listen`, `groups.github[].id`, … */
export function listKnownKeys(): string[] {
  return configFile.keys.map((path) => path.slice(1));
}
