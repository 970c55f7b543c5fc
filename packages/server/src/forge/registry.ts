/** Which kinds of forge there are. A new kind: its adapter joins `ADAPTERS`, its settings `ForgeConfig`. */
import type { ForgeConfig } from '../config/config.ts';
import type { AdapterDeps } from './adapter-deps.ts';
import type { Forge } from './forge.ts';
import { openGithub } from './github/open-github.ts';

type OpenForge<Kind extends ForgeConfig['kind']> = (
  config: Extract<ForgeConfig, { readonly kind: Kind }>,
  deps: AdapterDeps,
) => Forge;

const ADAPTERS: { readonly [Kind in ForgeConfig['kind']]: OpenForge<Kind> } = {
  github: openGithub,
};

/** Sends nothing before it is asked to. */
export function openForge(config: ForgeConfig, deps: AdapterDeps): Forge {
  return ADAPTERS[config.kind](config, deps);
}
