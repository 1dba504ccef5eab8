// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// add_track and what it becomes, before there is any media.

import {
  AudioTrackFeature,
  BackupCodecPolicy,
  RequestResponse_Reason,
  TrackSource,
  TrackType,
  VideoLayer_Mode,
  VideoQuality,
} from '@livekit/protocol';

import { make_offer } from '../lib/sdp.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { Client, fresh_room } from './client.mjs';

const { LOW, MEDIUM, HIGH } = VideoQuality;
const { TF_STEREO, TF_NO_DTX, TF_ECHO_CANCELLATION } = AudioTrackFeature;
const kLayers = [[HIGH, 1280, 720], [LOW, 320, 180], [MEDIUM, 640, 360]].map(([quality, width, height]) => ({ quality, width, height }));
const kCamera = { type: TrackType.VIDEO, source: TrackSource.CAMERA, width: 1280, height: 720 };
const kMicrophone = { type: TrackType.AUDIO, source: TrackSource.MICROPHONE };

// The TrackInfo that track_published carries.
async function announced(client, request) {
  client.send('addTrack', request);
  const { track } = await client.told('trackPublished', (one) => one.cid === request.cid);
  return track;
}

const qualities = (layers) => layers.map((one) => one.quality);
const mimes = (track) => track.codecs.map((one) => one.mimeType);

async function reply_checks(suite, server) {
  await suite.check('add_track is answered with a sid and the TrackInfo, once [SIG-04] [SIG-34]', async () => {
    for (const v1 of [false, true]) {
      const alice = await Client.join(suite, server, fresh_room('announce'), 'alice', { v1 });
      const video = await announced(alice, { ...kCamera, cid: 'cam', name: 'me', layers: kLayers, simulcastCodecs: [{ codec: 'vp8', cid: 'cam' }] });
      assert.match(video.sid, /^TR_VC\w{12}$/);
      const said = [video.type, video.name, video.width, video.height, video.source, video.stream, video.simulcast, video.muted];
      assert.deepEqual(said, [TrackType.VIDEO, 'me', 1280, 720, TrackSource.CAMERA, 'camera', true, false]);
      assert.deepEqual(video.codecs.map((one) => one.cid), ['cam']);
      const audio = await announced(alice, { ...kMicrophone, cid: 'mic', muted: true });
      assert.match(audio.sid, /^TR_AM\w{12}$/);
      assert.deepEqual([audio.type, audio.source, audio.stream, audio.muted], [TrackType.AUDIO, TrackSource.MICROPHONE, 'camera', true]);
      const screen = await announced(alice, { ...kCamera, cid: 'screen', source: TrackSource.SCREEN_SHARE });
      assert.deepEqual([screen.sid.slice(0, 5), screen.stream], ['TR_VS', 'screen']);
      await alice.fence();
      assert.equal(alice.all('trackPublished').length, 3);
      alice.destroy();
    }
  });

  await suite.check('add_track that may not be gets a request_response and no sid [SIG-04] [SIG-101]', async () => {
    const { NOT_ALLOWED, UNSUPPORTED_TYPE, NOT_FOUND } = RequestResponse_Reason;
    const grant = { canPublishSources: [TrackSource.MICROPHONE] };
    const alice = await Client.join(suite, server, fresh_room('announce'), 'alice', { grant });
    const refused = [
      [{ ...kCamera, cid: 'cam' }, NOT_ALLOWED],
      [{ ...kMicrophone, cid: 'data', type: TrackType.DATA }, UNSUPPORTED_TYPE],
      [{ ...kMicrophone, cid: 'old', sid: 'TR_AMnonesuch123' }, NOT_FOUND],
    ];
    for (const [request, reason] of refused) {
      const reply = await alice.answer_to('addTrack', request);
      assert.equal(reply.reason, reason);
      assert.deepEqual([reply.request.case, reply.request.value.cid], ['addTrack', request.cid]);
    }
    assert.equal(alice.all('trackPublished').length, 0);
    await announced(alice, { ...kMicrophone, cid: 'mic' });
  });

  await suite.check('a cid that is waiting already is queued and gets no second sid [SIG-76]', async () => {
    const alice = await Client.join(suite, server, fresh_room('announce'), 'alice');
    const { sid } = await announced(alice, { ...kMicrophone, cid: 'mic' });
    const reply = await alice.answer_to('addTrack', { ...kMicrophone, cid: 'mic' });
    assert.equal(reply.reason, RequestResponse_Reason.QUEUED);
    await alice.fence();
    assert.deepEqual(alice.all('trackPublished').map((one) => one.track.sid), [sid]);
    const pending = await alice.answer_to('addTrack', { ...kMicrophone, cid: 'backup', sid });
    assert.equal(pending.reason, RequestResponse_Reason.NOT_FOUND);
  });

  await suite.check('three wait behind one cid and twenty in all; more are refused, until one is published [SDP-31]', async () => {
    const { QUEUED, LIMIT_EXCEEDED } = RequestResponse_Reason;
    const alice = await Client.join(suite, server, fresh_room('announce'), 'alice');
    await announced(alice, { ...kMicrophone, cid: 'mic' });
    const reasons = [];
    for (let round = 0; round < 4; ++round) reasons.push((await alice.answer_to('addTrack', { ...kMicrophone, cid: 'mic' })).reason);
    assert.deepEqual(reasons, [QUEUED, QUEUED, QUEUED, LIMIT_EXCEEDED]);
    const bob = await Client.join(suite, server, fresh_room('announce'), 'bob');
    for (let index = 0; index < 20; ++index) await announced(bob, { ...kMicrophone, cid: `c${index}` });
    const refused = await bob.answer_to('addTrack', { ...kMicrophone, cid: 'c20' });
    assert.deepEqual([refused.reason, refused.request.value.cid], [LIMIT_EXCEEDED, 'c20']);
    bob.send('offer', { type: 'offer', sdp: make_offer([{ kind: 'audio', direction: 'sendonly', cid: 'c0', ssrc: 5 }]), id: 1 });
    await bob.told('answer');
    await announced(bob, { ...kMicrophone, cid: 'c20' });
    assert.equal(bob.all('trackPublished').length, 21);
  });
}

async function info_checks(suite, server) {
  await suite.check('TrackInfo: codecs as named, layers sorted, simulcast and SVC, audio features [SIG-103] [SDP-29]', async () => {
    const alice = await Client.join(suite, server, fresh_room('announce'), 'alice');
    const vp8 = await announced(alice, { ...kCamera, cid: 'vp8', layers: kLayers, simulcastCodecs: [{ codec: 'vp8', cid: 'vp8' }] });
    assert.deepEqual([mimes(vp8), vp8.simulcast], [['video/vp8'], true]);
    assert.deepEqual(qualities(vp8.layers), [LOW, MEDIUM, HIGH]);
    assert.deepEqual(qualities(vp8.codecs[0].layers), [LOW, MEDIUM, HIGH]);
    assert.equal(vp8.codecs[0].videoLayerMode, VideoLayer_Mode.ONE_SPATIAL_LAYER_PER_STREAM);
    const svc = [{ codec: 'vp9', cid: 'vp9' }, { codec: 'vp8', cid: '' }];
    const vp9 = await announced(alice, { ...kCamera, cid: 'vp9', layers: kLayers, simulcastCodecs: svc });
    assert.deepEqual([mimes(vp9), vp9.simulcast], [['video/vp9', 'video/vp8'], false]);
    assert.equal(vp9.codecs[0].videoLayerMode, VideoLayer_Mode.MULTIPLE_SPATIAL_LAYERS_PER_STREAM);
    // Without a list of codecs, as the client says, and as OBS sends it.
    const kMode = VideoLayer_Mode;
    const kVp9 = { ...kCamera, layers: kLayers, simulcastCodecs: [{ codec: 'vp9', cid: '' }] };
    const mode = async (client, request) => (await announced(client, request)).codecs[0].videoLayerMode;
    assert.equal(await mode(alice, { ...kCamera, cid: 'no-list', layers: kLayers }), kMode.ONE_SPATIAL_LAYER_PER_STREAM);
    const streams = { ...kVp9.simulcastCodecs[0], videoLayerMode: kMode.ONE_SPATIAL_LAYER_PER_STREAM };
    assert.equal(await mode(alice, { ...kVp9, cid: 'streams', simulcastCodecs: [streams] }), kMode.ONE_SPATIAL_LAYER_PER_STREAM);
    const obs = await Client.join(suite, server, fresh_room('announce'), 'obs', { query: { browser: 'OBS Studio' } });
    const kIncomplete = kMode.ONE_SPATIAL_LAYER_PER_STREAM_INCOMPLETE_RTCP_SR;
    assert.equal(await mode(obs, { ...kCamera, cid: 'obs', layers: kLayers, simulcastCodecs: [{ codec: 'vp8', cid: 'obs' }] }), kIncomplete);
    const single = await announced(alice, { ...kCamera, cid: 'one', layers: [kLayers[0]], simulcastCodecs: [{ codec: 'vp8', cid: 'one' }] });
    assert.equal(single.simulcast, false);
    const unnamed = await announced(alice, { ...kMicrophone, cid: 'mic' });
    assert.deepEqual([mimes(unnamed), unnamed.backupCodecPolicy], [[''], BackupCodecPolicy.SIMULCAST]);
    const fields = await announced(alice, { ...kMicrophone, cid: 'fields', stereo: true, disableDtx: true });
    assert.deepEqual([...fields.audioFeatures].sort(), [TF_STEREO, TF_NO_DTX]);
    const features = await announced(alice, { ...kMicrophone, cid: 'features', audioFeatures: [TF_STEREO, TF_NO_DTX, TF_ECHO_CANCELLATION] });
    assert.deepEqual([features.stereo, features.disableDtx], [true, true]);
    const neither = await announced(alice, { ...kMicrophone, cid: 'neither', audioFeatures: [TF_ECHO_CANCELLATION] });
    assert.deepEqual([neither.stereo, neither.disableDtx, [...neither.audioFeatures]], [false, false, [TF_ECHO_CANCELLATION]]);
  });

  await suite.check('codecs that the room does not have become the first of their kind that a client publishes [SIG-103] [SDP-20]', async () => {
    const few = await start_server(suite, { room: { enabled_codecs: [{ mime: 'audio/opus' }, { mime: 'video/H264' }, { mime: 'video/VP8' }] } });
    const alice = await Client.join(suite, few, fresh_room('announce'), 'alice');
    const video = await announced(alice, { ...kCamera, cid: 'cam', simulcastCodecs: [{ codec: 'av1', cid: 'cam' }] });
    assert.deepEqual(mimes(video).map((one) => one.toLowerCase()), ['video/vp8']);
    const h264 = await announced(alice, { ...kCamera, cid: 'h264', simulcastCodecs: [{ codec: 'h264', cid: 'h264' }] });
    assert.deepEqual(mimes(h264).map((one) => one.toLowerCase()), ['video/h264']);
    const audio = await announced(alice, { ...kMicrophone, cid: 'mic', simulcastCodecs: [{ codec: 'red', cid: 'mic' }] });
    assert.deepEqual(mimes(audio).map((one) => one.toLowerCase()), ['audio/opus']);
    await few.stop();
    few.forget();
  });
}

export async function announcing_checks(suite, server) {
  await Promise.all([reply_checks(suite, server), info_checks(suite, server)]);
}
