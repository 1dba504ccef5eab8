// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The one way to /console/api. A call ends in an answer, in a Refusal (the server said no, and why),
// or in an Absence (nobody answered). Calls that change something carry a header that no form of
// another site can send.

import { connection } from './connection';

const timeoutMs = 10_000;
const base = `${import.meta.env.BASE_URL}api/`;

/** The server answered, but not with what was asked for; `message` names the remedy. */
export class Refusal extends Error {
  constructor(readonly status: number, message: string, readonly retryAfterS = 0) {
    super(message);
  }
}

/** No server there, or a proxy that says so. */
export class Absence extends Error {}

type Params = Record<string, string | number | undefined>;

export function query(params: Params): string {
  const filled = Object.entries(params).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(filled.map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}

let onSignedOut: () => void = () => undefined;

/** Called when the server no longer knows who is asking. */
export function whenSignedOut(action: () => void): void {
  onSignedOut = action;
}

function textOf(body: unknown): string {
  if (typeof body !== 'object' || body === null) return '';
  const { error, msg } = body as { error?: unknown; msg?: unknown };
  if (typeof error === 'string') return error;
  return typeof msg === 'string' ? msg : '';
}

async function refusalOf(reply: Response): Promise<Error> {
  const text = await reply.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // A page of a proxy that found nobody behind it.
    if ([502, 503, 504].includes(reply.status)) return new Absence(`status ${reply.status}`);
  }
  return new Refusal(reply.status, textOf(body) || `status ${reply.status}`, Number(reply.headers.get('retry-after') ?? 0));
}

async function ask(path: string, init: RequestInit, outer?: AbortSignal): Promise<Response> {
  const abort = new AbortController();
  const stop = () => abort.abort();
  outer?.addEventListener('abort', stop);
  const timer = setTimeout(stop, timeoutMs);
  try {
    return await fetch(base + path, { ...init, signal: abort.signal, cache: 'no-store', credentials: 'same-origin' });
  } catch (error) {
    if (outer?.aborted) throw error;
    throw new Absence(String(error));
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', stop);
  }
}

async function call(path: string, init: RequestInit, signal?: AbortSignal): Promise<string> {
  try {
    const reply = await ask(path, init, signal);
    if (!reply.ok) throw await refusalOf(reply);
    const text = await reply.text();
    connection.answered();
    return text;
  } catch (error) {
    if (error instanceof Absence) connection.silent();
    if (error instanceof Refusal) {
      connection.answered();
      if (error.status === 401 && path !== 'session') onSignedOut();
    }
    throw error;
  }
}

/** GET; `received` is called with the time (performance.now) at which the bytes were there. */
export async function get<T>(path: string, params: Params = {}, signal?: AbortSignal, received?: (at: number) => void): Promise<T> {
  const text = await call(path + query(params), {}, signal);
  received?.(performance.now());
  return JSON.parse(text) as T;
}

export async function send<T>(method: 'POST' | 'DELETE', path: string, body: unknown = {}): Promise<T> {
  const headers = { 'Content-Type': 'application/json', 'X-Confab-Console': '1' };
  const text = await call(path, { method, headers, body: JSON.stringify(body) });
  return (text ? JSON.parse(text) : {}) as T;
}

/** A method of the server API, with all grants of the room it names. */
export function twirp<T>(method: string, body: unknown, tenant = ''): Promise<T> {
  return send<T>('POST', `call/${method}${query({ tenant })}`, body);
}
