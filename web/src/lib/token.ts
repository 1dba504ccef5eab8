// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Asks the server's own token endpoint (DEMO-02, CLD-22) for a token and says where to connect.

import { TokenSource } from 'livekit-client';
import type { Settings } from './params';

const endpoint = '/api/token';

export interface Access {
  url: string;
  token: string;
}

export class TokenError extends Error {
  /** HTTP status, or 0 if there was no answer. */
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.name = 'TokenError';
    this.status = status;
  }
}

/** The client library puts status and body into the text: "… received 403 / body". */
export function toTokenError(error: unknown): TokenError {
  const text = error instanceof Error ? error.message : String(error);
  const match = /received (\d{3}) \/ ([\s\S]*)$/.exec(text);
  return match ? new TokenError(Number(match[1]), (match[2] ?? '').slice(0, 300)) : new TokenError(0, text);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.');
}

/**
 * The signalling address: what the server says, unless this browser cannot use it. Then it is the
 * page's own origin, which serves the signalling too. That is so if nothing was said, for plain ws:
 * from an https: page, for loopback seen from another machine, and for loopback under another name
 * (127.0.0.1, localhost): there the content policy would block the client's HTTP requests.
 */
export function resolveServerUrl(said: string, page: string): string {
  const origin = new URL(page);
  const own = `${origin.protocol === 'https:' ? 'wss' : 'ws'}://${origin.host}`;
  let url: URL;
  try {
    url = new URL(said);
  } catch {
    return own;
  }
  const foreignLoopback = isLoopback(url.hostname) && (!isLoopback(origin.hostname) || url.port === origin.port);
  const mixed = origin.protocol === 'https:' && (url.protocol === 'ws:' || url.protocol === 'http:');
  return foreignLoopback || mixed ? own : said;
}

export async function fetchAccess(
  settings: Pick<Settings, 'room' | 'name' | 'identity'>,
  page: string,
): Promise<Access> {
  try {
    const answer = await TokenSource.endpoint(endpoint).fetch({
      roomName: settings.room,
      participantName: settings.name,
      participantIdentity: settings.identity,
    });
    if (!answer.participantToken) throw new Error('received 502 / no participant_token in the answer');
    return { url: resolveServerUrl(answer.serverUrl, page), token: answer.participantToken };
  } catch (error) {
    throw toTokenError(error);
  }
}
