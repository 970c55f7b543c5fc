/**
 * Loaded into both child processes (`node --import`). However the demo ends, `kill -9` included, the system
 * closes its end of the channel to them: then they end too. What they leave behind is a demo's.
 */
process.once('disconnect', () => process.exit(1));
// The channel alone must not keep a child alive that has nothing left to do.
process.channel?.unref();
