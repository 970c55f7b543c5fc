import { z } from 'zod';
import { Timestamp, text } from './primitives.ts';

export const User = z
  .object({
    id: z.string(),
    username: z.string(),
    /** `readonly` or `admin`. */
    role: z.string(),
    /** `basic` or `github`. */
    auth_provider: z.string(),
    /** Omitted for basic users. */
    github_id: z.string().optional(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .meta({ id: 'User' });
export type User = z.infer<typeof User>;

export const LoginRequest = z
  .object({
    username: text(255).min(1, 'is empty; write the name of a user'),
    password: text(1024).min(1, 'is empty; write the password'),
  })
  .meta({ id: 'LoginRequest' });
export type LoginRequest = z.infer<typeof LoginRequest>;

export const LoginResponse = z
  .object({
    /** Send it as `Authorization: Bearer …`; the reply sets it as cookie `session` too. */
    token: z.string(),
    user: User,
  })
  .meta({ id: 'LoginResponse' });
export type LoginResponse = z.infer<typeof LoginResponse>;
