// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// RoomService calls that reach participants, seen from both sides.

import { DisconnectReason, RoomEvent } from '@livekit/rtc-node';
import { DataPacket_Kind, ParticipantInfo_State, TrackSource, TrackType } from 'livekit-server-sdk';

import { Peer } from '../lib/rtc_peer.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name, refused, room_client } from './clients.mjs';

// Waits until `read()` equals `expected`.
async function becomes(expected, read, what) {
  let seen;
  const same = async () => JSON.stringify((seen = await read())) === JSON.stringify(expected);
  await until(same, { timeout: 5000, every: 5, what: () => `${what}: ${JSON.stringify(expected)}, is ${JSON.stringify(seen)}` });
}

async function pair(suite, server, rooms) {
  const name = fresh_name('call');
  await rooms.createRoom({ name });
  const alice = await Peer.join(suite, server, name, 'alice', {
    number: 1,
    options: { name: 'Alice A.', metadata: 'am', attributes: { role: 'host' } },
  });
  const bob = await Peer.join(suite, server, name, 'bob', { number: 2 });
  return { name, alice, bob };
}

export async function participant_checks(suite, server) {
  const rooms = room_client(server);
  await count_checks(suite, server, rooms);
  const call = await pair(suite, server, rooms);
  await list_checks(suite, rooms, call);
  await mute_checks(suite, server, rooms, call);
  await update_checks(suite, rooms, call);
  await subscription_checks(suite, rooms, call);
  await data_checks(suite, rooms, call);
  await end_checks(suite, server, rooms, call);
}

async function count_checks(suite, server, rooms) {
  await suite.check('participant counts in ListRooms follow joins, publications and leaves [API-02] [SIG-136]', async () => {
    const name = fresh_name('counted');
    await rooms.createRoom({ name });
    const counts = async () => {
      const [room] = await rooms.listRooms([name]);
      return [room.numParticipants, room.numPublishers];
    };
    await becomes([0, 0], counts, 'participants and publishers');
    const alice = await Peer.join(suite, server, name, 'alice');
    await becomes([1, 0], counts, 'after the first join');
    const bob = await Peer.join(suite, server, name, 'bob', { number: 2 });
    await becomes([2, 0], counts, 'after the second join');
    const picture = await alice.publish_picture();
    await bob.event(RoomEvent.TrackPublished);
    await becomes([2, 1], counts, 'after publishing');
    await picture.stop();
    await bob.event(RoomEvent.TrackUnpublished);
    await alice.leave();
    await becomes([1, 0], counts, 'after the publisher left');
    await bob.leave();
    await becomes([0, 0], counts, 'after the last one left');
  });
}

async function list_checks(suite, rooms, { name, alice, bob }) {
  await suite.check('ListParticipants and GetParticipant show who is there [API-04] [SIG-137] [TOK-11]', async () => {
    const found = await until(async () => {
      const list = await rooms.listParticipants(name);
      return list.length === 2 && list.every((one) => one.state === ParticipantInfo_State.ACTIVE) && list;
    });
    assert.deepEqual(found.map((one) => one.identity).sort(), ['alice', 'bob']);
    const info = await rooms.getParticipant(name, 'alice');
    assert.match(info.sid, /^PA_/);
    assert.equal(info.sid, alice.local.sid);
    assert.equal(info.name, 'Alice A.');
    assert.equal(info.metadata, 'am');
    assert.deepEqual({ ...info.attributes }, { role: 'host' });
    assert.equal(info.permission.canPublish, true);
    assert.equal(info.permission.canSubscribe, true);
    assert.ok(Math.abs(Number(info.joinedAt) * 1000 - Date.now()) < 30000, 'joined at');
  });

  await suite.check('published tracks are listed with sid, source and codec [API-04] [SID-03] [SIG-100]', async () => {
    alice.picture = await alice.publish_picture();
    alice.tone = await alice.publish_tone();
    const tracks = await until(async () => {
      const info = await rooms.getParticipant(name, 'alice');
      return info.tracks.length === 2 && info.isPublisher && info.tracks;
    });
    const video = tracks.find((track) => track.type === TrackType.VIDEO);
    const audio = tracks.find((track) => track.type === TrackType.AUDIO);
    assert.match(video.sid, /^TR_VC/);
    assert.equal(video.sid, alice.picture.publication.sid);
    assert.equal(video.source, TrackSource.CAMERA);
    assert.equal(video.mimeType.toLowerCase(), 'video/vp8');
    assert.match(audio.sid, /^TR_AM/);
    assert.equal(audio.source, TrackSource.MICROPHONE);
    assert.match(audio.mimeType.toLowerCase(), /^audio\/(opus|red)$/);
    await bob.sees(alice);
    await bob.hears(alice);
  });
}

async function mute_checks(suite, server, rooms, { name, alice, bob }) {
  await suite.check('MutePublishedTrack mutes at once on both sides [API-06] [SIG-106]', async () => {
    const sid = alice.tone.publication.sid;
    const track = await rooms.mutePublishedTrack(name, 'alice', sid, true);
    assert.equal(track.sid, sid);
    assert.equal(track.muted, true);
    await bob.event(RoomEvent.TrackMuted, (publication) => publication.sid === sid);
    const info = await rooms.getParticipant(name, 'alice');
    assert.equal(info.tracks.find((one) => one.sid === sid).muted, true);
    const text = 'remote unmute not enabled';
    await refused(rooms.mutePublishedTrack(name, 'alice', sid, false), 'failed_precondition', 412, text);
  });

  await suite.check('remote unmute works where the server allows it [API-06]', async () => {
    const other = await start_server(suite, { room: { enable_remote_unmute: true } });
    const peer = await Peer.join(suite, other, 'unmute', 'carol', { number: 3 });
    const tone = await peer.publish_tone();
    const client = room_client(other);
    const listener = await Peer.join(suite, other, 'unmute', 'dave', { number: 4 });
    await listener.hears(peer);
    const sid = tone.publication.sid;
    await client.mutePublishedTrack('unmute', 'carol', sid, true);
    await listener.event(RoomEvent.TrackMuted, (publication) => publication.sid === sid);
    const since = Date.now();
    const track = await client.mutePublishedTrack('unmute', 'carol', sid, false);
    assert.equal(track.muted, false);
    await listener.event(RoomEvent.TrackUnmuted, (publication) => publication.sid === sid, { since });
    await listener.hears(peer);
    await listener.leave();
    await peer.leave();
    await other.stop();
    other.forget();
  });
}

async function update_checks(suite, rooms, { name, alice, bob }) {
  await suite.check('UpdateParticipant changes name, metadata and attributes for all [API-07] [SIG-130]', async () => {
    const options = { name: 'Alice B.', metadata: 'new', attributes: { role: '', seat: '7' } };
    const info = await rooms.updateParticipant(name, 'alice', options);
    assert.equal(info.name, 'Alice B.');
    assert.equal(info.metadata, 'new');
    assert.deepEqual({ ...info.attributes }, { seat: '7' });
    const changed = (participant) => participant.identity === 'alice';
    await bob.event(RoomEvent.ParticipantNameChanged, (_, who) => changed(who));
    await bob.event(RoomEvent.ParticipantMetadataChanged, (_, who) => changed(who));
    await bob.event(RoomEvent.ParticipantAttributesChanged, (_, who) => changed(who));
    await until(() => bob.remote('alice').attributes.seat === '7' && !bob.remote('alice').attributes.role);
    assert.equal(bob.remote('alice').metadata, 'new');
  });

  await suite.check('UpdateRoomMetadata reaches everybody [API-10]', async () => {
    await rooms.updateRoomMetadata(name, 'room news');
    const match = (metadata) => metadata === 'room news';
    for (const peer of [alice, bob]) {
      await peer.event(RoomEvent.RoomMetadataChanged, match);
    }
  });
}

async function subscription_checks(suite, rooms, { name, alice, bob }) {
  await suite.check('UpdateSubscriptions drops and renews a subscription [API-08]', async () => {
    const sid = alice.picture.publication.sid;
    await rooms.updateSubscriptions(name, 'bob', [sid], false);
    await bob.sees_no_more(alice);
    await rooms.updateSubscriptions(name, 'bob', [sid], true);
    await bob.sees(alice);
  });

  await suite.check('UpdateParticipant takes the right to publish away [API-07] [TOK-13]', async () => {
    const sid = alice.picture.publication.sid;
    const permission = { canPublish: false, canSubscribe: true, canPublishData: true };
    const info = await rooms.updateParticipant(name, 'alice', { permission });
    assert.equal(info.permission.canPublish, false);
    await bob.event(RoomEvent.TrackUnpublished, (publication) => publication.sid === sid);
    await until(async () => (await rooms.getParticipant(name, 'alice')).tracks.length === 0);
  });
}

async function data_checks(suite, rooms, { name, alice, bob }) {
  const bytes = (text) => new TextEncoder().encode(text);
  const got = (peer, text) => peer.data.filter((one) => one.text === text);

  await suite.check('SendData reaches all or the named ones, reliable and lossy, without a sender [API-09] [SIG-120]', async () => {
    await rooms.sendData(name, bytes('to all'), DataPacket_Kind.RELIABLE, { topic: 'news' });
    await rooms.sendData(name, bytes('lossy'), DataPacket_Kind.LOSSY, {});
    for (const peer of [alice, bob]) {
      await until(() => got(peer, 'to all').length && got(peer, 'lossy').length, { what: peer.identity });
    }
    const [first] = got(bob, 'to all');
    assert.equal(first.topic, 'news');
    assert.equal(first.from, undefined);
    await rooms.sendData(name, bytes('by name'), DataPacket_Kind.RELIABLE, { destinationIdentities: ['bob'] });
    await rooms.sendData(name, bytes('by sid'), DataPacket_Kind.RELIABLE, { destinationSids: [bob.local.sid] });
    await rooms.sendData(name, bytes('last'), DataPacket_Kind.RELIABLE, {});
    for (const peer of [alice, bob]) await until(() => got(peer, 'last').length);
    assert.equal(got(bob, 'by name').length, 1);
    assert.equal(got(bob, 'by sid').length, 1);
    assert.equal(got(alice, 'by name').length + got(alice, 'by sid').length, 0);
  });

  await suite.check('SendData takes a nonce of 16 bytes once [API-09] [SIG-123]', async () => {
    const send = async (nonce, text) => {
      const headers = await rooms.authHeader({ roomAdmin: true, room: name });
      const encoded = Buffer.from(text).toString('base64');
      return fetch(`${server_of(rooms)}/twirp/livekit.RoomService/SendData`, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json' },
        body: JSON.stringify({ room: name, data: encoded, kind: 'RELIABLE', nonce: nonce.toString('base64') }),
      });
    };
    const nonce = Buffer.alloc(16, 7);
    assert.equal((await send(nonce, 'once')).status, 200);
    assert.equal((await send(nonce, 'once')).status, 200);
    assert.equal((await send(Buffer.alloc(16, 8), 'after')).status, 200);
    const short = await send(Buffer.alloc(5, 1), 'short');
    assert.equal(`${short.status} ${(await short.json()).code}`, '400 invalid_argument');
    await until(() => got(bob, 'after').length);
    assert.equal(got(bob, 'once').length, 1);
  });
}

const server_of = (rooms) => rooms.rpc.host;

async function end_checks(suite, server, rooms, { name, alice, bob }) {
  const ended = (peer, reason) =>
    peer.event(RoomEvent.Disconnected, (why) => why === reason);

  await suite.check('RemoveParticipant ends the session with its reason [API-05] [SIG-140]', async () => {
    const since = Date.now();
    await rooms.removeParticipant(name, 'alice');
    await ended(alice, DisconnectReason.PARTICIPANT_REMOVED);
    await bob.event(RoomEvent.ParticipantDisconnected, (who) => who.identity === 'alice', { since });
    await refused(rooms.getParticipant(name, 'alice'), 'not_found', 404);
    await refused(rooms.removeParticipant(name, 'alice'), 'not_found', 404);
  });

  await suite.check('a removed participant may join again with its token [API-05]', async () => {
    const again = await Peer.join(suite, server, name, 'alice', { number: 1 });
    await bob.event(RoomEvent.ParticipantConnected, (who) => who.identity === 'alice');
    await again.leave();
  });

  await suite.check('DeleteRoom ends every session with its reason [API-03] [SIG-141]', async () => {
    await rooms.deleteRoom(name);
    await ended(bob, DisconnectReason.ROOM_DELETED);
    assert.deepEqual(await rooms.listRooms([name]), []);
  });

  await suite.check('the room ends after the departure timeout [ROOM-05] [ROOM-01]', async () => {
    const short = fresh_name('departure');
    await rooms.createRoom({ name: short, departureTimeout: 1 });
    const peer = await Peer.join(suite, server, short, 'carol', { number: 3 });
    await peer.leave();
    const gone = async () => (await rooms.listRooms([short])).length === 0;
    await until(gone, { timeout: 5000, what: 'the end of the room' });
  });
}
