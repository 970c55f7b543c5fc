import { Secret } from '../../lib/secret.ts';
import type { Cursor } from '../cursor.ts';
import type { SecretText } from '../scalars.ts';

/**
 * The secret of a key. A variable that is not set fails the load where the secret is in use: the
 * literal `${NAME}` would be a password that everyone can read in the manual. Where it is not in use
 * (another driver, a disabled login) the same file must still start.
 */
export function takeSecret(found: SecretText, at: Cursor, isInUse: boolean): Secret {
  if (found.unsetVariable !== undefined) {
    const message = `the variable ${found.unsetVariable} is not set`;
    if (isInUse) at.problem(`${message}; set it, or write the value here`);
    else at.warn(`${message}; the value is not in use now`);
  }
  return found.secret;
}

/** Tokens contain no blanks: a line break behind one came with the file it was read from. */
export function takeToken(found: SecretText, at: Cursor, isInUse: boolean): Secret {
  return new Secret(takeSecret(found, at, isInUse).reveal().trim());
}
