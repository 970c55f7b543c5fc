import type { RestRequest } from './rest.ts';

export interface Page<T> {
  items: T[];
  /** Empty when there is only one page. */
  headers: Record<string, string>;
}

function wholeNumber(text: string | undefined, fallback: number): number {
  const value = Number(text ?? fallback);
  return Number.isInteger(value) && value >= 1 ? value : fallback;
}

/** `per_page` (default 30, at most 100) and `page`, with GitHub's `Link` header. */
export function pageOf<T>(request: RestRequest, all: readonly T[], apiUrl: string): Page<T> {
  const perPage = Math.min(100, wholeNumber(request.query['per_page'], 30));
  const page = wholeNumber(request.query['page'], 1);
  const lastPage = Math.max(1, Math.ceil(all.length / perPage));
  const items = all.slice((page - 1) * perPage, page * perPage);
  const links: string[] = [];
  const link = (rel: string, target: number): void => {
    const query = new URLSearchParams({ ...request.query, page: String(target) });
    links.push(`<${apiUrl}${request.path}?${query.toString()}>; rel="${rel}"`);
  };
  if (page > 1) link('prev', Math.min(page - 1, lastPage));
  if (page < lastPage) link('next', page + 1);
  if (page < lastPage) link('last', lastPage);
  if (page > 1) link('first', 1);
  return { items, headers: links.length === 0 ? {} : { link: links.join(', ') } };
}
