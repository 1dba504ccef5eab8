// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Published tracks: how others learn of them, what changes them, who takes them away.

import { AudioTrackFeature, Encryption_Type, RequestResponse_Reason, TrackType } from '@livekit/protocol';

import { room_client } from '../api/clients.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client, fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';

const { TF_PRECONNECT_BUFFER, TF_STEREO, TF_NOISE_SUPPRESSION } = AudioTrackFeature;
const kModes = [['v0', false], ['v1', true]];

const track_of = (info, sid) => info.tracks.find((one) => one.sid === sid);

// A publisher with media and somebody who only hears the socket.
async function pair(suite, server, v1 = false) {
  const room = fresh_room('publish');
  const bob = await Client.join(suite, server, room, 'bob', { v1 });
  const alice = await MediaClient.join(suite, server, room, 'alice', { v1 });
  return { room, alice, bob };
}
const told_of_track = async (bob, sid, match = () => true, options) =>
  track_of(await bob.told_of('alice', (info) => track_of(info, sid) && match(track_of(info, sid)), options), sid);

async function sid_checks(suite, server) {
  await suite.check('add_track and offer back to back: each section finds its track, which keeps its sid over a resume [SIG-04] [SIG-76] [SIG-77]', async () => {
    for (const [mode, v1] of kModes) {
      const { room, alice, bob } = await pair(suite, server, v1);
      const audio = await alice.publish('audio', { at_once: true });
      const video = await alice.publish('video', { at_once: true });
      const seen = await told_of_track(bob, video.sid);
      assert.deepEqual([seen.type, seen.name, seen.mimeType.toLowerCase()], [TrackType.VIDEO, 'video', 'video/vp8'], mode);
      assert.ok(seen.mid, 'no mid');
      const waiting = { cid: 'later', type: TrackType.AUDIO, source: 4 };
      alice.client.send('addTrack', waiting);
      const { track } = await alice.client.told('trackPublished', (one) => one.cid === 'later');
      const again = await alice.client.resume(server, room, { v1 });
      suite.cleanup(() => again.destroy());
      const me = await again.told_of('alice');
      assert.deepEqual(me.tracks.map((one) => one.sid).sort(), [audio.sid, video.sid].sort(), mode);
      const reply = await again.answer_to('addTrack', waiting);
      assert.equal(reply.reason, RequestResponse_Reason.QUEUED);
      assert.equal(again.all('trackPublished', (one) => one.track.sid !== track.sid).length, 0);
    }
  });
}

async function change_checks(suite, server) {
  await suite.check('audio features and the size of video are replaced and told to all [SIG-15] [SIG-16]', async () => {
    const { alice, bob } = await pair(suite, server);
    const audio = await alice.publish('audio', { audioFeatures: [TF_STEREO] });
    const video = await alice.publish('video');
    alice.client.send('updateAudioTrack', { trackSid: audio.sid, features: [TF_NOISE_SUPPRESSION] });
    const heard = await told_of_track(bob, audio.sid, (one) => one.audioFeatures.includes(TF_NOISE_SUPPRESSION));
    assert.deepEqual([...heard.audioFeatures], [TF_NOISE_SUPPRESSION]);
    alice.client.send('updateVideoTrack', { trackSid: video.sid, width: 99, height: 55 });
    await told_of_track(bob, video.sid, (one) => one.width === 99 && one.height === 55);
    const unknown = { trackSid: 'TR_nonesuch' };
    for (const [kind, value] of [['updateAudioTrack', { ...unknown, features: [] }], ['updateVideoTrack', { ...unknown, width: 1 }]]) {
      const { reason, request } = await alice.client.answer_to(kind, value);
      assert.deepEqual([reason, request.case], [RequestResponse_Reason.NOT_FOUND, kind]);
    }
  });

  await suite.check('update_layers changes nothing and gets no reply [SIG-09]', async () => {
    const { alice, bob } = await pair(suite, server);
    const video = await alice.publish('video');
    const before = await told_of_track(bob, video.sid);
    const from = [alice.client.log.length, bob.log.length];
    alice.client.send('updateLayers', { trackSid: video.sid, layers: [{ quality: 2, width: 1, height: 1, bitrate: 7 }] });
    alice.client.send('updateLayers', { trackSid: 'TR_nonesuch', layers: [] });
    await alice.client.fence(bob);
    assert.equal(alice.client.all('requestResponse', () => true, from[0]).length, 1, 'more than that of the fence');
    const after = await told_of_track(bob, video.sid, () => true, { from: from[1] });
    assert.deepEqual(after.layers.map((one) => one.width), before.layers.map((one) => one.width));
    assert.deepEqual([after.width, after.height], [before.width, before.height]);
  });

  await suite.check('a backup codec for a published track: its codecs, track_published again [SIG-102]', async () => {
    const { alice, bob } = await pair(suite, server);
    const codecs = [{ codec: 'vp9', cid: 'x' }, { codec: 'vp8', cid: '' }];
    const { sid } = await alice.publish('video', { simulcastCodecs: codecs });
    await told_of_track(bob, sid);
    const from = alice.client.log.length;
    alice.client.send('addTrack', { cid: 'backup', sid, type: TrackType.VIDEO, simulcastCodecs: [{ codec: 'vp8', cid: 'backup' }] });
    const { cid, track } = await alice.client.told('trackPublished', () => true, { from });
    assert.deepEqual([cid, track.sid], ['backup', sid]);
    assert.ok(track.codecs.some((one) => one.mimeType.toLowerCase() === 'video/vp8' && one.cid === 'backup'), JSON.stringify(track.codecs));
    const refused = await alice.client.answer_to('addTrack', { cid: 'x2', sid: 'TR_VCnonesuch123', type: TrackType.VIDEO });
    assert.equal(refused.reason, RequestResponse_Reason.NOT_FOUND);
  });
}

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
    }
  });
}

export async function publishing_checks(suite, server) {
  const groups = [sid_checks, change_checks, relay_checks, server_side_checks];
  await Promise.all(groups.map((group) => group(suite, server)));
}
