import { hash, verify } from '@node-rs/argon2';

export interface Passwords {
  hash(password: string): Promise<string>;
  /** False also for a hash that is none: such a user cannot log in, and the rest still can. */
  fits(passwordHash: string, password: string): Promise<boolean>;
}

/** With the library's parameters (19 MiB, 2 passes), in its thread pool. */
export const argon2id: Passwords = {
  hash: (password) => hash(password),
  fits: async (passwordHash, password) => {
    try {
      return await verify(passwordHash, password);
    } catch {
      return false;
    }
  },
};
