// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

import { afterEach, describe, expect, test, vi } from 'vitest';
import { RoomService } from './room_service';

interface Asked {
  url: string;
  token: string;
  body: Record<string, unknown>;
}

function service(answer: unknown = {}, status = 200) {
  const asked: Asked[] = [];
  vi.stubGlobal('fetch', (url: string, init: { headers: Record<string, string>; body: string }) => {
    asked.push({ url, token: init.headers.Authorization ?? '', body: JSON.parse(init.body) as Record<string, unknown> });
    return Promise.resolve(new Response(JSON.stringify(answer), { status }));
  });
  return { rooms: new RoomService('wss://call.example/', 'r', 'a.b.c'), asked };
}

afterEach(() => vi.unstubAllGlobals());

describe('RoomService', () => {
  test('asks the server of the signalling, with the token', async () => {
    const { rooms, asked } = service();
    await rooms.mute('ada', 'TR_1');
    expect(asked).toEqual([{
      url: 'https://call.example/twirp/livekit.RoomService/MutePublishedTrack',
      token: 'Bearer a.b.c',
      body: { room: 'r', identity: 'ada', track_sid: 'TR_1', muted: true },
    }]);
  });

  test('lists who is there, by name or else identity', async () => {
    const { rooms } = service({ participants: [
      { identity: 'a', name: 'Ada', state: 'ACTIVE' }, { identity: 'b', state: 'JOINED' }, { identity: 'c', state: 'DISCONNECTED' }, 7,
    ] });
    expect(await rooms.people()).toEqual([
      { identity: 'a', name: 'Ada' }, { identity: 'b', name: 'b' }, { identity: '', name: '' },
    ]);
  });

  test('an empty room has nobody', async () => {
    expect(await service().rooms.people()).toEqual([]);
  });

  test('who is removed does not come back with the same token, even if this clock is behind', async () => {
    const { rooms, asked } = service();
    await rooms.remove('ada');
    expect(Number(asked[0]?.body.revoke_token_ts)).toBeGreaterThan(Date.now() / 1000 + 200);
  });

  test('a shared screen ends by a right that is given back, no other is given or taken', async () => {
    const few = { can_subscribe: true, can_publish: true, can_publish_data: false, hidden: true };
    const stopped = async (sources: unknown) => {
      const permission = { ...few, ...(sources ? { can_publish_sources: sources } : {}) };
      const { rooms, asked } = service({ identity: 'ada', permission });
      await rooms.stopScreen('ada');
      const [first, ...updates] = asked.map(({ url, body }) => (url.endsWith('UpdateParticipant') ? body.permission : url.split('/').at(-1)));
      expect(first).toBe('GetParticipant');
      if (updates.length > 0) expect(updates[1]).toEqual(permission);
      return updates[0];
    };
    expect(await stopped(undefined)).toEqual({ ...few, can_publish_sources: ['CAMERA', 'MICROPHONE'] });
    expect(await stopped(['MICROPHONE', 'SCREEN_SHARE'])).toEqual({ ...few, can_publish_sources: ['MICROPHONE'] });
    expect(await stopped(['SCREEN_SHARE', 'SCREEN_SHARE_AUDIO'])).toEqual({ ...few, can_publish: false, can_publish_sources: [] });
    expect(await stopped(['CAMERA'])).toBeUndefined();
  });

  test('messages go to one alone, as base64 of UTF-8', async () => {
    const { rooms, asked } = service();
    await rooms.tell('ada', 'topic', { text: 'Zoë' });
    expect(asked[0]?.body).toMatchObject({ destination_identities: ['ada'], topic: 'topic', kind: 'RELIABLE' });
    const octets = Uint8Array.from(atob(String(asked[0]?.body.data)), (letter) => letter.charCodeAt(0));
    expect(new TextDecoder().decode(octets)).toBe('{"text":"Zoë"}');
  });

  test('tells recordings that run from those that ended', async () => {
    const { rooms } = service({ items: [
      { egress_id: 'EG_1', status: 'EGRESS_ACTIVE' }, { egress_id: 'EG_2', status: 'EGRESS_COMPLETE' }, { egress_id: 'EG_3' },
    ] });
    expect((await rooms.recordings()).filter(({ active }) => active).map(({ id }) => id)).toEqual(['EG_1', 'EG_3']);
  });

  test('a refusal has status and text', async () => {
    const { rooms } = service({ msg: 'permissions denied' }, 403);
    await expect(rooms.lowerHand('ada')).rejects.toMatchObject({ status: 403, message: '{"msg":"permissions denied"}' });
  });
});
