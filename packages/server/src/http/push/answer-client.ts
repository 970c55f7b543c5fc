import { ClientMessage, type ServerMessage } from '@dispatchoor/api-contract';
import type { Clock } from '../../lib/clock.ts';
import { timeToWire } from '../wire/time-to-wire.ts';
import type { PushClient } from './push-client.ts';
import type { PushHub } from './push-hub.ts';
import { textFrame } from './text-frame.ts';

/** Far more than a page shows; a bound on what one client can make us keep. */
const MOST_GROUPS = 1_000;

/** Does what a client asks for. What it does not understand it ignores. */
export function answerClient(
  text: string,
  client: PushClient,
  { hub, clock }: { hub: PushHub; clock: Clock },
): void {
  const message = findMessage(text);
  if (message === undefined) return;
  const answer = act(message, client, { hub, clock });
  // Who asks on and on without reading must not fill our memory.
  if (client.isSlow) hub.dropSlow(client);
  else client.push(textFrame(JSON.stringify(answer)), 1);
}

function act(
  message: ClientMessage,
  client: PushClient,
  { hub, clock }: { hub: PushHub; clock: Clock },
): ServerMessage {
  switch (message.type) {
    case 'ping':
      return {
        type: 'system_status',
        payload: { status: 'ok', timestamp: timeToWire(clock.now()) },
      };
    case 'unsubscribe':
      hub.unsubscribe(client, message.group_id);
      return { type: 'unsubscribed', group_id: message.group_id };
    case 'subscribe':
      if (client.groups.size >= MOST_GROUPS && !client.groups.has(message.group_id)) {
        return {
          type: 'error',
          payload: `at most ${MOST_GROUPS} groups at once; unsubscribe first`,
        };
      }
      hub.subscribe(client, message.group_id);
      return { type: 'subscribed', group_id: message.group_id };
  }
}

function findMessage(text: string): ClientMessage | undefined {
  try {
    return ClientMessage.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
