// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The query parameters of the page: read into Settings, and written into the invite link.
// The encryption key travels in the fragment, which browsers do not send to the server.

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
    encryptionKey: new URLSearchParams(hash.replace(/^#/, '')).get('key') ?? '',
  };
}

/** The link for others: the room and what all must share, never a name or an identity. */
export function inviteLink(page: string, settings: Settings): string {
  const url = new URL(page);
  url.search = '';
  url.hash = '';
  url.searchParams.set('room', settings.room);
  if (settings.twoConnections) url.searchParams.set('v0', '1');
  if (settings.encryptionKey) {
    url.hash = new URLSearchParams({ key: settings.encryptionKey }).toString();
  }
  return url.toString();
}

/** The address to show while in the call, so that a reload finds name and room again. */
export function addressFor(page: string, settings: Settings): string {
  const url = new URL(page);
  url.searchParams.set('room', settings.room);
  url.searchParams.set('name', settings.name);
  return url.toString();
}
