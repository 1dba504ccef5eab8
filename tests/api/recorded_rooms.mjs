// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Rooms that are to be recorded, and rooms in which a recorder is.

import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name, room_client } from './clients.mjs';
import { call, in_words, join_claims, mint } from './requests.mjs';

const kCreate = { grant: { roomCreate: true, roomList: true } };

// `server` has a preset `recorded`.
export async function recorded_room_checks(suite, server) {
  await suite.check('a room that is to be recorded is refused where nobody can record it [ROOM-04] [ROOM-09] [EGR-19]', async () => {
    const nobody = '500 internal twirp error unknown: egress not connected (redis required)';
    const file = { filepath: '/out/x.mp4' };
    const names = [];
    const create = (body) => {
      names.push(fresh_name('recorded'));
      return call(server, 'RoomService/CreateRoom', { name: names.at(-1), ...body }, kCreate);
    };
    for (const egress of [{ room: { file } }, { participant: { file_outputs: [file] } }, { tracks: { filepath: '/out/x' } }]) {
      assert.equal(in_words(await create({ egress })), nobody, JSON.stringify(egress));
    }
    assert.equal(in_words(await create({ room_preset: 'recorded' })), nobody);
    const room = fresh_name('recorded');
    for (const claims of [{ roomConfig: { egress: { room: { file } } } }, { roomPreset: 'recorded' }]) {
      const refused = await SignalClient.ask(server, room, 'caller', { v1: false, token: mint(join_claims(room, claims)) });
      assert.equal(`${refused.status} ${refused.body}`, '503 the room is to be recorded, and this server cannot record it');
    }
    // Nothing of them is there; an egress of nothing is none, and of a live room nothing is asked.
    assert.deepEqual((await call(server, 'RoomService/ListRooms', { names: [...names, room] }, kCreate)).json.rooms, []);
    assert.equal((await create({ egress: {} })).status, 200);
    const live = await call(server, 'RoomService/CreateRoom', { name: names.at(-1), egress: { room: { file } } }, kCreate);
    assert.equal(live.status, 200);
  });

  await suite.check('active_recording while a recorder is there, told to all, by its right or by the API [ROOM-10]', async () => {
    const name = fresh_name('recorder');
    const rooms = room_client(server);
    const listed = async () => (await rooms.listRooms([name]))[0].activeRecording;
    const alice = await SignalClient.join(server, name, 'alice', { v1: false });
    const shown = (wanted) =>
      until(async () => alice.last.roomUpdate?.room.activeRecording === wanted && (await listed()) === wanted, { what: `activeRecording ${wanted}` });
    assert.deepEqual([alice.last.join.room.activeRecording, await listed()], [false, false]);
    const bob = await SignalClient.join(server, name, 'bob', { v1: false, grant: { hidden: true } });
    assert.equal(await listed(), false, 'hidden is no recorder');
    const recorder = await SignalClient.join(server, name, 'recorder', { v1: false, grant: { recorder: true } });
    await shown(true);
    await recorder.leave();
    await shown(false);
    await rooms.updateParticipant(name, 'bob', { permission: { canSubscribe: true, recorder: true } });
    await shown(true);
    for (const client of [alice, bob]) client.destroy();
  });
}
