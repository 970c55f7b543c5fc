import { hash, verify } from '@node-rs/argon2';

/** argon2id with the library's parameters (19 MiB, 2 passes), in its thread pool. */
export function hashPassword(password: string): Promise<string> {
  return hash(password);
}

/** False also for a hash that is none: such a user cannot log in, and the rest still can. */
export async function passwordFits(passwordHash: string, password: string): Promise<boolean> {
  try {
    return await verify(passwordHash, password);
  } catch {
    return false;
  }
}
