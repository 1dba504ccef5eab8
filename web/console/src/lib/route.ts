// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Addresses of the console: what stands behind # (so the server serves one page), as
// #/rooms/NAME/IDENTITY?search=…

export const pages = ['overview', 'rooms', 'history', 'sessions', 'events', 'webhooks', 'config'] as const;
export type PageName = (typeof pages)[number];

export interface Route {
  page: PageName | 'unknown';
  /** Of rooms: the room and who in it is looked at. */
  parts: string[];
  params: Record<string, string>;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s, 2);
  const [first = '', ...rest] = path.split('/');
  const page = first === '' ? 'overview' : (pages.find((name) => name === first) ?? 'unknown');
  const parts = rest.filter((part) => part !== '').map(decoded);
  return { page, parts, params: Object.fromEntries(new URLSearchParams(search)) };
}

export function addressOf(page: PageName, parts: string[] = [], params: Record<string, string | undefined> = {}): string {
  const filled = Object.entries(params).flatMap(([name, value]) => (value ? [[name, value]] : []));
  const search = new URLSearchParams(filled).toString();
  return ['#', page, ...parts.map(encodeURIComponent)].join('/') + (search && `?${search}`);
}
