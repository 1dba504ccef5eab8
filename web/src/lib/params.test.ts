// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, test } from 'vitest';
import { addressFor, hostLink, inviteLink, makeEncryptionKey, parseSettings } from './params';

describe('parseSettings', () => {
  test('has camera, microphone, simulcast and one connection by default', () => {
    expect(parseSettings('')).toEqual({
      room: '', name: '', identity: '', autojoin: false, video: true, audio: true,
      twoConnections: false, codec: '', simulcast: true, adaptive: true, encryptionKey: '', lobby: false, hostKey: '', token: '', cameraId: '', microphoneId: '',
    });
  });

  test('reads every parameter', () => {
    const query = '?room=a%20b&name=Zo%C3%AB&identity=z1&autojoin=1&video=0&audio=0&v0=1&codec=VP9&simulcast=0&adaptive=0&lobby=1';
    expect(parseSettings(query, '#key=s%26cret&host=h.h.h&token=t.t.t')).toEqual({
      room: 'a b', name: 'Zoë', identity: 'z1', autojoin: true, video: false, audio: false,
      twoConnections: true, codec: 'vp9', simulcast: false, adaptive: false, encryptionKey: 's&cret', lobby: true, hostKey: 'h.h.h', token: 't.t.t', cameraId: '', microphoneId: '',
    });
  });

  test('ignores a codec it does not know', () => {
    expect(parseSettings('?codec=theora').codec).toBe('');
  });
});

describe('links', () => {
  const settings = parseSettings('?room=a%26b&name=Ada&identity=x&autojoin=1&v0=1', '#key=k 1');

  test('an invite carries the room and what all share, but no person', () => {
    const link = new URL(inviteLink('http://localhost:7880/demo/?name=Ada&autojoin=1#x', settings));
    expect(link.pathname).toBe('/demo/');
    expect(Object.fromEntries(link.searchParams)).toEqual({ room: 'a&b', v0: '1' });
    expect(parseSettings(link.search, link.hash).encryptionKey).toBe('k 1');
  });

  test('a host link makes a host, an invite and the address do not', () => {
    const host = { ...settings, hostKey: 'a.b.c', lobby: true };
    const page = 'http://localhost:7880/demo/?lobby=1#host=a.b.c&key=k+1';
    const read = (made: string) => parseSettings(new URL(made).search, new URL(made).hash);
    expect(read(hostLink(page, host))).toMatchObject({ room: 'a&b', hostKey: 'a.b.c', encryptionKey: 'k 1' });
    expect(read(inviteLink(page, host)).hostKey).toBe('');
    expect(read(addressFor(page, host))).toMatchObject({ hostKey: '', lobby: false, encryptionKey: 'k 1' });
  });

  test('made keys are long, stand in a link as they are and are never the same', () => {
    const keys = Array.from({ length: 20 }, makeEncryptionKey);
    for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(new Set(keys).size).toBe(20);
  });

  test('a reload finds name and room, and keeps other parameters', () => {
    const url = new URL(addressFor('http://localhost:7880/demo/?codec=av1', settings));
    expect(Object.fromEntries(url.searchParams)).toEqual({ codec: 'av1', room: 'a&b', name: 'Ada' });
  });
});
