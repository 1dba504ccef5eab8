// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The query parameters of the page: read into Settings, and written into the invite link.
// What is secret (the encryption key, a host's key, a token) travels in the fragment, which browsers do
// not send to the server.

export const codecs = ['vp8', 'h264', 'vp9', 'av1'] as const;
export type Codec = (typeof codecs)[number];

export interface Settings {
  room: string;
  name: string;
  /** Empty: one is made up from the name and kept for this tab. */
  identity: string;
  autojoin: boolean;
  video: boolean;
  audio: boolean;
  /** v0=1: separate publisher and subscriber connections (older signalling path). */
  twoConnections: boolean;
  /** Empty: the client library's own choice. */
  codec: Codec | '';
  simulcast: boolean;
  /** adaptive=0: always receive the best layer, even if the tile is small or hidden. */
  adaptive: boolean;
  encryptionKey: string;
  /** lobby=1: open a meeting with a lobby, as its host. */
  lobby: boolean;
  /** #host=…: makes a host of this meeting. */
  hostKey: string;
  /** #token=…: an application's own token, instead of one of the server's token endpoint. */
  token: string;
  /** Chosen in the preview; empty: the browser's own choice. */
  cameraId: string;
  microphoneId: string;
}

function flag(value: string | null, fallback: boolean): boolean {
  if (value === null) return fallback;
  return !['0', 'false', 'off', 'no'].includes(value.trim().toLowerCase());
}

function codec(value: string | null): Codec | '' {
  return codecs.find((known) => known === value?.toLowerCase()) ?? '';
}

export function parseSettings(search: string, hash = ''): Settings {
  const query = new URLSearchParams(search);
  const text = (key: string) => (query.get(key) ?? '').trim();
  const secrets = new URLSearchParams(hash.replace(/^#/, ''));
  return {
    room: text('room'),
    name: text('name'),
    identity: text('identity'),
    autojoin: flag(query.get('autojoin'), false),
    video: flag(query.get('video'), true),
    audio: flag(query.get('audio'), true),
    twoConnections: flag(query.get('v0'), false),
    codec: codec(query.get('codec')),
    simulcast: flag(query.get('simulcast'), true),
    adaptive: flag(query.get('adaptive'), true),
    encryptionKey: secrets.get('key') ?? '',
    lobby: flag(query.get('lobby'), false),
    hostKey: secrets.get('host') ?? '',
    token: secrets.get('token') ?? '',
    cameraId: '',
    microphoneId: '',
  };
}

/** Behind the #: the secrets that are there. */
function fragment(secrets: Record<string, string>): string {
  return new URLSearchParams(Object.entries(secrets).filter(([, value]) => value)).toString();
}

function link(page: string, settings: Settings, secrets: Record<string, string>): string {
  const url = new URL(page);
  url.search = '';
  url.searchParams.set('room', settings.room);
  if (settings.twoConnections) url.searchParams.set('v0', '1');
  url.hash = fragment(secrets);
  return url.toString();
}

/** The link for others: the room and what all must share, never a name, an identity or a right. */
export function inviteLink(page: string, settings: Settings): string {
  return link(page, settings, { key: settings.encryptionKey });
}

/** The link that makes its reader a host of the meeting. */
export function hostLink(page: string, settings: Settings): string {
  return link(page, settings, { key: settings.encryptionKey, host: settings.hostKey });
}

/**
 * The address to show while in the call, so that a reload finds name and room again. People copy it
 * to invite others: a host's key is no part of it.
 */
export function addressFor(page: string, settings: Settings): string {
  const url = new URL(page);
  url.searchParams.set('room', settings.room);
  url.searchParams.set('name', settings.name);
  url.searchParams.delete('lobby');
  url.hash = fragment({ key: settings.encryptionKey, token: settings.token });
  return url.toString();
}

/** A key that nobody guesses: 128 bits, in letters that links leave as they are. */
export function makeEncryptionKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
