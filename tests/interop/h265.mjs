// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// H.265, which no client here can encode: a stream of x265, sent and received as RTP by werift, must
// come out octet by octet, beginning with a key frame. testdata/pattern.h265 is
//   ffmpeg -f lavfi -i testsrc2=size=320x180:rate=10 -t 2 -c:v libx265 -crf 28 -f hevc
//     -x265-params keyint=20:min-keyint=20:scenecut=0:bframes=0:info=0 pattern.h265

import fs from 'node:fs';

import { SubscriptionError } from '@livekit/protocol';

import { Depacketizer, payloads_of, pictures_of } from '../lib/h265.mjs';
import { start_server } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { WeriftPeer } from '../lib/werift_peer.mjs';

const kStream = fs.readFileSync(new URL('testdata/pattern.h265', import.meta.url));
const kPictures = pictures_of(kStream);
const kMost = 1100;
const kMillis = 20;
const kTicks = 90 * kMillis;
const kWanted = 2 * kPictures.length;

const text_of = (picture) => Buffer.concat(picture.flatMap((nal) => [Buffer.from([0, 0, 0, 1]), nal])).toString('latin1');
const kNumbers = new Map(kPictures.map((picture, number) => [text_of(picture), number]));

// Sends the stream again and again, from its key frame whenever one is asked for.
function play(suite, sender, send) {
  let [next, timestamp, asked] = [0, 0, 0];
  const timer = setInterval(() => {
    if (sender.key_frames_asked > asked) [asked, next] = [sender.key_frames_asked, 0];
    send(payloads_of(kPictures[next], kMost), timestamp);
    next = (next + 1) % kPictures.length;
    timestamp += kTicks;
  }, kMillis);
  suite.cleanup(() => clearInterval(timer));
}

// The numbers of the pictures that come to a receiver; -1 for one that was never sent.
function watch(receiver) {
  const numbers = [];
  const depacketizer = new Depacketizer();
  receiver.on_packet = (packet) => {
    const picture = depacketizer.add(packet);
    if (picture?.length > 0) numbers.push(kNumbers.get(text_of(picture)) ?? -1);
  };
  return numbers;
}

async function gets_the_stream(receiver, numbers) {
  const what = () => `${kWanted} pictures: ${numbers} ${receiver.errors.join()}`;
  await until(() => numbers.length >= kWanted, { timeout: 15000, what });
  assert.equal(numbers[0], 0, `begins with ${numbers}`);
  numbers.forEach((number, at) => {
    const follows = number === 0 || number === numbers[at - 1] + 1;
    assert.ok(follows, `picture ${at} is ${number}: ${numbers}`);
  });
}

const suite = new Suite({ limit: 100 });
await suite.run(async () => {
  const server = await start_server(suite);
  const join = (identity, codec) => WeriftPeer.join(suite, server, 'h265', identity, [codec]);
  let receiver;
  let numbers;
  const arrived = await suite.check('H.265 comes out octet by octet, from a key frame on [ROOM-08] [FWD-05] [SIG-100]', async () => {
    receiver = await join('receiver', 'H265');
    numbers = watch(receiver);
    const sender = await join('sender', 'H265');
    play(suite, sender, await sender.publish(320, 180));
    await gets_the_stream(receiver, numbers);
    assert.equal(receiver.signal.people.get('sender').tracks[0].mimeType.toLowerCase(), 'video/h265');
  }, { seconds: 40, needed: true });
  if (!arrived) return;

  await suite.check('a late comer begins with a key frame of H.265 [FWD-05] [MC-07]', async () => {
    const late = await join('late', 'H265');
    await gets_the_stream(late, watch(late));
  });

  await suite.check('who does not take H.265 is told, and gets no packet [SIG-111] [SIG-47] [IN-09]', async () => {
    const other = await join('other', 'VP8');
    let packets = 0;
    other.on_packet = () => (packets += 1);
    const { err } = await other.signal.wait('subscriptionResponse');
    assert.equal(err, SubscriptionError.SE_CODEC_UNSUPPORTED);
    const wanted = numbers.length + kWanted;
    await until(() => numbers.length >= wanted, { timeout: 15000, what: 'the stream to go on for the others' });
    assert.equal(packets, 0);
  });
});
