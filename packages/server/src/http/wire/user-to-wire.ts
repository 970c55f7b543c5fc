import type { User as WireUser } from '@dispatchoor/api-contract';
import type { User } from '../../store/port/users.ts';
import { timeToWire } from './time-to-wire.ts';

export function userToWire(user: User): WireUser {
  return {
    id: user.id,
    username: user.username,
    role: user.role,
    auth_provider: user.authProvider,
    ...(user.githubId !== null && user.githubId !== '' && { github_id: user.githubId }),
    created_at: timeToWire(user.createdAt),
    updated_at: timeToWire(user.updatedAt),
  };
}
