// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Where the settings of a room come from, and what each does: defaults, presets, requests, tokens.

import { start_server } from '../lib/server.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { WeriftPeer } from '../lib/werift_peer.mjs';
import { fresh_name, room_client } from './clients.mjs';
import { recorded_room_checks } from './recorded_rooms.mjs';
import { call, in_words, join_claims, mint, validate } from './requests.mjs';
import { join_with } from './token_claims.mjs';

const kCreate = { grant: { roomCreate: true, roomList: true } };
const kConfig = {
  room: {
    empty_timeout: 50,
    departure_timeout: 7,
    room_configurations: {
      small: { name: 'small', empty_timeout: 60, max_participants: 3, metadata: 'of the preset' },
      full: {
        empty_timeout: 61, departure_timeout: 62, max_participants: 63, metadata: 'all', min_playout_delay: 100,
        max_playout_delay: 2000, sync_streams: true, agents: [{ agent_name: 'helper' }], tags: { a: 'b' },
      },
      recorded: { egress: { participant: { file_outputs: [{ filepath: '/out/x.mp4' }] } } },
    },
  },
};

const told = ({ empty_timeout, departure_timeout, max_participants, metadata }) =>
  `${empty_timeout} ${departure_timeout} ${max_participants} ${metadata}`;
const told_to = ({ last }) => {
  const { emptyTimeout, departureTimeout, maxParticipants, metadata } = last.join.room;
  return `${emptyTimeout} ${departureTimeout} ${maxParticipants} ${metadata}`;
};

async function precedence_checks(suite, server) {
  const create = (body) => call(server, 'RoomService/CreateRoom', { name: fresh_name('set'), ...body }, kCreate);
  const join = async (claims) => {
    const client = await join_with(server, fresh_name('set'), claims);
    const settings = told_to(client);
    client.destroy();
    return settings;
  };

  await suite.check('defaults, then the preset, then what the request says [ROOM-03]', async () => {
    assert.equal(told((await create({})).json), '50 7 0 ');
    assert.equal(told((await create({ room_preset: 'small' })).json), '60 7 3 of the preset');
    assert.equal(told((await create({ roomPreset: 'small', max_participants: 4, departure_timeout: 8 })).json), '60 8 4 of the preset');
    assert.equal(told((await create({ room_preset: 'small', empty_timeout: 0, metadata: 'own' })).json), '60 7 3 own');
    const name = fresh_name('unset');
    const unknown = await create({ name, room_preset: 'nothing' });
    assert.equal(in_words(unknown), '400 invalid_argument twirp error unknown: unknown room configuration in create room request');
    assert.deepEqual((await call(server, 'RoomService/ListRooms', { names: [name] }, kCreate)).json.rooms, []);
  });

  await suite.check('roomConfig and roomPreset of the token that makes the room, of no later one [TOK-08] [ROOM-03]', async () => {
    assert.equal(await join({ roomConfig: { emptyTimeout: 70, departureTimeout: 71, maxParticipants: 72, metadata: 'm' } }), '70 71 72 m');
    assert.equal(await join({ roomConfig: { empty_timeout: 73, unheard: { of: 1 } } }), '73 7 0 ');
    assert.equal(await join({ roomPreset: 'small' }), '60 7 3 of the preset');
    assert.equal(await join({ roomPreset: 'small', roomConfig: { maxParticipants: 5 } }), '60 7 5 of the preset');
    const room = fresh_name('first');
    const first = await join_with(server, room, { sub: 'first', roomConfig: { metadata: 'first' } });
    const second = await join_with(server, room, { sub: 'second', roomConfig: { metadata: 'second' }, roomPreset: 'small' });
    assert.deepEqual([told_to(first), told_to(second)], ['50 7 0 first', '50 7 0 first']);
    for (const client of [first, second]) client.destroy();
  });

  await suite.check('an unknown roomPreset refuses the join, a roomConfig of another type the token [TOK-08]', async () => {
    const room = fresh_name('refused');
    const claims = join_claims(room, { roomPreset: 'nothing' });
    assert.equal(await validate(server, claims), '200 success');
    const refused = await SignalClient.ask(server, room, 'caller', { v1: false, token: mint(claims) });
    assert.equal(`${refused.status} ${refused.body}`, '500 connection closed by media');
    for (const roomConfig of ['text', 5, { maxParticipants: 'many' }, { emptyTimeout: -1 }]) {
      assert.match(await validate(server, join_claims(room, { roomConfig })), /^401 /, JSON.stringify(roomConfig));
    }
    assert.deepEqual((await call(server, 'RoomService/ListRooms', { names: [room] }, kCreate)).json.rooms, []);
  });
}

// What a subscriber is offered in a room with these settings, where somebody sends sound and picture.
async function offered(suite, server, claims) {
  const room = fresh_name('offered');
  const maker = await join_with(server, room, { sub: 'maker', ...claims });
  const sender = await Peer.join(suite, server, room, 'sender');
  await sender.publish_picture();
  await sender.publish_tone();
  const viewer = await WeriftPeer.join(suite, server, room, 'viewer', ['VP8']);
  const sdp = () => viewer.offers.at(-1) ?? '';
  const streams = () => [...sdp().matchAll(/^a=msid:(\S+) /gm)].map(([, stream]) => stream);
  await until(() => streams().length === 2, { what: () => `an offer of both; ${sdp()}` });
  // As it is now: offers without the tracks come when their sender leaves. An extension that this client does not take
  // is in the first offer of the picture alone, which may be before the one of both.
  const offer = { delay: viewer.offers.some((one) => one.includes('playout-delay')), streams: new Set(streams()).size };
  maker.destroy();
  await Promise.all([viewer.close(), sender.leave()]);
  return offer;
}

async function member_checks(suite, server) {
  await suite.check('each member of a RoomConfiguration has its effect; tags have none [ROOM-04]', async () => {
    const room = fresh_name('agents');
    const client = await join_with(server, room, { roomPreset: 'full' });
    assert.equal(told_to(client), '61 62 63 all');
    const list = await call(server, 'AgentDispatchService/ListDispatch', { room }, { grant: { roomAdmin: true, room } });
    assert.deepEqual(list.json.agent_dispatches.map((one) => one.agent_name), ['helper']);
    const [info] = await room_client(server).listRooms([room]);
    assert.equal(info.name, room, 'not that of the configuration');
    client.destroy();
    const tags = await call(server, 'RoomService/CreateRoom', { name: fresh_name('tags'), tags: { a: 'b' }, replay_enabled: true }, kCreate);
    assert.equal(tags.status, 200);
    assert.ok(!('tags' in tags.json));
  });

  await suite.check('playout delay and stream sync of a room show in what it offers [ROOM-04]', async () => {
    const claims = [{}, { roomConfig: { minPlayoutDelay: 100, maxPlayoutDelay: 2000 } }, { roomConfig: { syncStreams: true } }];
    const [plain, delayed, synced] = await Promise.all(claims.map((one) => offered(suite, server, one)));
    assert.deepEqual([plain.delay, delayed.delay, synced.delay], [false, true, false]);
    assert.deepEqual([plain.streams, delayed.streams, synced.streams], [2, 2, 1]);
  });
}

export async function room_setting_checks(suite) {
  const server = await start_server(suite, kConfig);
  await precedence_checks(suite, server);
  await member_checks(suite, server);
  await recorded_room_checks(suite, server);
}
