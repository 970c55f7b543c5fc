import { writeFile } from 'node:fs/promises';
import { drawStates } from './states/drawing.ts';

await writeFile(new URL('../docs/states.md', import.meta.url), drawStates());
