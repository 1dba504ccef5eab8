// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What of a track is relayed as it is, and what the server does to tracks by itself.

import { AudioTrackFeature, Encryption_Type } from '@livekit/protocol';

import { room_client } from '../api/clients.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client, fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';
import { pair, told_of_track, track_of } from './pair.mjs';

const { TF_PRECONNECT_BUFFER } = AudioTrackFeature;
const kModes = [['v0', false], ['v1', true]];

async function relay_checks(suite, server) {
  await suite.check('PRECONNECT_BUFFER and packet trailer features are relayed [SIG-108]', async () => {
    const { alice, bob } = await pair(suite, server);
    const audio = await alice.publish('audio', { audioFeatures: [TF_PRECONNECT_BUFFER] });
    const heard = await told_of_track(bob, audio.sid);
    assert.deepEqual([...heard.audioFeatures], [TF_PRECONNECT_BUFFER]);
    assert.deepEqual([...heard.packetTrailerFeatures], []);
    const video = await alice.publish('video', { packetTrailerFeatures: [0, 1] });
    assert.deepEqual([...(await told_of_track(bob, video.sid)).packetTrailerFeatures], [0, 1]);
  });

  await suite.check('encryption is relayed, and what the server adds to it ends with the trailer of the room [SIG-95]', async () => {
    const { alice, room } = await pair(suite, server);
    const bob = await MediaClient.join(suite, server, room, 'listener');
    const { sid } = await alice.publish('audio', { encryption: Encryption_Type.GCM });
    assert.equal((await told_of_track(bob.client, sid)).encryption, Encryption_Type.GCM);
    const trailer = Buffer.from(alice.client.joined.sifTrailer);
    assert.ok(trailer.length >= 4);
    assert.deepEqual(Buffer.from(bob.client.joined.sifTrailer), trailer);
    const other = await Client.join(suite, server, fresh_room('publish'), 'other');
    assert.notDeepEqual(Buffer.from(other.joined.sifTrailer), trailer);
    await until(() => bob.packets.get('audio')?.count > 5);
    assert.ok(!bob.packets.get('audio').last.includes(trailer), 'a packet of the publisher has it');
    alice.stop_sending();
    alice.client.send('mute', { sid, muted: true });
    await until(() => bob.packets.get('audio').last.subarray(-trailer.length).equals(trailer));
  });
}

async function server_side_checks(suite, server) {
  await suite.check('a mute by the API is told to the publisher alone [SIG-36] [SIG-106]', async () => {
    for (const [mode, v1] of kModes) {
      const { room, alice, bob } = await pair(suite, server, v1);
      const { sid } = await alice.publish('audio');
      await told_of_track(bob, sid);
      await room_client(server).mutePublishedTrack(room, 'alice', sid, true);
      const mute = await alice.client.told('mute');
      assert.deepEqual([mute.sid, mute.muted], [sid, true], mode);
      await told_of_track(bob, sid, (one) => one.muted);
      alice.client.send('mute', { sid, muted: true });
      await alice.client.fence(bob);
      assert.equal(alice.client.all('mute').length, 1, 'the confirmation is answered');
      assert.equal(bob.all('mute').length, 0);
    }
  });

  await suite.check('a track that the server takes away is told to its publisher, by a mute up to protocol 6 [SIG-44] [SIG-61]', async () => {
    const permission = { canPublish: false, canSubscribe: true, canPublishData: true };
    const revoked = (one) => one.identity === 'alice' && !one.permission.canPublish;
    for (const protocol of ['16', '6']) {
      const room = fresh_room('publish');
      const alice = await MediaClient.join(suite, server, room, 'alice', { query: { protocol } });
      const { sid } = await alice.publish('audio');
      await alice.client.told_of('alice', (one) => track_of(one, sid));
      await room_client(server).updateParticipant(room, 'alice', { permission });
      const told = await (protocol === '16' ? alice.client.told('trackUnpublished') : alice.client.told('mute'));
      assert.equal(told.trackSid ?? told.sid, sid);
      await alice.client.told_of('alice', (one) => one.tracks.length === 0 && !one.permission.canPublish);
      assert.equal(alice.client.all(protocol === '16' ? 'mute' : 'trackUnpublished').length, 0);
      // It knows its new rights by then.
      const [rights, gone] = [(one) => one.kind === 'update' && one.value.participants.some(revoked), (one) => one.value === told];
      assert.ok(alice.client.log.findIndex(rights) < alice.client.log.findIndex(gone));
    }
  });
}

async function unchanged_checks(suite, server) {
  await suite.check('a permission as it was is told to nobody and makes no token [TOK-12] [TOK-13]', async () => {
    const room = fresh_room('publish');
    const bob = await Client.join(suite, server, room, 'bob');
    const alice = await Client.join(suite, server, room, 'alice');
    const set = (canPublish) => room_client(server).updateParticipant(room, 'alice', { permission: { canSubscribe: true, canPublish } });
    const of_alice = (one) => one.updates_of('alice').map((info) => info.permission.canPublish);
    await set(false);
    await bob.told_of('alice', (info) => !info.permission.canPublish);
    await bob.told_of('alice', (info) => info.state === 1);
    const [before, tokens] = [of_alice(bob).length, alice.all('refreshToken').length];
    for (let again = 0; again < 3; again += 1) await set(false);
    await set(true);
    await bob.told_of('alice', (info) => info.permission.canPublish, { from: bob.log.length - 1 });
    await alice.told('refreshToken', () => alice.all('refreshToken').length > tokens);
    assert.equal(of_alice(bob).slice(before).filter((may) => !may).length, 0);
    assert.equal(alice.all('refreshToken').length, tokens + 1);
  });

  await suite.check('of two entries for one identity in a list of who may subscribe the last one counts; the same list again changes nothing [SIG-10] [SIG-112]', async () => {
    const room = fresh_room('publish');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const [audio, video] = [await alice.publish('audio'), await alice.publish('video')];
    const entry = ({ sid }) => ({ participantIdentity: 'bob', trackSids: [sid] });
    const list = { allParticipants: false, trackPermissions: [entry(audio), entry(video)] };
    alice.client.send('subscriptionPermission', list);
    await alice.client.fence();
    const bob = await MediaClient.join(suite, server, room, 'bob');
    const may = async (track) => (await bob.client.told('subscriptionPermissionUpdate', (one) => one.trackSid === track.sid)).allowed;
    assert.deepEqual([await may(audio), await may(video)], [false, true]);
    await until(() => bob.packets.get('video')?.count > 5);
    const from = bob.client.log.length;
    alice.client.send('subscriptionPermission', list);
    await alice.client.fence(bob.client);
    const again = bob.client.log.slice(from).filter(({ kind }) => ['offer', 'subscriptionPermissionUpdate'].includes(kind));
    assert.deepEqual(again, []);
  });
}

export async function relaying_checks(suite, server) {
  const groups = [relay_checks, server_side_checks, unchanged_checks];
  await Promise.all(groups.map((group) => group(suite, server)));
}
