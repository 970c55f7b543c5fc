import { Secret } from '../../lib/secret.ts';
import type { Cursor } from '../cursor.ts';
import type { SecretText } from '../scalars.ts';

/** A password: what the file or the variable holds, to the letter. */
export function takeSecret(found: SecretText, at: Cursor, isInUse: boolean): Secret {
  reportUnset(found, at, isInUse);
  warnOfWrapping(found.secret, found, at);
  return found.secret;
}

/** A token has no blanks: a line break behind one came with the file that the variable was read from. */
export function takeToken(found: SecretText, at: Cursor, isInUse: boolean): Secret {
  reportUnset(found, at, isInUse);
  const token = new Secret(found.secret.reveal().trim());
  warnOfWrapping(token, found, at);
  return token;
}

/**
 * A variable that is not set fails the load where the secret is in use: the literal `${NAME}` would
 * be a password that everyone can read in the manual. Where it is not in use (another driver, a
 * disabled login) the same file must still start.
 */
function reportUnset(found: SecretText, at: Cursor, isInUse: boolean): void {
  if (found.unsetVariable === undefined) return;
  if (!isInUse) return;
  at.problem(`the variable ${found.unsetVariable} is not set; set it, or write the value here`);
}

// The Go program pasted variables into the YAML, which took quotes and blanks around them away.
function warnOfWrapping(secret: Secret, { hasReferences }: SecretText, at: Cursor): void {
  if (hasReferences && /^\s|\s$|^(["']).*\1$/s.test(secret.reveal())) {
    at.warn('comes from a variable with quotes or blanks around it; they are part of the value');
  }
}
