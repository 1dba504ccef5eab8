// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, test, vi } from 'vitest';
import { fetchAccess, ownAccess, readGrant, resolveServerUrl, toTokenError } from './token';

const person = { room: 'lobby', name: 'Ada', identity: 'ada-1' };
const answerWith = (body: unknown, status = 200) => {
  const answer = () => new Response(JSON.stringify(body), { status });
  const fake = vi.fn((_url: string, _init?: { method: string; body: string }) => Promise.resolve(answer()));
  vi.stubGlobal('fetch', fake);
  return fake;
};

afterEach(() => vi.unstubAllGlobals());

describe('resolveServerUrl', () => {
  test.each([
    ['ws://10.0.0.5:7880', 'http://localhost:7880/demo/', 'ws://10.0.0.5:7880'],
    ['', 'http://localhost:7880/demo/', 'ws://localhost:7880'],
    ['nonsense', 'https://call.example/demo/', 'wss://call.example'],
    ['ws://127.0.0.1:7880', 'http://10.0.0.5:7880/demo/', 'ws://10.0.0.5:7880'],
    ['ws://127.0.0.1:7880', 'http://localhost:7880/demo/', 'ws://localhost:7880'],
    ['ws://127.0.0.1:7990', 'http://localhost:7880/demo/', 'ws://127.0.0.1:7990'],
    ['ws://call.example:7880', 'https://call.example/demo/', 'wss://call.example'],
  ])('%s seen from %s is %s', (said, page, expected) => {
    expect(resolveServerUrl(said, page)).toBe(expected);
  });
});

describe('fetchAccess [DEMO-02]', () => {
  test('posts the standard body with proto names and reads the standard answer', async () => {
    const fake = answerWith({ server_url: 'ws://sfu.example', participant_token: 'aaa.bbb.ccc' });
    const access = await fetchAccess(person, 'http://localhost:7880/demo/');
    expect(access).toEqual({
      url: 'ws://sfu.example', token: 'aaa.bbb.ccc', room: '', waiting: false, hostKey: '', lobbyKey: '',
    });
    const [url, init] = fake.mock.calls[0] ?? [];
    expect(url).toBe('/api/token');
    expect(init?.method).toBe('POST');
    expect(JSON.parse(init?.body ?? '')).toEqual({
      room_name: 'lobby', participant_name: 'Ada', participant_identity: 'ada-1',
    });
  });

  test('falls back to the origin of the page', async () => {
    answerWith({ participant_token: 'aaa.bbb.ccc' });
    expect((await fetchAccess(person, 'http://localhost:7880/demo/')).url).toBe('ws://localhost:7880');
  });

  test('keeps status and text of a refusal', async () => {
    answerWith({ error: 'bad room name' }, 400);
    await expect(fetchAccess(person, 'http://localhost:7880/')).rejects.toMatchObject({
      status: 400, message: '{"error":"bad room name"}',
    });
  });

  test('an answer without a token is an error', async () => {
    answerWith({ server_url: 'ws://sfu.example' });
    await expect(fetchAccess(person, 'http://localhost:7880/')).rejects.toMatchObject({ status: 502 });
  });
});

test('toTokenError: no answer at all is status 0', () => {
  expect(toTokenError(new TypeError('Failed to fetch')).status).toBe(0);
});

describe('fetchAccess for meetings [DEMO-03]', () => {
  const meeting = 'standup~0123456789abcdef';
  const page = 'http://localhost:7880/demo/';
  const sent = (fake: ReturnType<typeof answerWith>) => fake.mock.calls[0]?.[1];

  test('who opens one gets its name and keys', async () => {
    const fake = answerWith({
      server_url: 'ws://sfu.example', participant_token: 'a.b.c', room_name: meeting, waiting: false, host_key: 'h', lobby_key: 'l',
    });
    expect(await fetchAccess({ ...person, lobby: true }, page)).toEqual({
      url: 'ws://sfu.example', token: 'a.b.c', room: meeting, waiting: false, hostKey: 'h', lobbyKey: 'l',
    });
    expect(JSON.parse(sent(fake)?.body ?? '')).toMatchObject({ room_name: 'lobby', lobby: true });
  });

  test('a guest waits', async () => {
    const fake = answerWith({ participant_token: 'a.b.c', room_name: meeting, waiting: true });
    expect(await fetchAccess({ ...person, room: meeting }, page)).toMatchObject({ waiting: true, hostKey: '', lobbyKey: '' });
    expect(JSON.parse(sent(fake)?.body ?? '')).toEqual({ room_name: meeting, participant_name: 'Ada', participant_identity: 'ada-1' });
  });

  test('a host shows the key to come back, and to let in', async () => {
    const fake = answerWith({ participant_token: 'a.b.c', room_name: meeting });
    await fetchAccess({ ...person, room: meeting, hostKey: 'h.h.h', admit: true }, page);
    expect(JSON.parse(sent(fake)?.body ?? '')).toMatchObject({ admit: true, host_key: 'h.h.h' });
  });

  test('keeps status and text of a refusal', async () => {
    answerWith('no', 403);
    await expect(fetchAccess({ ...person, room: meeting, hostKey: 'h' }, page)).rejects.toMatchObject({ status: 403, message: '"no"' });
  });
});

describe('own tokens', () => {
  const tokenOf = (claims: unknown) => {
    const octets = new TextEncoder().encode(JSON.stringify(claims));
    return `h.${btoa(String.fromCharCode(...octets)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}.s`;
  };

  test.each([['', {}], ['a.b.c', {}], [tokenOf(null), {}], [tokenOf({ video: 7 }), {}], [tokenOf({ video: { roomAdmin: true } }), { roomAdmin: true }]])(
    'the grant of %s is %j', (token, grant) => {
      expect(readGrant(token)).toEqual(grant);
    });

  test('who administers the room is a host, others are not', () => {
    const admin = tokenOf({ video: { roomAdmin: true }, name: 'Zoë' });
    expect(ownAccess(admin, 'https://call.example/demo/')).toMatchObject({ url: 'wss://call.example', token: admin, hostKey: admin });
    expect(ownAccess(tokenOf({ video: {} }), 'https://call.example/demo/').hostKey).toBe('');
  });
});
