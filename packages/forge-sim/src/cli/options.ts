import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseGhesVersion } from '../ghes.ts';
import { type ProfileName, profiles } from '../profiles.ts';
import type { HookSpec } from '../world/spec.ts';

export interface CliOptions {
  port: number;
  host: string;
  seed: number;
  profile: ProfileName;
  /** File with a world as JSON, or `sample`. */
  world: string | undefined;
  ghes: string | undefined;
  clock: 'real' | 'manual';
  hasValidator: boolean;
  /** Receives everything that happens. */
  hook: HookSpec | undefined;
  wantsHelp: boolean;
}

export const usage = `Usage: forge-sim [options]
  --port N          port to listen on; 0: any free one        (8480)
  --host HOST       address to listen on                      (127.0.0.1)
  --profile NAME    instant or github: how slow it is         (instant)
  --seed N          what is random follows from it            (1)
  --world FILE      a world as JSON, or "sample"              (empty)
  --ghes X.Y        as GitHub Enterprise Server, say 3.20
  --clock MODE      real, or manual: moves by /_sim/clock     (real)
  --validate         check all traffic: GET /_sim/schema-violations
  --webhook-url URL send webhooks of everything to this URL
  --webhook-secret-file FILE
                    whose content, without the last line end, signs them
  --help
`;

/** A bad command line; the text names the option. */
export class UsageError extends Error {}

export function parseOptions(argv: readonly string[]): CliOptions {
  const values = parseValues(argv);
  const { profile = 'instant', clock = 'real', ghes } = values;
  if (!isProfileName(profile)) {
    throw new UsageError(
      `--profile: "${profile}" is not one of ${Object.keys(profiles).join(', ')}`,
    );
  }
  if (clock !== 'real' && clock !== 'manual') {
    throw new UsageError(`--clock: "${clock}" is not one of real, manual`);
  }
  if (ghes !== undefined) checkGhes(ghes);
  return {
    port: wholeNumber('--port', values.port ?? '8480', 65_535),
    host: values.host ?? '127.0.0.1',
    seed: wholeNumber('--seed', values.seed ?? '1', Number.MAX_SAFE_INTEGER),
    profile,
    world: values.world,
    ghes,
    clock,
    hasValidator: values.validate ?? false,
    hook: hookOf(values['webhook-url'], values['webhook-secret-file']),
    wantsHelp: values.help ?? false,
  };
}

function parseValues(argv: readonly string[]) {
  try {
    const text = { type: 'string' } as const;
    const flag = { type: 'boolean' } as const;
    return parseArgs({
      args: [...argv],
      options: {
        port: text,
        host: text,
        seed: text,
        profile: text,
        world: text,
        ghes: text,
        clock: text,
        validate: flag,
        'webhook-url': text,
        'webhook-secret-file': text,
        help: flag,
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function isProfileName(text: string): text is ProfileName {
  return Object.hasOwn(profiles, text);
}

function checkGhes(text: string): void {
  try {
    parseGhesVersion(text);
  } catch {
    throw new UsageError(`--ghes: "${text}" is no version, write for example 3.20`);
  }
}

function hookOf(url: string | undefined, secretFile: string | undefined): HookSpec | undefined {
  if (url === undefined) {
    if (secretFile === undefined) return undefined;
    throw new UsageError('--webhook-secret-file: there is no --webhook-url that it could sign for');
  }
  const isWeb = URL.canParse(url) && /^https?:/.test(url);
  if (!isWeb) throw new UsageError(`--webhook-url: "${url}" is no http:// or https:// URL`);
  return secretFile === undefined ? { url } : { url, secret: readSecret(secretFile) };
}

function readSecret(file: string): string {
  try {
    const secret = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    if (secret !== '') return secret;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--webhook-secret-file: ${file}: ${reason}`);
  }
  throw new UsageError(`--webhook-secret-file: ${file}: is empty, write the secret into it`);
}

function wholeNumber(option: string, text: string, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= max) return value;
  throw new UsageError(`${option}: "${text}" is no whole number from 0 to ${String(max)}`);
}
