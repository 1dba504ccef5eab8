// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What stands in the server's descriptions: payload types, extensions, feedback, audio parameters.

import { AudioTrackFeature, TrackSource, TrackType } from '@livekit/protocol';

import { assert } from '../lib/suite.mjs';
import { Client, fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';
import { kUris, rich_offer, sections_of } from './rich_offer.mjs';

const sorted = (list) => [...list].sort();
const uris = (...names) => sorted(names.map((name) => kUris[name]));
const extension_uris = (section) => sorted(Object.keys(section.extensions));

const kH264 = (mode, level) => `level-asymmetry-allowed=1;packetization-mode=${mode};profile-level-id=${level}`;
const kVideoOffer = [
  [96, 'VP8/90000', undefined], [98, 'VP9/90000', 'profile-id=0'], [100, 'VP9/90000', 'profile-id=1'],
  [125, 'H264/90000', kH264(0, '42e01f')], [108, 'H264/90000', kH264(1, '42e01f')],
  [104, 'H264/90000', kH264(0, '42001f')], [102, 'H264/90000', kH264(1, '42001f')],
  [35, 'AV1/90000', undefined], [116, 'H265/90000', undefined],
];

async function offer_checks(suite, server) {
  await suite.check('offers of the server: payload types, header extensions, feedback, stereo [SIG-90] [SIG-92] [SIG-93]', async () => {
    const room = fresh_room('sections');
    const sender = await MediaClient.join(suite, server, room, 'sender');
    const audio = await sender.publish('audio');
    const bob = await MediaClient.join(suite, server, room, 'bob');
    const section = async (kind) => {
      const { sdp } = await bob.client.told('offer', (one) => one.sdp.includes(`m=${kind}`));
      return sections_of(sdp).find((one) => one.kind === kind);
    };
    const sound = await section('audio');
    assert.deepEqual(sound.types, [111, 63, 0, 8]);
    assert.deepEqual(sound.codecs, { 0: 'PCMU/8000', 8: 'PCMA/8000', 63: 'red/48000/2', 111: 'opus/48000/2' });
    assert.deepEqual(sound.fmtp, { 63: '111/111', 111: 'minptime=10;useinbandfec=1' });
    assert.deepEqual(sound.extensions, { [kUris.abs_capture_time]: 2 });
    assert.equal(sound.direction, 'sendrecv');
    assert.ok(sound.text.includes(audio.sid));
    assert.equal(sound.feedback[111], undefined);

    const { sid } = await sender.publish('audio', { source: TrackSource.SCREEN_SHARE_AUDIO, stereo: true });
    const { sdp } = await bob.client.told('offer', (one) => one.sdp.includes(sid));
    const stereo = sections_of(sdp).find((one) => one.text.includes(sid));
    assert.ok(stereo.fmtp[111].split(';').includes('sprop-stereo=1'), stereo.fmtp[111]);
    assert.ok(!sections_of(sdp).find((one) => one.text.includes(audio.sid)).fmtp[111].includes('stereo'));

    await sender.publish('video');
    const picture = await section('video');
    assert.deepEqual(picture.types, kVideoOffer.flatMap(([type]) => [type, type + 1]));
    for (const [type, codec, format] of kVideoOffer) {
      assert.equal(picture.codecs[type], codec);
      assert.equal(picture.fmtp[type], format, `${type}`);
      assert.equal(picture.codecs[type + 1], 'rtx/90000');
      assert.equal(picture.fmtp[type + 1], `apt=${type}`);
      assert.deepEqual(sorted(picture.feedback[type]), ['ccm fir', 'goog-remb', 'nack', 'nack pli'], `${type}`);
    }
    assert.deepEqual(picture.extensions, { [kUris.dependency]: 1, [kUris.abs_capture_time]: 2, [kUris.abs_send_time]: 3 });
    assert.equal(picture.direction, 'sendrecv');
    assert.ok(!picture.text.includes('640032'), 'High profile is offered');
  });
}

// The sections of the answer to tracks with these requests, published by somebody who never connects.
async function answered(suite, server, v1, requests) {
  const client = await Client.join(suite, server, fresh_room('sections'), 'alice', { v1 });
  const tracks = requests.map(({ kind, ...request }, index) => ({ kind, cid: `track-${index}`, request }));
  for (const { kind, cid, request } of tracks) {
    const video = kind === 'video';
    const type = video ? TrackType.VIDEO : TrackType.AUDIO;
    const source = video ? TrackSource.CAMERA : TrackSource.MICROPHONE;
    client.send('addTrack', { cid, type, source, ...request });
  }
  client.send('offer', { type: 'offer', sdp: rich_offer(tracks), id: 1 });
  const { sdp } = await client.told('answer');
  client.destroy();
  return sections_of(sdp);
}

async function answer_checks(suite, server) {
  await suite.check('answers to publishers: header extensions and feedback, those alone [SIG-91]', async () => {
    for (const [mode, v1] of [['v0', false], ['v1', true]]) {
      const [audio, video] = await answered(suite, server, v1, [{ kind: 'audio', disableRed: true }, { kind: 'video' }]);
      assert.deepEqual(extension_uris(audio), uris('mid', 'rid', 'audio_level', 'abs_capture_time'), mode);
      const known = ['mid', 'rid', 'transport_cc', 'frame_marking', 'dependency', 'repaired_rid', 'abs_capture_time'];
      assert.deepEqual(extension_uris(video), uris(...known, ...(v1 ? ['abs_send_time'] : [])), mode);
      assert.deepEqual(audio.feedback[111], ['nack'], mode);
      const expected = sorted(['transport-cc', 'ccm fir', 'nack', 'nack pli', ...(v1 ? ['goog-remb'] : [])]);
      for (const type of [96, 98, 108, 45]) assert.deepEqual(sorted(video.feedback[type]), expected, `${mode} ${type}`);
      assert.deepEqual([audio.direction, video.direction], ['recvonly', 'recvonly']);
      // The numbers of who offered.
      assert.equal(audio.codecs[111], 'opus/48000/2');
      assert.equal(video.codecs[45], 'AV1/90000');
      assert.equal(video.extensions[kUris.mid], 4);
    }
  });

  await suite.check('answers to publishers: DTX, stereo and RED as the track wants it, its codec first [SIG-93]', async () => {
    const { TF_NO_DTX, TF_STEREO } = AudioTrackFeature;
    const requests = [
      { kind: 'audio' },
      { kind: 'audio', source: TrackSource.SCREEN_SHARE_AUDIO, audioFeatures: [TF_NO_DTX, TF_STEREO] },
      { kind: 'audio', disableRed: true, stereo: true, disableDtx: true },
      { kind: 'video', simulcastCodecs: [{ codec: 'h264', cid: 'track-3' }] },
      { kind: 'video', source: TrackSource.SCREEN_SHARE },
    ];
    const [plain, music, stereo, h264, vp8] = await answered(suite, server, false, requests);
    const parameters = (section) => sorted(section.fmtp[111].split(';'));
    const kPlain = ['minptime=10', 'useinbandfec=1'];
    assert.deepEqual(parameters(plain), sorted([...kPlain, 'usedtx=1']));
    const kStereo = sorted([...kPlain, 'stereo=1', 'maxaveragebitrate=510000']);
    assert.deepEqual(parameters(music), kStereo);
    assert.deepEqual(parameters(stereo), kStereo);
    assert.deepEqual([plain.types[0], music.types[0], stereo.types[0]], [63, 63, 111]);
    assert.deepEqual(sorted(stereo.types), sorted(plain.types), 'a codec is missing');
    assert.equal(h264.types[0], 108);
    assert.equal(vp8.types[0], 96);
    assert.deepEqual(sorted(h264.types), sorted(vp8.types), 'a codec is missing');
  });
}

export async function section_checks(suite, server) {
  await Promise.all([offer_checks(suite, server), answer_checks(suite, server)]);
}
