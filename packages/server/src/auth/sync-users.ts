import type { Secret } from '../lib/secret.ts';
import type { Role, UserStore } from '../store/port/users.ts';
import { HashLine } from './hash-line.ts';
import { argon2id } from './passwords.ts';

/** A user as the config names it. */
export interface BasicUser {
  readonly username: string;
  readonly password: Secret;
  readonly role: Role;
}

/**
 * Makes the basic users what the config says; none when basic auth is off. A hash is made anew only for a password
 * that does not fit the stored one, so a restart ends no sessions.
 */
export async function syncUsers(
  configured: readonly BasicUser[],
  users: Pick<UserStore, 'listBasicUsers' | 'syncBasicUsers'>,
): Promise<void> {
  const stored = new Map<string, string>();
  for (const user of await users.listBasicUsers()) stored.set(user.username, user.passwordHash);
  const line = new HashLine({ mostWaiting: configured.length });
  const wanted = configured.map(({ username, password, role }) =>
    line.run(
      async () => {
        const kept = await findFittingHash(stored.get(username), password);
        const passwordHash = kept ?? (await argon2id.hash(password.reveal()));
        return { username, role, passwordHash, isPasswordChanged: kept === undefined };
      },
      { client: username, who: username },
    ),
  );
  await users.syncBasicUsers(await Promise.all(wanted));
}

async function findFittingHash(
  passwordHash: string | undefined,
  password: Secret,
): Promise<string | undefined> {
  if (passwordHash === undefined) return undefined;
  return (await argon2id.fits(passwordHash, password.reveal())) ? passwordHash : undefined;
}
