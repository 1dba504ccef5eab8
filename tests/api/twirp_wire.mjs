// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Twirp on the wire: JSON out and in, the texts of errors, deadlines that clients set.

import { CreateRoomRequest, ListRoomsRequest, ListRoomsResponse, Room } from '@livekit/protocol';

import { Peer } from '../lib/rtc_peer.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { fresh_name } from './clients.mjs';
import { call, in_words } from './requests.mjs';

const kCreate = { grant: { roomCreate: true, roomList: true } };
const admin = (room) => ({ grant: { roomAdmin: true, room } });

// All fields of a Room but those that may be left out: unset messages.
const kRoom = [
  'sid', 'name', 'empty_timeout', 'departure_timeout', 'max_participants', 'creation_time', 'creation_time_ms',
  'turn_password', 'enabled_codecs', 'metadata', 'num_participants', 'num_publishers', 'active_recording',
];
const kParticipant = [
  'sid', 'identity', 'state', 'tracks', 'metadata', 'joined_at', 'joined_at_ms', 'name', 'version', 'permission',
  'region', 'is_publisher', 'kind', 'attributes', 'disconnect_reason', 'kind_details',
];

const without_nulls = (object) => Object.keys(object).filter((key) => object[key] !== null);

async function out_checks(suite, server) {
  await suite.check('JSON out: snake_case, all fields, 64-bit numbers as texts, enums as names [API-W2]', async () => {
    const name = fresh_name('out');
    const { json: room, type } = await call(server, 'RoomService/CreateRoom', { name }, kCreate);
    assert.equal(type, 'application/json');
    for (const field of kRoom) assert.ok(field in room, `${field} of ${Object.keys(room)}`);
    assert.ok(without_nulls(room).every((field) => kRoom.includes(field)), `${Object.keys(room)}`);
    assert.equal(typeof room.creation_time, 'string');
    assert.match(room.creation_time_ms, /^\d{13}$/);
    assert.deepEqual([room.metadata, room.num_participants, room.active_recording], ['', 0, false]);
    const client = await SignalClient.join(server, name, 'alice', { v1: false });
    const { json: list } = await call(server, 'RoomService/ListParticipants', { room: name }, admin(name));
    const [alice] = list.participants;
    for (const field of kParticipant) assert.ok(field in alice, `${field} of ${Object.keys(alice)}`);
    assert.deepEqual([alice.state, alice.kind, alice.disconnect_reason], ['JOINED', 'STANDARD', 'UNKNOWN_REASON']);
    assert.deepEqual([alice.tracks, alice.attributes, alice.kind_details, alice.is_publisher], [[], {}, [], false]);
    assert.deepEqual([alice.permission.can_publish_sources, alice.permission.hidden], [[], false]);
    const empty = await call(server, 'RoomService/ListRooms', { names: ['nothing-there'] }, kCreate);
    assert.deepEqual(empty.json, { rooms: [] });
    assert.equal((await call(server, 'RoomService/DeleteRoom', { room: name }, kCreate)).text, '{}');
    client.destroy();
  });

  await suite.check('protobuf in, protobuf out; its errors are JSON [API-W2]', async () => {
    const name = fresh_name('binary');
    const type = 'application/protobuf';
    const made = await call(server, 'RoomService/CreateRoom', new CreateRoomRequest({ name, metadata: 'ü' }).toBinary(), { ...kCreate, type });
    assert.equal(`${made.status} ${made.type}`, `200 ${type}`);
    const room = Room.fromBinary(made.bytes);
    assert.deepEqual([room.name, room.metadata], [name, 'ü']);
    const listed = await call(server, 'RoomService/ListRooms', new ListRoomsRequest({ names: [name] }).toBinary(), { ...kCreate, type });
    assert.equal(ListRoomsResponse.fromBinary(listed.bytes).rooms[0].sid, room.sid);
    const broken = await call(server, 'RoomService/CreateRoom', new Uint8Array([255, 255]), { ...kCreate, type });
    assert.equal(in_words(broken), '400 malformed the protobuf request could not be decoded');
    const denied = await call(server, 'RoomService/CreateRoom', new Uint8Array(), { type });
    assert.equal(in_words(denied), '401 unauthenticated permissions denied');
  });
}

async function in_checks(suite, server) {
  await suite.check('JSON in: both spellings, enums by name or number, numbers as texts, the unknown ignored [API-W2]', async () => {
    const create = async (more) => (await call(server, 'RoomService/CreateRoom', { name: fresh_name('in'), ...more }, kCreate)).json;
    assert.equal((await create({ empty_timeout: 71 })).empty_timeout, 71);
    assert.equal((await create({ emptyTimeout: 72 })).empty_timeout, 72);
    assert.equal((await create({ maxParticipants: '3' })).max_participants, 3);
    assert.equal((await create({ unheard: { of: [1] }, emptyTimeout: 73 })).empty_timeout, 73);
    assert.equal((await create({ metadata: null })).metadata, '');
    const room = fresh_name('kinds');
    await create({ name: room });
    for (const kind of ['RELIABLE', 'LOSSY', 1, 'NONSENSE']) {
      const sent = await call(server, 'RoomService/SendData', { room, data: 'aGk=', kind }, admin(room));
      assert.equal(`${kind} ${sent.status} ${sent.text}`, `${kind} 200 {}`);
    }
  });

  await suite.check('what is no such JSON is malformed, and nothing is done [API-W2]', async () => {
    const name = fresh_name('malformed');
    const malformed = '400 malformed the json request could not be decoded';
    const bodies = ['', '{', 'null', '[]', '5', '"x"', `{"name":"${name}"`, `{"name":"${name}","emptyTimeout":-1}`,
      `{"name":"${name}","emptyTimeout":"x"}`, '{"name":5}', '{"name":["x"]}', `{"name":"${name}","emptyTimeout":4294967296}`];
    for (const body of bodies) {
      assert.equal(`${body} ${in_words(await call(server, 'RoomService/CreateRoom', body, kCreate))}`, `${body} ${malformed}`);
    }
    assert.equal(in_words(await call(server, 'RoomService/SendData', { room: name, data: '***' }, admin(name))), malformed);
    assert.deepEqual((await call(server, 'RoomService/ListRooms', { names: [name] }, kCreate)).json.rooms, []);
  });
}

async function text_checks(suite, server) {
  await suite.check('error texts: a prefix for what services say, none for permissions, arguments and nonces [API-W5]', async () => {
    const room = fresh_name('texts');
    await call(server, 'RoomService/CreateRoom', { name: room }, kCreate);
    const says = async (path, body, settings, expected, argument) => {
      const reply = await call(server, path, body, settings);
      assert.equal(in_words(reply), expected);
      assert.deepEqual(reply.json.meta, argument && { argument }, path);
    };
    const t = 'twirp error unknown: ';
    await says('RoomService/DeleteRoom', { room: 'nowhere' }, kCreate, `404 not_found ${t}requested room does not exist`);
    await says('RoomService/GetParticipant', { room, identity: 'x' }, admin(room), `404 not_found ${t}participant does not exist`);
    await says('RoomService/SendData', { room: 'nowhere', data: '' }, admin('nowhere'), `503 unavailable ${t}no response from servers`);
    await says('RoomService/CreateRoom', { name: 'n'.repeat(257) }, kCreate,
      `400 invalid_argument ${t}room name length exceeds limits: max length 256`);
    await says('Egress/ListEgress', {}, { grant: { roomRecord: true } }, `500 internal ${t}egress not connected (redis required)`);
    await says('SIP/ListSIPInboundTrunk', {}, { claims: { sip: { admin: true } } }, `500 internal ${t}sip not connected (redis required)`);
    await says('RoomService/ListRooms', {}, {}, '401 unauthenticated permissions denied');
    await says('RoomService/UpdateParticipant', { room, identity: 'x', name: 'n'.repeat(257) }, admin(room),
      '400 invalid_argument name length exceeds limits 256', 'name length exceeds limits');
    await says('RoomService/SendData', { room, data: 'aGk=', nonce: 'AQIDBAU=' }, admin(room),
      '400 invalid_argument nonce should be 16-bytes or not present, got: 5 bytes');
    await says('RoomService/ForwardParticipant', { room, identity: 'x', destinationRoom: room }, { grant: { roomAdmin: true, room, destinationRoom: room } },
      '400 invalid_argument destination room cannot be the same as source room ', 'destination room cannot be the same as source room');
  });
}

async function deadline_checks(suite, server) {
  await suite.check('X-Twirp-Timeout-Ms: 408 canceled when it passes; what is no number is ignored [API-W6]', async () => {
    const room = fresh_name('deadline');
    const alice = await Peer.join(suite, server, room, 'alice');
    let release = () => {};
    const released = new Promise((resolve) => (release = resolve));
    alice.local.registerRpcMethod('slow', () => released.then(() => 'at last'));
    alice.local.registerRpcMethod('quick', () => 'at once');
    const rpc = (method, header) =>
      call(server, 'RoomService/PerformRpc', { room, destinationIdentity: 'alice', method, payload: 'p', responseTimeoutMs: 8000 },
        { ...admin(room), headers: header === undefined ? {} : { 'X-Twirp-Timeout-Ms': header } });
    const begin = Date.now();
    const waiting = ['abc', '', '-5', undefined].map((header) => rpc('slow', header));
    const late = await rpc('slow', '400');
    const took = Date.now() - begin;
    assert.equal(in_words(late), '408 canceled twirp error unknown: request canceled');
    assert.ok(took >= 400 && took < 3000, `after ${took} ms`);
    assert.equal((await rpc('quick', '5000')).json.payload, 'at once');
    // Those without a deadline still wait behind it.
    release();
    assert.deepEqual((await Promise.all(waiting)).map((one) => `${one.status} ${one.json.payload}`), Array(4).fill('200 at last'));
    await alice.leave();
  });
}

export async function twirp_checks(suite, server) {
  await out_checks(suite, server);
  await in_checks(suite, server);
  await text_checks(suite, server);
  await deadline_checks(suite, server);
}
