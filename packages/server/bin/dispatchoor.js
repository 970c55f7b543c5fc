#!/usr/bin/env node
var version = process.versions.node.split('.').map(Number);
if (version[0] < 22 || (version[0] === 22 && version[1] < 19)) {
  console.error(
    'Error: dispatchoor needs Node >= 22.19, this is ' +
      process.versions.node +
      '. Start it as bin/dispatchoor after "npm ci": the project brings its own Node on linux-x64.',
  );
  process.exit(1);
} else {
  import('./compile-cache.js').then(() => import('../src/main.ts'));
}
