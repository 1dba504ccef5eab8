// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, test, vi } from 'vitest';
import { fetchAccess, resolveServerUrl, toTokenError } from './token';

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
    expect(access).toEqual({ url: 'ws://sfu.example', token: 'aaa.bbb.ccc' });
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
