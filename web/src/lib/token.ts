// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Asks the server's own token endpoint (DEMO-02, CLD-22) for a token and says where to connect.

import { TokenSource } from 'livekit-client';
import { isMeeting } from './meeting';
import type { Settings } from './params';

const endpoint = '/api/token';

export interface Access {
  url: string;
  token: string;
  /** What the meeting is called; empty: an open room. */
  room: string;
  /** The token is for the lobby. */
  waiting: boolean;
  /** Of a host: administers the meeting, and its lobby. Otherwise empty. */
  hostKey: string;
  lobbyKey: string;
}

/** Who wants where. */
export interface Wish extends Pick<Settings, 'room' | 'name' | 'identity'> {
  lobby?: boolean;
  hostKey?: string;
  /** A host asks for a guest. */
  admit?: boolean;
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

async function fetchOpen(wish: Wish, page: string): Promise<Access> {
  const answer = await TokenSource.endpoint(endpoint).fetch({
    roomName: wish.room,
    participantName: wish.name,
    participantIdentity: wish.identity,
  });
  if (!answer.participantToken) throw new TokenError(502, 'no participant_token in the answer');
  const url = resolveServerUrl(answer.serverUrl, page);
  return { url, token: answer.participantToken, room: '', waiting: false, hostKey: '', lobbyKey: '' };
}

function readMeeting(body: unknown, page: string): Access {
  const members = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const text = (name: string) => (typeof members[name] === 'string' ? members[name] : '');
  const token = text('participant_token');
  if (!token) throw new TokenError(502, 'no participant_token in the answer');
  return {
    url: resolveServerUrl(text('server_url'), page),
    token,
    room: text('room_name'),
    waiting: members.waiting === true,
    hostKey: text('host_key'),
    lobbyKey: text('lobby_key'),
  };
}

/** Meetings take more words than those of the client library. */
async function fetchMeeting(wish: Wish, page: string): Promise<Access> {
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      room_name: wish.room,
      participant_name: wish.name,
      participant_identity: wish.identity,
      ...(wish.lobby ? { lobby: true } : {}),
      ...(wish.admit ? { admit: true } : {}),
      ...(wish.hostKey ? { host_key: wish.hostKey } : {}),
    }),
  });
  if (!answer.ok) throw new TokenError(answer.status, (await answer.text()).slice(0, 300));
  return readMeeting(await answer.json(), page);
}

export async function fetchAccess(wish: Wish, page: string): Promise<Access> {
  try {
    return await (wish.lobby || isMeeting(wish.room) ? fetchMeeting(wish, page) : fetchOpen(wish, page));
  } catch (error) {
    throw error instanceof TokenError ? error : toTokenError(error);
  }
}

/** With an application's own token, whose claims say what it is for. */
export function ownAccess(token: string, page: string): Access {
  const admin = readGrant(token).roomAdmin === true;
  return { url: resolveServerUrl('', page), token, room: '', waiting: false, hostKey: admin ? token : '', lobbyKey: '' };
}

/** The claim "video", not verified: what to offer, not what is allowed. Empty if there is none. */
export function readGrant(token: string): Record<string, unknown> {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (c) => c.charCodeAt(0)))) as unknown;
    const video = typeof claims === 'object' && claims !== null && 'video' in claims ? claims.video : null;
    return typeof video === 'object' && video !== null ? { ...video } : {};
  } catch {
    return {};
  }
}
