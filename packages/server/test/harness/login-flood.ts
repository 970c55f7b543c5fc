import { connect, type Socket } from 'node:net';

export interface LoginFlood {
  /** Statuses of the answers so far, in order. */
  readonly statuses: readonly number[];
  end(): void;
}

/**
 * Wrong passwords from one address, until it is ended: every second connection tries the admin's, the others names
 * that nobody has. Each sends its next login when the last is answered.
 */
export function floodLogins(url: string, connections: number): LoginFlood {
  const { hostname, port } = new URL(url);
  const statuses: number[] = [];
  const sockets = Array.from({ length: connections }, (_, i) => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    keepTrying(socket, i % 2 === 0 ? undefined : `nobody-${i}`, (status) => statuses.push(status));
    return socket;
  });
  return {
    statuses,
    end: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function keepTrying(
  socket: Socket,
  name: string | undefined,
  onAnswer: (status: number) => void,
): void {
  let tries = 0;
  const send = (): void => {
    tries += 1;
    socket.write(loginRequest(name === undefined ? 'admin' : `${name}-${tries}`));
  };
  socket.on('connect', send);
  socket.on('data', (reply: Buffer) => {
    const status = /^HTTP\/1\.1 (\d{3})/.exec(reply.toString())?.[1];
    if (status === undefined) return;
    onAnswer(Number(status));
    send();
  });
}

function loginRequest(username: string): string {
  const body = JSON.stringify({ username, password: 'a guess' });
  const head = ['POST /api/v1/auth/login HTTP/1.1', 'host: 127.0.0.1', 'connection: keep-alive'];
  return [...head, `content-length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
}
