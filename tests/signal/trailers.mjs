// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What a client writes behind its frames (02 IN-42), for a client that knows it and for one that
// would take it for a part of the picture.

import { RTCRtpCodecParameters } from 'werift';

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';
import { codecs, header_extensions } from './packets.mjs';

const kCapability = 1; // ClientInfo.Capability.CAP_PACKET_TRAILER
const [kTimestamp, kFrameId, kUserData] = [0, 1, 2]; // PacketTrailerFeature
const kMode = [false, true];

// {tag: value}, with the length that it has or that it is to claim.
function trailer(values, claimed) {
  const fields = Object.entries(values).flatMap(([tag, value]) => [Number(tag), value.length, ...value]);
  const clear = [...fields, claimed ?? fields.length + 5];
  return Buffer.from([...clear.map((octet) => octet ^ 0xff), ...Buffer.from('LKTS')]);
}

const kUsual = trailer({ 1: [0, 6, 26, 128, 51, 34, 17, 0], 2: [0, 0, 0, 7] });
// The end of a frame, whether it has the marker, and how many octets of it are cut off.
const kEnds = [
  { end: kUsual, cut: kUsual.length },
  { end: Buffer.alloc(0), cut: 0 },
  { end: kUsual, marker: false, cut: 0 },
  { end: trailer({}), cut: 5 },
  { end: trailer({ 200: [...Buffer.from('nobody knows')] }), cut: 19 },
  { end: trailer({ 3: [...Buffer.from('of the application')] }), cut: 25 },
  { end: trailer({}, 200), cut: 200 }, // reaches into the picture
  { end: trailer({}, 4), cut: 0 },
  { end: trailer({}, 255), cut: 0 }, // longer than the frame
  { end: Buffer.from('LKTS'), cut: 0 },
  { end: Buffer.from('4c4b5453ff', 'hex'), cut: 0 },
];

// A VP8 key frame of nothing, 640 × 360, that tells its number; behind a descriptor of one octet.
const kHead = Buffer.from('009d012a80026801', 'hex');
const frame = (number) => Buffer.concat([kHead, Buffer.alloc(222, number)]);
const whole = ({ end }, number) => Buffer.concat([frame(number), end]);
const number_of = (body) => body[kHead.length];

// Publishes one frame after the other, again and again.
async function publish(alice, features, settings = {}) {
  let next = 0;
  const frames = () => {
    const number = next++ % kEnds.length;
    const payload = Buffer.concat([Buffer.from([0x10]), whole(kEnds[number], number)]);
    return { payload, marker: kEnds[number].marker ?? true };
  };
  return alice.publish('video', { frames, packetTrailerFeatures: features, ...settings });
}

// Waits until each frame came to a peer; gives them by number, without descriptors.
async function frames_of(peer) {
  const found = () => new Map(peer.video.map(({ payload }) => payload.subarray(1)).map((body) => [number_of(body), body]));
  const what = () => `${kEnds.length} frames at ${peer.client.identity}, there are ${[...found().keys()]}`;
  await until(() => found().size === kEnds.length, { timeout: 15000, what });
  return [...found()].sort(([one], [other]) => one - other).map(([, body]) => body.toString('hex'));
}

const capable = (v1) => (v1
  ? { v1, request: { clientInfo: { sdk: 1, protocol: 17, version: '2.23.0', capabilities: [2, kCapability] } } }
  : { v1, query: { protocol: '17', capabilities: 'CAP_COMPRESSION_DEFLATE_RAW, CAP_PACKET_TRAILER' } });

const kPassed = kEnds.map((one, number) => whole(one, number).toString('hex'));
const kCut = kEnds.map((one, number) => {
  const all = whole(one, number);
  return all.subarray(0, all.length - one.cut).toString('hex');
});

async function strip_checks(suite, server, v1) {
  const label = v1 ? 'v1' : 'v0';
  await suite.check(`${label}: who does not know trailers gets frames without, who does gets them as they are [IN-42] [SIG-66]`, async () => {
    const room = fresh_room('trailers');
    const alice = await MediaClient.join(suite, server, room, 'alice', { v1 });
    const plain = await MediaClient.join(suite, server, room, 'plain', { v1 });
    const knows = await MediaClient.join(suite, server, room, 'knows', capable(v1));
    const { sid } = await publish(alice, [kTimestamp, kFrameId, kFrameId, kUserData]);
    for (const { client } of [plain, knows]) {
      const { tracks } = await client.told_of('alice', (info) => info.tracks.some((one) => one.sid === sid));
      assert.deepEqual([...tracks[0].packetTrailerFeatures], [kTimestamp, kFrameId, kUserData]);
    }
    assert.deepEqual(await frames_of(plain), kCut);
    assert.deepEqual(await frames_of(knows), kPassed);
    // Somebody who comes later, and a track that is opaque to the server; nothing else is there.
    const sealed = fresh_room('sealed');
    const carol = await MediaClient.join(suite, server, sealed, 'carol', { v1 });
    await publish(carol, [kUserData], { encryption: 1 });
    const late = await MediaClient.join(suite, server, sealed, 'late', { v1 });
    assert.deepEqual(await frames_of(late), kCut);
  });

  await suite.check(`${label}: of a track that announced no trailers nothing is cut off [IN-42] [IN-44]`, async () => {
    const room = fresh_room('trailers');
    const alice = await MediaClient.join(suite, server, room, 'alice', { v1 });
    const plain = await MediaClient.join(suite, server, room, 'plain', { v1 });
    await publish(alice, []);
    assert.deepEqual(await frames_of(plain), kPassed);
  });
}

// A picture of two layers, each a frame with an end of its own; the marker is at the second.
const kTwoLayers = Buffer.from([1, 64, 0, 180, 2, 128, 1, 104]); // 320 × 180, 640 × 360
const kLayers = [{ width: 320, height: 180, bitrate: 100_000 }, { width: 640, height: 360, bitrate: 300_000 }];
const layer_of = ({ payload }) => (payload[2] >> 1) & 7;

async function publish_layers(alice) {
  let [count, at] = [0, 0];
  const frames = () => {
    const layer = count++ % 2;
    if (layer === 0) at += 3600;
    const picture = (count >> 1) & 0x7f;
    const descriptor = layer === 0 ? [0xae, picture, 0, 0, 0x30, ...kTwoLayers] : [0xac, picture, 3, 0];
    const body = Buffer.concat([Buffer.from([0x82, 0x49, 0x83, 0x42]), Buffer.alloc(200, layer + 1), kUsual]);
    return { payload: Buffer.concat([Buffer.from(descriptor), body]), marker: layer === 1, at };
  };
  const layers = kLayers.map((layer, quality) => ({ ...layer, quality }));
  await alice.publish('video', { frames, codec: 'vp9', packetTrailerFeatures: [kTimestamp, kFrameId], layers });
}

async function layer_checks(suite, server) {
  await suite.check('of each layer of a VP9 picture the trailer is cut off, or of none [IN-42]', async () => {
    const video = [new RTCRtpCodecParameters({
      mimeType: 'video/VP9', clockRate: 90000, payloadType: 98, parameters: 'profile-id=0',
      rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }],
    })];
    const offers = { codecs: { audio: codecs().audio, video }, headerExtensions: header_extensions() };
    const room = fresh_room('trailers');
    const alice = await MediaClient.join(suite, server, room, 'alice', { offers });
    const plain = await MediaClient.join(suite, server, room, 'plain', { offers });
    const knows = await MediaClient.join(suite, server, room, 'knows', { offers, ...capable(false) });
    await publish_layers(alice);
    for (const [peer, has] of [[plain, false], [knows, true]]) {
      const seen = (layer) => peer.video.filter((packet) => layer_of(packet) === layer);
      await until(() => [0, 1].every((layer) => seen(layer).length >= 20), { timeout: 15000 });
      for (const layer of [0, 1]) {
        const ends = new Set(seen(layer).map(({ payload }) => payload.subarray(-4).toString() === 'LKTS'));
        assert.deepEqual([...ends], [has], `layer ${layer} at ${peer.client.identity}`);
      }
    }
  });
}

export async function trailer_checks(suite, server) {
  await Promise.all([...kMode.map((v1) => strip_checks(suite, server, v1)), layer_checks(suite, server)]);
}
