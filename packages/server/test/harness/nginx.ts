import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { until } from './until.ts';

const PROGRAM = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/bin/nginx'].find((path) =>
  existsSync(path),
);

/** Where it is not installed the test is left out, with the reason; in CI, which installs it, that is a failure. */
export function needNginx(skip: (reason: string) => void): void {
  if (PROGRAM !== undefined) return;
  if ((process.env['CI'] ?? '') !== '') {
    throw new Error('nginx is missing, which .ci/run installs: see its output');
  }
  skip('nginx is not installed: apt-get install nginx');
}

/** What it passes on as `Host`; nginx's own default is the upstream's address. */
const HOSTS = {
  $host: 'proxy_set_header Host $host;',
  $http_host: 'proxy_set_header Host $http_host;',
  'of the upstream': '',
} as const;

type HostKind = keyof typeof HOSTS;

export interface Nginx {
  /** Where it listens, for each kind of `Host`: unix sockets, so that a request may name any port. */
  readonly socketOf: (kind: HostKind) => string;
}

/** Ends nginx when our pipe closes, which it does even if we are killed with -9. */
const keeper = `
exec 3<&0
"$@" </dev/null 3<&- &
nginx=$!
( read -r _ <&3; kill -TERM "$nginx" ) 2>/dev/null &
exec 3<&-
wait "$nginx"
`;

/** A real nginx in front of a server, which ends with the test. Rejects with its log when it does not come up. */
export async function startNginx(upstream: string): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'dispatchoor-nginx-'));
  const socketOf = (kind: HostKind): string =>
    join(folder, `${String(Object.keys(HOSTS).indexOf(kind))}.sock`);
  const file = join(folder, 'nginx.conf');
  await writeFile(file, configOf(upstream, folder, socketOf));
  const log = await open(join(folder, 'log'), 'a');
  const program = [PROGRAM ?? 'nginx', '-e', 'stderr', '-p', folder, '-c', file];
  const child = spawn('sh', ['-c', keeper, 'sh', ...program], {
    detached: true,
    stdio: ['pipe', log.fd, log.fd],
  });
  await log.close();
  child.stdin?.on('error', () => undefined);
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.stdin?.end();
    await exited;
    await rm(folder, { recursive: true, force: true });
  });
  await until(
    () => child.exitCode !== null || accepts(socketOf('of the upstream')),
    (isSettled) => isSettled,
    { what: 'nginx listens' },
  );
  if (child.exitCode === null) return { socketOf };
  throw new Error(`nginx does not start:\n${await readFile(join(folder, 'log'), 'utf8')}`);
}

async function accepts(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function configOf(upstream: string, folder: string, socketOf: (kind: HostKind) => string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const kinds = Object.keys(HOSTS) as HostKind[];
  return `
    daemon off;
    master_process off;
    pid ${folder}/pid;
    events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}
      map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
      # As behind a load balancer: it says whom it speaks for.
      set_real_ip_from unix:;
      real_ip_header X-Client;
      ${kinds.map((kind) => serverOf(socketOf(kind), HOSTS[kind], upstream)).join('\n')}
    }`;
}

function serverOf(socket: string, host: string, upstream: string): string {
  return `
      server {
        listen unix:${socket};
        location / {
          proxy_pass ${upstream};
          proxy_http_version 1.1;
          ${host}
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection $connection_upgrade;
          # With the port, as the gateways of some clouds write it.
          proxy_set_header X-Forwarded-For $remote_addr:$remote_port;
        }
      }`;
}
