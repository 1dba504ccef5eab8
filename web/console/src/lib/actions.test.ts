// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { afterEach, expect, test, vi } from 'vitest';
import type { Participant, Track } from '../api/types';
import { base64, closeRoom, dispatchAgent, mute, parseAttributes, remove, sendData, setParticipantMetadata, setPermission } from './actions';
import { describePermission } from './permission';

const r = { room: 'r' };
const track = { sid: 'TR_1', muted: false } as Track;
const ada = {
  identity: 'ada', name: 'Ada', metadata: 'm', attributes: { seat: '1' },
  permission: { can_subscribe: true, can_publish: true, can_publish_sources: ['CAMERA'], agent: true },
} as unknown as Participant;

afterEach(() => void vi.unstubAllGlobals());

/** Runs it and returns what was asked for. */
async function asked(run: () => Promise<unknown>): Promise<{ path: string; headers: Record<string, string>; body: unknown }> {
  const fetched = vi.fn((_: string, __: RequestInit) => Promise.resolve(new Response('{}')));
  vi.stubGlobal('fetch', fetched);
  await run();
  const [path = '', init] = fetched.mock.calls[0] ?? [];
  return { path: path.replace(/^.*api\//, ''), headers: init?.headers as Record<string, string>, body: JSON.parse(init?.body as string) };
}

test('calls carry the header that forms of others cannot send', async () => {
  expect((await asked(() => remove(r, 'ada').run({}))).headers['X-Confab-Console']).toBe('1');
});

test('a room of a tenant is named with whose it is', async () => {
  const { path, body } = await asked(() => closeRoom({ room: 'r', tenant: 'a&b' }, '3').run({}));
  expect(path).toBe('call/RoomService/DeleteRoom?tenant=a%26b');
  expect(body).toEqual({ room: 'r' });
});

test('a track is muted, and a muted one unmuted', async () => {
  expect((await asked(() => mute(r, 'ada', track).run({}))).body).toEqual({ room: 'r', identity: 'ada', track_sid: 'TR_1', muted: true });
  expect((await asked(() => mute(r, 'ada', { ...track, muted: true }).run({}))).body).toMatchObject({ muted: false });
});

test('a permission is sent whole: what the form does not know stays', async () => {
  const { path, body } = await asked(() => setPermission(r, ada).run({ can_subscribe: false, can_publish: true }));
  expect(path).toBe('call/RoomService/UpdateParticipant');
  expect(body).toMatchObject({ permission: { can_subscribe: false, can_publish: true, can_publish_sources: ['CAMERA'], agent: true } });
});

test('permissions in words', () => {
  expect(describePermission(ada.permission)).toBe('subscribe, publish, be an agent, only camera');
  expect(describePermission({})).toBe('nothing');
});

test('data goes as base64 of UTF-8, to all or to one', async () => {
  expect(base64('é')).toBe('w6k=');
  const { body } = await asked(() => sendData(r, 'ada').run({ text: 'hi', topic: '', reliable: false }));
  expect(body).toEqual({ room: 'r', data: 'aGk=', kind: 'LOSSY', destination_identities: ['ada'] });
  expect((await asked(() => sendData(r).run({ text: 'hi', topic: 't', reliable: true }))).body).toEqual({ room: 'r', data: 'aGk=', kind: 'RELIABLE', topic: 't' });
});

test('attributes are lines of name=value', async () => {
  expect(parseAttributes('a=1\n\n b =x=y\nc=')).toEqual({ a: '1', b: 'x=y', c: '' });
  expect(() => parseAttributes('nonsense')).toThrow('nonsense');
  const { body } = await asked(() => setParticipantMetadata(r, ada).run({ name: 'A', metadata: '', attributes: 'seat=2' }));
  expect(body).toEqual({ room: 'r', identity: 'ada', name: 'A', metadata: '', attributes: { seat: '2' } });
  const many = { ...ada, attributes: { kept: '1', path: 'a\\n', long: 'a\nb ', gone: 'x' } };
  const lines = String(setParticipantMetadata(r, many).fields?.find((one) => one.name === 'attributes')?.value);
  const edited = lines.replace('\ngone=x', '\nnew=1=2').replace('long=a\\nb ', 'long=c\\nd ');
  const { body: sent } = await asked(() => setParticipantMetadata(r, many).run({ name: 'A', metadata: '', attributes: edited }));
  expect(sent).toMatchObject({ attributes: { gone: '', new: '1=2', long: 'c\nd ' } });
  expect(Object.keys((sent as { attributes: object }).attributes)).toHaveLength(3);
});

test('what cuts people off asks first', () => {
  for (const action of [remove(r, 'ada'), closeRoom(r, '3')]) {
    expect(action.danger).toBe(true);
    expect(action.title).toBeTruthy();
  }
  expect(mute(r, 'ada', track).title).toBeUndefined();
});

test('an agent is dispatched by name', async () => {
  const { path, body } = await asked(() => dispatchAgent(r).run({ agent_name: 'helper', metadata: '' }));
  expect(path).toBe('call/AgentDispatchService/CreateDispatch');
  expect(body).toEqual({ room: 'r', agent_name: 'helper', metadata: '' });
});
