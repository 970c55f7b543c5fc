/** What a server opens besides: files of its own, its connections to the forge, and some air. */
const KEPT_DESCRIPTORS = 150;
const FEWEST = 10;

export interface FittedConnections {
  /** To be taken at a time. */
  readonly most: number;
  /** Why these are fewer than was asked for, and what to do. */
  readonly problem?: string;
}

/**
 * Who could open connections until no descriptor is left would keep the server from sending jobs and from its database.
 *
 * @param wanted `server.max_connections`
 * @param descriptors that the process may have; `undefined`: not known, and no reason to take fewer
 * @param toDatabase connections that the database may take
 */
export function fitConnections(
  wanted: number,
  descriptors: number | undefined,
  toDatabase: number,
): FittedConnections {
  if (descriptors === undefined) return { most: wanted };
  const most = Math.max(FEWEST, descriptors - KEPT_DESCRIPTORS - toDatabase);
  if (most >= wanted) return { most: wanted };
  const problem =
    `server.max_connections is ${wanted}, but this process may have only ${descriptors} files and sockets open, and needs some for its own work: ` +
    `it takes ${most} connections at a time; raise the limit (ulimit -n, LimitNOFILE= of systemd), or set server.max_connections to ${most}`;
  return { most, problem };
}
