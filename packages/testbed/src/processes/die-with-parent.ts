/**
 * Loaded into each child process (`node --import`). However its parent ends, `kill -9` included, the system closes its end of the
 * channel to the child: then the child ends too.
 */
process.once('disconnect', () => process.exit(1));
// The channel alone must not keep a child alive that has nothing left to do.
process.channel?.unref();
