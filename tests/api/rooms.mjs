// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Rooms without participants: create, list, metadata, delete, timeouts.

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name, refused, room_client } from './clients.mjs';

const kSid = /^RM_[2-9A-HJ-NP-Za-km-z]{12}$/;

export async function room_checks(suite, server) {
  const rooms = room_client(server);

  await suite.check('CreateRoom returns the room as asked for [API-01] [ROOM-12] [SID-01]', async () => {
    const before = Math.floor(Date.now() / 1000);
    const room = await rooms.createRoom({
      name: 'created',
      emptyTimeout: 77,
      departureTimeout: 33,
      maxParticipants: 5,
      metadata: '{"grüße":"∞"}',
    });
    assert.match(room.sid, kSid);
    assert.equal(room.name, 'created');
    assert.equal(room.emptyTimeout, 77);
    assert.equal(room.departureTimeout, 33);
    assert.equal(room.maxParticipants, 5);
    assert.equal(room.metadata, '{"grüße":"∞"}');
    assert.equal(room.numParticipants, 0);
    assert.ok(Math.abs(Number(room.creationTime) - before) <= 2, `creation time ${room.creationTime}`);
    assert.equal(Math.floor(Number(room.creationTimeMs) / 1000), Number(room.creationTime));
    assert.ok(room.turnPassword.length >= 40, 'turn password');
    assert.ok(room.enabledCodecs.some((codec) => codec.mime === 'video/VP8'), 'codecs');
  });

  await suite.check('CreateRoom of a live room returns it unchanged [ROOM-02]', async () => {
    const first = await rooms.createRoom({ name: 'again', metadata: 'one' });
    const second = await rooms.createRoom({ name: 'again', metadata: 'two', emptyTimeout: 1 });
    assert.equal(second.sid, first.sid);
    assert.equal(second.metadata, 'one');
    assert.equal(second.emptyTimeout, 300);
    assert.equal(second.departureTimeout, 20);
  });

  await suite.check('ListRooms lists all or the named ones, unknown names left out [API-02]', async () => {
    const name = fresh_name('listed');
    await rooms.createRoom({ name });
    const all = (await rooms.listRooms()).map((room) => room.name);
    assert.ok(all.includes(name) && all.includes('created'), all.join());
    const some = await rooms.listRooms([name, 'no-such-room']);
    assert.deepEqual(some.map((room) => room.name), [name]);
    assert.deepEqual(await rooms.listRooms(['no-such-room']), []);
  });

  await suite.check('UpdateRoomMetadata changes the room; limits and absence are errors [API-10]', async () => {
    const name = fresh_name('metadata');
    await rooms.createRoom({ name, metadata: 'old' });
    const updated = await rooms.updateRoomMetadata(name, 'new');
    assert.equal(updated.metadata, 'new');
    await until(async () => (await rooms.listRooms([name]))[0].metadata === 'new');
    await refused(rooms.updateRoomMetadata('no-such-room', 'x'), 'not_found', 404, 'room does not exist');
    await refused(rooms.updateRoomMetadata(name, 'x'.repeat(512 * 1024 + 1)), 'invalid_argument', 400);
  });

  await suite.check('CreateRoom refuses names and metadata over the limit [API-01] [ROOM-07]', async () => {
    await refused(rooms.createRoom({ name: 'n'.repeat(257) }), 'invalid_argument', 400);
    await refused(rooms.createRoom({ name: 'm', metadata: 'x'.repeat(512 * 1024 + 1) }), 'invalid_argument', 400);
    await rooms.createRoom({ name: 'n'.repeat(256) });
  });

  await suite.check('DeleteRoom removes the room, a second time it is not found [API-03]', async () => {
    const name = fresh_name('deleted');
    await rooms.createRoom({ name });
    await rooms.deleteRoom(name);
    assert.deepEqual(await rooms.listRooms([name]), []);
    await refused(rooms.deleteRoom(name), 'not_found', 404, 'room does not exist');
  });

  await suite.check('a room nobody joins ends after its empty timeout [ROOM-05]', async () => {
    const name = fresh_name('empty');
    const begin = Date.now();
    await rooms.createRoom({ name, emptyTimeout: 2 });
    const gone = async () => (await rooms.listRooms([name])).length === 0;
    await until(gone, { timeout: 5000, what: 'the end of the room' });
    assert.ok(Date.now() - begin >= 900, 'ended too early');
  });
}
