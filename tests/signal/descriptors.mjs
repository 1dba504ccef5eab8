// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Header extensions of two octets: an AV1 stream as Chromium 156 sends it, whose dependency descriptor
// is longer than 16 octets on key frames, from a publisher through a room to a subscriber.

import { readFileSync } from 'node:fs';
import path from 'node:path';

import { RTCRtpCodecParameters, useDependencyDescriptor } from 'werift';

import { ROOT } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';

const kRecording = 'src/sfu/testdata/media/rtp-chromium-av1.txt';
const kRecordedId = 13; // of the descriptor
const kMaxOneByte = 16; // octets of a value with a header of one (RFC 8285 §4.2)
const [kOneByte, kTwoByte] = [0xbede, 0x1000];
const kId = 1; // of the descriptor, for both ends here
const kFrames = 90;

// {at, marker, payload, descriptor} of the recorded packets, the payload filled up to its size.
function recorded() {
  const lines = readFileSync(path.resolve(ROOT, kRecording), 'utf8').split('\n').filter((one) => one.startsWith('P '));
  const packets = lines.map((line) => {
    const [, , ssrc, , at, , marker, , size, head, ...extensions] = line.split(' ');
    const descriptor = extensions.find((one) => one.startsWith(`${kRecordedId}=`))?.split('=')[1];
    const payload = Buffer.alloc(Number(size));
    if (head !== '-') Buffer.from(head, 'hex').copy(payload);
    return { ssrc, at: Number(at), marker: marker === '1', payload, descriptor: descriptor && Buffer.from(descriptor, 'hex') };
  });
  const media = packets.filter((one) => one.descriptor && one.ssrc === packets.find((first) => first.descriptor).ssrc);
  const frames = new Set(media.map(({ at }) => at));
  const last = [...frames][kFrames];
  return media.slice(0, media.findIndex(({ at }) => at === last));
}

const is_long = ({ length }) => length > kMaxOneByte;

export async function descriptor_checks(suite, server) {
  await suite.check('AV1: a descriptor of more than 16 octets goes through the room in a header of two octets, the others in one [SDP-11] [TRAP-10]', async () => {
    const stream = recorded();
    assert.ok(stream.some(({ descriptor }) => is_long(descriptor)) && stream.length > kFrames);
    const span = stream.at(-1).at - stream[0].at + 3000;
    const offers = {
      codecs: { video: [new RTCRtpCodecParameters({ mimeType: 'video/AV1', clockRate: 90000, payloadType: 45 })] },
      headerExtensions: { video: [useDependencyDescriptor()] },
    };
    const room = fresh_room('descriptors');
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((identity) => MediaClient.join(suite, server, room, identity, { offers })));
    let sent = 0;
    // Again and again, with numbers that go on: the subscriber begins with some key frame.
    const frames = () => {
      const [round, { at, marker, payload, descriptor }] = [Math.floor(sent / stream.length), stream[sent % stream.length]];
      sent += 1;
      const value = Buffer.from(descriptor);
      value.writeUInt16BE((value.readUInt16BE(1) + round * kFrames) & 0xffff, 1);
      return { at: at - stream[0].at + round * span, marker, payload, two_byte: is_long(value), extensions: [{ id: kId, payload: value }] };
    };
    await alice.publish('video', { frames, every: 5, codec: 'av1' });
    const got = () => bob.video.map(({ header, payload }) => ({ header, payload, value: header.extensions.find(({ id }) => id === kId)?.payload }));
    await until(() => got().filter(({ value }) => value && is_long(value)).length > 1 && got().length > 200, {
      timeout: 20000,
      what: () => `two key frames, ${got().length} packets came, ${sent} were sent`,
    });
    for (const { header, value } of got()) {
      assert.ok(value, 'a packet without its descriptor');
      assert.equal(header.extensionProfile, is_long(value) ? kTwoByte : kOneByte, `${value.length} octets`);
    }
    // Where a frame starts and ends and its template stay, with the packet they were sent with. On a
    // key frame so does all behind the number; on others the server says which layers go on.
    const text = (value) => value.subarray(0, 1).toString('hex') + (is_long(value) ? value.subarray(3).toString('hex') : '');
    const known = new Set(stream.map(({ payload, descriptor }) => `${text(descriptor)} ${payload.toString('hex')}`));
    const changed = got().filter(({ payload, value }) => !known.has(`${text(value)} ${payload.toString('hex')}`));
    assert.deepEqual(changed.slice(0, 2), [], `${changed.length} of ${got().length} are others`);
  }, { seconds: 40 });
}
