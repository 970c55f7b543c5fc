/** Users, and the sessions that they have. */

export type Role = 'readonly' | 'admin';

export interface User {
  readonly id: string;
  readonly username: string;
  readonly role: Role;
  readonly authProvider: 'basic' | 'github';
  readonly githubId: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface UserWithPassword extends User {
  readonly passwordHash: string;
}

export interface UserStore {
  listBasicUsers(): Promise<UserWithPassword[]>;
  findBasicUser(username: string): Promise<UserWithPassword | undefined>;
  /**
   * The configured basic users, hashes made by the caller. Users that left the config are disabled and their
   * sessions end; a changed password or role ends sessions too. Throws when a name belongs to another provider.
   */
  syncBasicUsers(
    users: readonly {
      username: string;
      passwordHash: string;
      role: Role;
      isPasswordChanged: boolean;
    }[],
  ): Promise<void>;
  /** Of more than a hundred of a user the oldest end. Rejects where the user has left the config. */
  createSession(session: { userId: string; tokenHash: string; expiresAt: number }): Promise<void>;
  /** Also one that has expired: `expiresAt` tells. None of a user who was disabled. */
  findSession(tokenHash: string): Promise<{ user: User; expiresAt: number } | undefined>;
  deleteSession(tokenHash: string): Promise<boolean>;
}
