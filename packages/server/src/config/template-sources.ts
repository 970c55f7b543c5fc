import { isAbsolute, join } from 'node:path';
import { redactUrls } from '../lib/redaction.ts';
import type { Cursor } from './cursor.ts';
import { list, section } from './decode.ts';
import { readDocument } from './document.ts';
import type { Environment } from './environment.ts';
import type { Findings } from './findings.ts';
import {
  collectBytes,
  decodeUtf8,
  MOST_TEMPLATE_BYTES,
  readTemplateText,
  UnusableText,
} from './read-text.ts';
import type { Reading } from './scalars.ts';
import type { GroupSection } from './sections/groups.ts';
import { type FoundTemplate, templateFields } from './sections/templates.ts';

const FETCH_TIMEOUT_MS = 30_000;

/** Far more than anyone has; each costs time at every start. */
const MOST_TEMPLATES = 10_000;

const templateList = list(section(templateFields));

export type Fetch = (url: string, options: RequestInit) => Promise<Response>;

export interface TemplateSources {
  /** Relative paths start here: the folder of the configuration file. */
  readonly folder: string;
  readonly env: Environment;
  readonly fetch: Fetch;
  readonly findings: Findings;
}

/** Reads the templates that were loaded; in the order of the files, so that findings have theirs. */
export type DecodeTemplates = () => FoundTemplate[];

/**
 * Loads the group's templates: inline ones, then files, then URLs, each in the order written.
 * What cannot be loaded is reported at its spot.
 */
export async function loadTemplates(
  { values }: GroupSection,
  sources: TemplateSources,
): Promise<DecodeTemplates> {
  const files = values.workflow_dispatch_templates_files.map(({ value, at }) =>
    loadFile(value, at, sources),
  );
  const urls = values.workflow_dispatch_templates_urls.map(({ value, at }) =>
    loadUrl(value, at, sources),
  );
  const decoders = await Promise.all([...files, ...urls]);
  const inline = values.workflow_dispatch_templates.map(
    (template): FoundTemplate => ({ template, sourceType: 'inline', sourcePath: '' }),
  );
  return () => [...inline, ...decoders.flatMap((decode) => decode())];
}

async function loadFile(
  path: string,
  at: Cursor,
  { folder, env, findings }: TemplateSources,
): Promise<DecodeTemplates> {
  const file = isAbsolute(path) ? path : join(folder, path);
  try {
    const text = await readTemplateText(file);
    return () => decodeTemplates(readDocument({ text, file, env }, findings), 'file', path);
  } catch (error) {
    at.problem(`cannot read ${file} (${reasonOf(error)}); paths start at the configuration file`);
    return () => [];
  }
}

async function loadUrl(
  url: Reading,
  at: Cursor,
  { fetch, findings }: TemplateSources,
): Promise<DecodeTemplates> {
  const shown = showUrl(url);
  try {
    const text = await fetchText(url.text, fetch);
    // Not expanded: whoever writes the body would read our secrets through an input.
    return () =>
      decodeTemplates(readDocument({ text, file: shown, env: null }, findings), 'url', shown);
  } catch (error) {
    at.problem(`cannot load ${shown} (${reasonOf(error)}); check the address, or use a file`);
    return () => [];
  }
}

function decodeTemplates(
  root: Cursor | undefined,
  sourceType: 'file' | 'url',
  sourcePath: string,
): FoundTemplate[] {
  if (root === undefined) return [];
  if (root.itemCount > MOST_TEMPLATES) {
    root.problem(
      `is a list of ${String(root.itemCount)}; write ${String(MOST_TEMPLATES)} templates at most into one document`,
    );
    return [];
  }
  return templateList.decode(root).map((template) => ({ template, sourceType, sourcePath }));
}

async function fetchText(written: string, fetch: Fetch): Promise<string> {
  if (!URL.canParse(written)) throw new FetchRefused('no URL');
  const url = new URL(written);
  if (!['http:', 'https:'].includes(url.protocol)) throw new FetchRefused('neither http nor https');
  const headers = takeCredentials(url);
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS);
  const response = await fetch(url.href, { method: 'GET', redirect: 'follow', headers, signal });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new FetchRefused(`HTTP ${String(response.status)}`);
  }
  return readBody(response);
}

/** Name and password of a URL as a header: `fetch` refuses them in the address. */
function takeCredentials(url: URL): Record<string, string> {
  const { username, password } = url;
  if (username === '' && password === '') return {};
  url.username = '';
  url.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

async function readBody(response: Response): Promise<string> {
  const body = (response.body ?? []) as AsyncIterable<Uint8Array>;
  return decodeUtf8(await collectBytes(body, MOST_TEMPLATE_BYTES));
}

/** For messages and the dashboard: no name and password, no query that a variable may have filled. */
function showUrl({ text, hasReferences }: Reading): string {
  const shown = redactUrls(text.replace(/^(\w+:\/\/)[^/?#]*@/, '$1'));
  return hasReferences ? shown.replace(/[?#].*$/s, '?…') : shown;
}

class FetchRefused extends Error {}

/** Codes and names only: the texts of network errors may quote the address with its secrets. */
function reasonOf(error: unknown): string {
  if (error instanceof FetchRefused || error instanceof UnusableText) return error.message;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string')
    return cause.code;
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer within 30 s';
  return cause instanceof Error ? cause.name : 'unknown error';
}
