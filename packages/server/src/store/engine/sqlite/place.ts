import { lstatSync, mkdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { StoreError } from '../../port/store.ts';

/**
 * SQLite keeps its log and locks beside a database, under the name that it was opened by. A file with two names has two
 * of each: two servers would not see each other, and what one has committed to its log is lost by the other's.
 *
 * @param path its folder is made if it is missing
 * @returns the path without symbolic links: under it the log and the lock belong to the file
 * @throws StoreError `unavailable` for a file that may have a second name
 */
export function onlyPathOf(path: string): string {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return statSync(path, { throwIfNoEntry: false }) === undefined
      ? pathToBe(path)
      : pathOfOneName(path);
  } catch (cause) {
    if (cause instanceof StoreError || !(cause instanceof Error)) throw cause;
    throw new StoreError('unavailable', `database ${path}: it cannot be opened: ${cause.message}`, {
      cause,
    });
  }
}

function pathOfOneName(path: string): string {
  const found = statSync(path);
  if (!found.isFile()) refuse(path, 'it is no regular file: write the path of a file');
  const realPath = realpathSync(path);
  if (isMountPoint(realPath)) {
    refuse(
      path,
      'the file itself is mounted here, and a server elsewhere may use it under its other name: mount the folder that it is in instead',
    );
  }
  if (found.nlink > 1) {
    refuse(
      path,
      `the file has ${found.nlink} names (hard links), and a server may use it under another: remove all but one (find / -xdev -inum ${found.ino}), or start from a copy of the file`,
    );
  }
  return realPath;
}

function refuse(path: string, why: string): never {
  throw new StoreError('unavailable', `database ${path}: ${why}`);
}

/** Where SQLite will create it: where a symbolic link leads, if there is one already. */
function pathToBe(path: string): string {
  const isLink = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  if (isLink) return pathToBe(resolve(dirname(path), readlinkSync(path)));
  return join(realpathSync(dirname(path)), basename(path));
}

function isMountPoint(realPath: string): boolean {
  if (statSync(realPath).dev !== statSync(dirname(realPath)).dev) return true;
  return listMountPoints(readMounts()).includes(realPath);
}

/** Where there is no such list, as on macOS, single files cannot be mounted either. */
function readMounts(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return '';
  }
}

/** @param mountinfo as Linux writes it (proc_pid_mountinfo(5)): the fifth field is the mount point, blanks in octal */
export function listMountPoints(mountinfo: string): string[] {
  return mountinfo
    .split('\n')
    .map((line) => line.split(' ')[4])
    .filter((point) => point !== undefined)
    .map((point) =>
      point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
    );
}
