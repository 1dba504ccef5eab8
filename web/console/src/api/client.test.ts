// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { afterEach, expect, test, vi } from 'vitest';
import { Absence, get, query, Refusal, send, whenSignedOut } from './client';
import { connection } from './connection';

afterEach(() => void vi.unstubAllGlobals());

const answers = (reply: () => Promise<Response>) => void vi.stubGlobal('fetch', vi.fn(reply));
const json = (status: number, body: unknown, headers = {}) => () => Promise.resolve(new Response(JSON.stringify(body), { status, headers }));
const failure = (promise: Promise<unknown>) => promise.then(() => undefined, (error: unknown) => error);

test('parameters without a value are left out', () => {
  expect(query({ a: 1, b: '', c: undefined, d: 'x y' })).toBe('?a=1&d=x+y');
  expect(query({})).toBe('');
});

test('a refusal has the words of the server', async () => {
  answers(json(429, { error: 'wait' }, { 'retry-after': '30' }));
  expect(await failure(get('overview'))).toMatchObject({ status: 429, message: 'wait', retryAfterS: 30 });
  answers(json(400, { code: 'invalid_argument', msg: 'no such room' }));
  expect(await failure(send('POST', 'call/RoomService/DeleteRoom'))).toMatchObject({ message: 'no such room' });
  expect(connection.get().away).toBe(false);
});

test('nobody there: a broken connection, and the page of a proxy', async () => {
  answers(() => Promise.reject(new TypeError('network')));
  expect(await failure(get('overview'))).toBeInstanceOf(Absence);
  expect(connection.get().away).toBe(true);
  answers(json(200, {}));
  await get('overview');
  expect(connection.get().away).toBe(false);
  answers(() => Promise.resolve(new Response('<html>Bad gateway', { status: 502 })));
  expect(await failure(get('overview'))).toBeInstanceOf(Absence);
});

test('401 ends the session, but not when signing in', async () => {
  const ended = vi.fn();
  whenSignedOut(ended);
  answers(json(401, { error: 'who?' }));
  expect(await failure(send('POST', 'session'))).toBeInstanceOf(Refusal);
  expect(ended).not.toHaveBeenCalled();
  await failure(get('rooms'));
  expect(ended).toHaveBeenCalledOnce();
});
