// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Published tracks: how others learn of them, and what changes them.

import { AudioTrackFeature, RequestResponse_Reason, TrackType } from '@livekit/protocol';

import { assert } from '../lib/suite.mjs';
import { pair, told_of_track } from './pair.mjs';

const { TF_STEREO, TF_NOISE_SUPPRESSION } = AudioTrackFeature;
const kModes = [['v0', false], ['v1', true]];

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

export async function publishing_checks(suite, server) {
  const groups = [sid_checks, change_checks];
  await Promise.all(groups.map((group) => group(suite, server)));
}
