// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What stands in the server's descriptions: payload types, extensions, feedback, audio parameters.

import { AudioTrackFeature, TrackSource, TrackType } from '@livekit/protocol';

import { start_server } from '../lib/server.mjs';
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
  await suite.check('offers of the server: payload types, header extensions, feedback, stereo [SIG-90] [SIG-92] [SIG-93] [SDP-10] [SDP-25]', async () => {
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
    assert.deepEqual(sound.feedback[111], ['nack']); // it is published without RED

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
      assert.deepEqual(sorted(picture.feedback[type]), ['ccm fir', 'nack', 'nack pli', 'transport-cc'], `${type}`);
    }
    assert.deepEqual(picture.extensions, { [kUris.dependency]: 1, [kUris.abs_capture_time]: 2, [kUris.transport_cc]: 3 });
    assert.equal(picture.direction, 'sendrecv');
    assert.ok(!picture.text.includes('640032'), 'High profile is offered');
  });
}

// `estimate`: what a subscriber is asked for, of an extension and a kind of feedback that go together.
function asks_for(section, estimate, others) {
  for (const [extension, feedback] of [['transport_cc', 'transport-cc'], ['abs_send_time', 'goog-remb']]) {
    const wanted = feedback === estimate;
    assert.equal(section.feedback[96].includes(feedback), wanted, `${feedback}, not ${others}`);
    assert.equal(kUris[extension] in section.extensions, wanted, `${extension}, not ${others}`);
  }
}

async function estimate_checks(suite, server) {
  await suite.check('pictures are offered with numbers on all packets; who takes none is asked for REMBs, and so is everybody without use_send_side_bwe [SIG-92] [SDP-21] [TRAP-11]', async () => {
    const by_receivers = await start_server(suite, { rtc: { congestion_control: { use_send_side_bwe: false } } });
    const without_numbers = (sdp) => sdp.replace(/^a=extmap:\d+ \S*transport-wide-cc\S*\r\n/gm, '');
    for (const [on, answered_as, estimates] of [
      [server, (sdp) => sdp, ['transport-cc']],
      [server, without_numbers, ['transport-cc', 'goog-remb']],
      [by_receivers, (sdp) => sdp, ['goog-remb']],
    ]) {
      const room = fresh_room('sections');
      const alice = await MediaClient.join(suite, on, room, 'alice');
      const bob = await MediaClient.join(suite, on, room, 'bob', { rewrite: answered_as });
      await alice.publish('video');
      for (const [index, estimate] of estimates.entries()) {
        await bob.client.told('offer', () => bob.client.all('offer').filter((one) => one.sdp.includes('m=video')).length > index);
        const { sdp } = bob.client.all('offer').filter((one) => one.sdp.includes('m=video'))[index];
        asks_for(sections_of(sdp).find((one) => one.kind === 'video'), estimate, `the others of offer ${index + 1}`);
      }
      await Promise.all([alice.close(), bob.close()]);
    }
    await by_receivers.stop();
    by_receivers.forget();
  });
}

// The sections of the answer to tracks with these requests, published by somebody who never connects.
// Sections of the answer to an offer of these tracks, changed by `rewrite`, and of `others`.
async function answered(suite, server, v1, requests, rewrite = (sdp) => sdp, others = []) {
  const client = await Client.join(suite, server, fresh_room('sections'), 'alice', { v1 });
  const tracks = requests.map(({ kind, ...request }, index) => ({ kind, cid: `track-${index}`, request }));
  for (const { kind, cid, request } of tracks) {
    const video = kind === 'video';
    const type = video ? TrackType.VIDEO : TrackType.AUDIO;
    const source = video ? TrackSource.CAMERA : TrackSource.MICROPHONE;
    client.send('addTrack', { cid, type, source, ...request });
  }
  client.send('offer', { type: 'offer', sdp: rewrite(rich_offer([...tracks, ...others])), id: 1 });
  const { sdp } = await client.told('answer');
  client.destroy();
  return sections_of(sdp);
}

async function answer_checks(suite, server) {
  await suite.check('answers to publishers: header extensions and feedback, those alone, under the numbers of who offers [SIG-91] [SDP-10]', async () => {
    for (const [mode, v1] of [['v0', false], ['v1', true]]) {
      const [audio, video] = await answered(suite, server, v1, [{ kind: 'audio', disableRed: true }, { kind: 'video' }]);
      assert.deepEqual(extension_uris(audio), uris('mid', 'rid', 'audio_level', 'abs_capture_time'), mode);
      const known = ['mid', 'rid', 'transport_cc', 'frame_marking', 'dependency', 'repaired_rid', 'abs_capture_time'];
      assert.deepEqual(extension_uris(video), uris(...known, ...(v1 ? ['abs_send_time'] : [])), mode);
      assert.deepEqual(audio.feedback[111], ['nack'], mode);
      const expected = sorted(['transport-cc', 'ccm fir', 'nack', 'nack pli', ...(v1 ? ['goog-remb'] : [])]);
      for (const type of [96, 98, 108, 45]) assert.deepEqual(sorted(video.feedback[type]), expected, `${mode} ${type}`);
      assert.deepEqual([audio.direction, video.direction], ['recvonly', 'recvonly']);
      for (const { extensions } of [audio, video]) {
        for (const [uri, id] of Object.entries(extensions)) assert.equal(id, Object.values(kUris).indexOf(uri) + 1, uri);
      }
    }
  });

  await suite.check('answers to publishers: DTX, stereo and RED as the track wants it, its codec first, without one in common none [SIG-93] [SDP-23] [SDP-24] [SDP-25]', async () => {
    const { TF_NO_DTX, TF_STEREO } = AudioTrackFeature;
    const requests = [
      { kind: 'audio' },
      { kind: 'audio', source: TrackSource.SCREEN_SHARE_AUDIO, audioFeatures: [TF_NO_DTX, TF_STEREO] },
      { kind: 'audio', disableRed: true, stereo: true, disableDtx: true },
      { kind: 'video', simulcastCodecs: [{ codec: 'h264', cid: 'track-3' }] },
      { kind: 'video', source: TrackSource.SCREEN_SHARE },
      { kind: 'audio', source: TrackSource.UNKNOWN, disableRed: true, simulcastCodecs: [{ codec: 'red', cid: 'track-5' }] },
      { kind: 'video', source: TrackSource.UNKNOWN, simulcastCodecs: [{ codec: 'h265', cid: 'track-6' }] },
    ];
    const [plain, music, stereo, h264, vp8, named, h265] = await answered(suite, server, false, requests);
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
    // A codec that is named wins over disable_red; one that is not offered changes nothing.
    assert.equal(named.types[0], 63);
    assert.deepEqual(h265.types, vp8.types);
  });

  await suite.check('answers to publishers: payload types are theirs, whichever these are [SDP-22]', async () => {
    const numbers = { 111: 109, 96: 120, 97: 124, 108: 126, 109: 127, 45: 99, 46: 100, 98: 121, 99: 125 };
    const renumbered = (sdp) => sdp.replace(/(?<=^m=\S+ 9 \S+)( \d+)+|(?<=^a=(?:rtpmap|fmtp|rtcp-fb):)\d+|(?<=apt=)\d+|(?<=^a=fmtp:63 )\S+/gm,
      (found) => found.replace(/\d+/g, (one) => numbers[one] ?? one));
    for (const [mode, v1] of [['v0', false], ['v1', true]]) {
      const [audio, video] = await answered(suite, server, v1, [{ kind: 'audio' }, { kind: 'video' }], renumbered);
      assert.deepEqual(sorted(audio.types), sorted([63, 109, 0, 8]), mode);
      assert.deepEqual([audio.codecs[109], audio.fmtp[63]], ['opus/48000/2', '109/109']);
      const found = [120, 121, 126, 99].map((type) => video.codecs[type]);
      assert.deepEqual(found, ['VP8/90000', 'VP9/90000', 'H264/90000', 'AV1/90000'], mode);
      assert.deepEqual([124, 125, 127, 100].map((type) => video.fmtp[type]), [120, 121, 126, 99].map((type) => `apt=${type}`));
    }
  });

  await suite.check('answers to publishers: an encoder of one profile that our offers do not have is taken with it [SDP-22]', async () => {
    const main = (sdp) => {
      const [session, video] = sdp.split(/^(?=m=)/m);
      const lines = video.split('\r\n').filter((line) => !/^a=(rtpmap|fmtp|rtcp-fb):(?!10[89])/.test(line));
      return session + lines.join('\r\n').replace(/^(m=video 9 \S+).*/, '$1 108 109').replace('42e01f', '4d401f');
    };
    for (const [mode, v1] of [['v0', false], ['v1', true]]) {
      const [video] = await answered(suite, server, v1, [{ kind: 'video' }], main);
      assert.deepEqual([video.direction, video.types], ['recvonly', [108, 109]], mode);
      assert.equal(video.fmtp[108], kH264(1, '4d401f'), mode);
    }
  });

  await suite.check('single mode: one payload type has one meaning in all sections of an answer [SDP-26]', async () => {
    const requests = [
      { kind: 'audio', stereo: true, disableDtx: true },
      { kind: 'video', simulcastCodecs: [{ codec: 'h264', cid: 'track-1' }] },
    ];
    const placeholders = ['audio', 'video', 'audio', 'video'].map((kind) => ({ kind, direction: 'recvonly' }));
    const sections = await answered(suite, server, true, requests, (sdp) => sdp, placeholders);
    assert.equal(sections.length, 6);
    for (const kind of ['audio', 'video']) {
      const [published, ...rest] = sections.filter((one) => one.kind === kind);
      assert.equal(rest.length, 2);
      for (const section of rest) {
        for (const type of section.types) {
          assert.equal(section.codecs[type], published.codecs[type], `${kind} ${type}`);
          // What the track alone is told is no part of the codec (SDP-25).
          const own = (one) => one?.split(';').filter((part) => !/^(usedtx|stereo|maxaveragebitrate)=/.test(part)).join(';');
          assert.equal(section.fmtp[type], own(published.fmtp[type]), `${kind} ${type}`);
        }
        assert.equal(section.types.length, published.types.length);
      }
    }
  });
}

async function simulcast_check(suite, server) {
  await suite.check('simulcast: rids as offered, without ~, in the order of the offer; layers by the declared qualities [SDP-27] [SDP-09]', async () => {
    const kCases = [
      { rids: ['q', 'h', 'f'], declared: [0, 1, 2], spatial: { 0: ['q', 0], 1: ['h', 1], 2: ['f', 2] } },
      { rids: ['2', '1', '0'], declared: [0, 1, 2], spatial: { 0: ['2', 0], 1: ['1', 1], 2: ['0', 2] } },
      { rids: ['q', '~h', 'f'], declared: [0, 1, 2], spatial: { 0: ['q', 0], 1: ['h', 1], 2: ['f', 2] } },
      { rids: ['q', 'h'], declared: [0, 2], spatial: { 0: ['q', 0], 2: ['h', 1] } },
      { rids: ['q', 'h'], declared: [1, 2], spatial: { 1: ['q', 0], 2: ['h', 1] } },
      { rids: [], declared: [2], spatial: { 2: ['', 0] } },
    ];
    await Promise.all([false, true].flatMap((v1) => kCases.map(async ({ rids, declared, spatial }) => {
      const room = fresh_room('sections');
      const plain = rids.map((one) => one.replace('~', ''));
      const lines = [...plain.map((one) => `a=rid:${one} send`), ...(rids.length ? [`a=simulcast:send ${rids.join(';')}`] : [])];
      const rewrite = (sdp) => sdp.replace('c=IN IP4 0.0.0.0', 'c=IN IP4 2001:db8::1')
        .replace(/^m=video[^]*?^a=sendonly\r\n/m, (section) => section + lines.map((one) => `${one}\r\n`).join(''));
      const alice = await MediaClient.join(suite, server, room, 'alice', { v1, rewrite });
      const layers = declared.map((quality) => ({ quality, width: 160 << quality, height: 90 << quality }));
      const { sid } = await alice.publish('video', { layers });
      const section = sections_of(alice.client.all('answer').at(-1).sdp).find((one) => one.kind === 'video');
      const told = [...section.text.matchAll(/^a=rid:(.*)\r$/gm)].map((one) => one[1]);
      assert.deepEqual(told, plain.map((one) => `${one} recv`));
      assert.equal(/^a=simulcast:(.*)\r$/m.exec(section.text)?.[1], rids.length ? `recv ${plain.join(';')}` : undefined);
      const { tracks } = await alice.client.told_of('alice', (one) => one.tracks.some((track) => track.sid === sid && track.mid));
      const found = Object.fromEntries(tracks[0].layers.map((one) => [one.quality, [one.rid, one.spatialLayer]]));
      assert.deepEqual(found, spatial, `${rids} ${declared}`);
      await alice.close();
    })));
  });
}

async function enabled_check(suite) {
  await suite.check('enabled_codecs: offers and answers have no other, but retransmission, which is always there [SDP-20] [ROOM-08]', async () => {
    const enabled_codecs = [{ mime: 'audio/opus' }, { mime: 'video/H264' }, { mime: 'video/VP8' }];
    const few = await start_server(suite, { room: { enabled_codecs } });
    const room = fresh_room('sections');
    const alice = await MediaClient.join(suite, few, room, 'alice');
    const bob = await MediaClient.join(suite, few, room, 'bob');
    for (const kind of ['audio', 'video']) await alice.publish(kind);
    const { sdp } = await bob.client.told('offer', (one) => one.sdp.includes('m=video') && one.sdp.includes('m=audio'));
    const kFew = [['opus/48000/2'], ['H264/90000', 'VP8/90000', 'rtx/90000']];
    const codec_names = (sections, kind) => [...new Set(Object.values(sections.find((one) => one.kind === kind).codecs))].sort();
    const offered = sections_of(sdp);
    assert.deepEqual([codec_names(offered, 'audio'), codec_names(offered, 'video')], kFew);
    for (const v1 of [false, true]) {
      const sections = await answered(suite, few, v1, [{ kind: 'audio' }, { kind: 'video', simulcastCodecs: [{ codec: 'av1', cid: 'track-1' }] }]);
      assert.deepEqual([codec_names(sections, 'audio'), codec_names(sections, 'video')], kFew);
      // AV1 is none of the room: the first that a client publishes takes its place.
      assert.equal(sections[1].codecs[sections[1].types[0]], 'VP8/90000');
    }
    await few.stop();
    few.forget();
  });
}

export async function section_checks(suite, server) {
  const groups = [offer_checks, estimate_checks, answer_checks, simulcast_check, enabled_check];
  await Promise.all(groups.map((group) => group(suite, server)));
}
