import { text } from '@dispatchoor/api-contract';
import { z } from 'zod';

/** Ids are used as sent. */
export const ById = z.object({ id: text(512) });
