/** A process of its own with many WebSocket clients of one group, which notes when the first and the last hear of a job. */
import { WebSocket } from 'ws';
import { wallNow } from '../lib/clock.ts';

export interface ListenPlan {
  readonly url: string;
  readonly token: string;
  readonly groupId: string;
  readonly clients: number;
}

/** Of one job's being added, as all clients heard of it. */
export interface Heard {
  readonly jobId: string;
  /** How many clients have heard of it. */
  readonly clients: number;
  /** Wall clock. */
  readonly firstAt: number;
  readonly lastAt: number;
}

interface Hearing {
  clients: number;
  firstAt: number;
  lastAt: number;
}

const CONNECTING_AT_A_TIME = 50;
const heard = new Map<string, Hearing>();
const sockets: WebSocket[] = [];

// The probe has let go of it; here it is what the program waits for.
process.channel?.ref();
process.on('message', (message: { plan?: ListenPlan; wantsHeard?: true }) => {
  if (message.plan !== undefined) {
    listen(message.plan).then(
      () => process.send?.({ isListening: true }),
      (error: unknown) => process.send?.({ failure: String(error) }),
    );
  }
  if (message.wantsHeard === true) {
    const jobs = [...heard].map(([jobId, hearing]): Heard => ({ jobId, ...hearing }));
    process.send?.({ heard: jobs, open: sockets.filter((each) => each.readyState === 1).length });
  }
});

async function listen(plan: ListenPlan): Promise<void> {
  for (let from = 0; from < plan.clients; from += CONNECTING_AT_A_TIME) {
    const count = Math.min(CONNECTING_AT_A_TIME, plan.clients - from);
    await Promise.all(Array.from({ length: count }, () => subscribe(plan)));
  }
}

function subscribe({ url, token, groupId }: ListenPlan): Promise<void> {
  const address = `${url.replace(/^http/, 'ws')}/api/v1/ws?token=${encodeURIComponent(token)}`;
  const socket = new WebSocket(address, { perMessageDeflate: false, skipUTF8Validation: true });
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () =>
      socket.send(JSON.stringify({ type: 'subscribe', group_id: groupId })),
    );
    socket.once('message', () => resolve());
    socket.on('message', note);
  });
}

/** One of 100,000 a second: the id is cut out of the text, which is cheaper than understanding it. */
function note(data: Buffer): void {
  const at = wallNow();
  const jobId = findJobId(data);
  if (jobId === undefined) return;
  const known = heard.get(jobId);
  if (known === undefined) heard.set(jobId, { clients: 1, firstAt: at, lastAt: at });
  else {
    known.clients += 1;
    known.lastAt = at;
  }
}

const MARK = Buffer.from('"id":"');
const STATE = Buffer.from('"job_state"');
const ID_LENGTH = 36;

function findJobId(data: Buffer): string | undefined {
  if (!data.includes(STATE)) return undefined;
  const begin = data.indexOf(MARK);
  if (begin === -1) return undefined;
  return data.toString('latin1', begin + MARK.length, begin + MARK.length + ID_LENGTH);
}
