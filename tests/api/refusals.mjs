// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What the server refuses: wrong secrets, missing grants, things that do not exist.

import { AccessToken, AgentDispatchClient, EgressClient, RoomServiceClient } from 'livekit-server-sdk';

import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { fresh_name, refused, room_client } from './clients.mjs';

async function twirp(server, method, grant, body) {
  const token = new AccessToken(KEY, SECRET, { identity: 'caller', ttl: 60 });
  if (grant) token.addGrant(grant);
  return fetch(`${server.http}/twirp/livekit.RoomService/${method}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${await token.toJwt()}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
}

// Grants that do not suffice for a method.
const kInsufficient = [
  ['CreateRoom', { roomList: true, roomAdmin: true, room: 'r' }, { name: 'r' }],
  ['ListRooms', { roomCreate: true }, {}],
  ['DeleteRoom', { roomAdmin: true, room: 'r' }, { room: 'r' }],
  ['ListParticipants', { roomAdmin: true, room: 'other' }, { room: 'r' }],
  ['GetParticipant', { roomAdmin: true }, { room: 'r', identity: 'i' }],
  ['RemoveParticipant', { roomCreate: true, room: 'r' }, { room: 'r', identity: 'i' }],
  ['MutePublishedTrack', { roomJoin: true, room: 'r' }, { room: 'r', identity: 'i', track_sid: 'TR_x' }],
  ['UpdateParticipant', { roomAdmin: true, room: 'R' }, { room: 'r', identity: 'i' }],
  ['UpdateSubscriptions', {}, { room: 'r', identity: 'i' }],
  ['SendData', { roomList: true }, { room: 'r' }],
  ['UpdateRoomMetadata', undefined, { room: 'r' }],
];

export async function refusal_checks(suite, server) {
  const rooms = room_client(server);

  await suite.check('a wrong secret or an unknown key gets 401 [CON-21] [TOK-02]', async () => {
    for (const [key, secret] of [[KEY, 'another-secret-of-thirty-two-characters'], ['nobody', SECRET]]) {
      const error = await new RoomServiceClient(server.http, key, secret).listRooms().catch((caught) => caught);
      assert.equal(error.status, 401, `${key}: ${error.message}`);
    }
  });

  await suite.check('a call without token or with a broken one gets 401 [API-W4] [CON-20]', async () => {
    const call = (headers) =>
      fetch(`${server.http}/twirp/livekit.RoomService/ListRooms`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        body: '{}',
      });
    const without = await call({});
    assert.equal(without.status, 401);
    assert.equal((await without.json()).code, 'unauthenticated');
    assert.equal((await call({ Authorization: 'Bearer nonsense' })).status, 401);
    assert.equal((await call({ Authorization: 'bearer xyz' })).status, 401);
  });

  await suite.check('every method refuses a token without its grant [API-W4] [TOK-10]', async () => {
    for (const [method, grant, body] of kInsufficient) {
      const reply = await twirp(server, method, grant, body);
      const error = await reply.json();
      assert.equal(`${method} ${reply.status} ${error.code}`, `${method} 401 unauthenticated`);
    }
  });

  await suite.check('absent participants and rooms are not found, or an empty list [API-04] [API-05] [API-07]', async () => {
    const name = fresh_name('absent');
    await rooms.createRoom({ name });
    const text = 'participant does not exist';
    assert.deepEqual(await rooms.listParticipants(name), []);
    assert.deepEqual(await rooms.listParticipants('no-such-room'), []);
    await refused(rooms.getParticipant(name, 'nobody'), 'not_found', 404, text);
    await refused(rooms.removeParticipant(name, 'nobody'), 'not_found', 404, text);
    await refused(rooms.removeParticipant('no-such-room', 'nobody'), 'not_found', 404, text);
    await refused(rooms.updateParticipant(name, 'nobody', { name: 'x' }), 'not_found', 404);
  });

  await suite.check('calls for an absent node answer unavailable, never 200 [API-W7]', async () => {
    const kind = 0;
    const results = await Promise.allSettled([
      rooms.mutePublishedTrack('no-such-room', 'nobody', 'TR_x', true),
      rooms.updateSubscriptions('no-such-room', 'nobody', ['TR_x'], false),
      rooms.sendData('no-such-room', new Uint8Array([1]), kind, {}),
    ]);
    for (const { status, reason } of results) {
      assert.equal(status, 'rejected');
      assert.equal(`${reason.status} ${reason.code}`, '503 unavailable', reason.message);
    }
  }, { seconds: 40 });

  await suite.check('limits of UpdateParticipant are checked first [API-07] [ROOM-07]', async () => {
    const update = (options) => rooms.updateParticipant('no-such-room', 'nobody', options);
    await refused(update({ name: 'n'.repeat(257) }), 'invalid_argument', 400);
    await refused(update({ metadata: 'm'.repeat(512 * 1024 + 1) }), 'invalid_argument', 400);
    await refused(update({ attributes: { key: 'v'.repeat(64 * 1024) } }), 'invalid_argument', 400);
  });

  await suite.check('unknown methods and media types are bad routes [API-W1] [API-W3]', async () => {
    const unknown = await twirp(server, 'NoSuchMethod', { roomList: true }, {});
    assert.equal(unknown.status, 404);
    assert.equal((await unknown.json()).code, 'bad_route');
    const get = await fetch(`${server.http}/twirp/livekit.RoomService/ListRooms`);
    assert.equal((await get.json()).code, 'bad_route');
    const broken = await twirp(server, 'ListRooms', { roomList: true }, 'not an object');
    assert.equal(`${broken.status} ${(await broken.json()).code}`, '400 malformed');
  });

  await suite.check('services without workers refuse in their own words [API-23] [API-40]', async () => {
    const egress = new EgressClient(server.http, KEY, SECRET);
    await refused(egress.listEgress(), 'internal', 500, 'redis required');
    // Dispatches are the room's own business: one without a worker waits, in a room that is there.
    const dispatches = new AgentDispatchClient(server.http, KEY, SECRET);
    await refused(dispatches.listDispatch('a-room'), 'unavailable', 503, 'no response from servers');
    const made = await dispatches.createDispatch('a-room', 'helper');
    assert.deepEqual((await dispatches.listDispatch('a-room')).map((one) => [one.id, one.agentName]).slice(-1), [[made.id, 'helper']]);
  });
}
