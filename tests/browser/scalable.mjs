// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Scalable video: one stream of three layers in size. Who watches asks for one after another, and
// its decoder notices nothing but another size.

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';

const kCodecs = ['vp9', 'av1'];
// Chromium has no layer below 240 pixels, and so three of 960 alone.
const kWidths = { low: 240, medium: 480, high: 960 };
const kPublished = { size: { width: 960, height: 540, fps: 10 }, bitrate: 700000 };
const kAsked = ['low', 'medium', 'high', 'low', 'high', 'medium', 'low', 'medium', 'low', 'high'];
// Each step up needs a key frame.
const kUps = kAsked.filter((one, index) => index > 0 && kWidths[one] > kWidths[kAsked[index - 1]]).length;
const kSpare = 4; // key frames and requests of a machine that was busy
const kDroppedShare = 0.2; // of the frames, which a busy machine decodes late
const kCounted = ['framesDecoded', 'keyFramesDecoded', 'framesDropped', 'pliCount', 'keyFramesSent'];
const kFramesEach = 3;

async function switch_layers({ suite, server, address, browser }, codec, number) {
  const room = `scalable-${codec}`;
  const from = await Caller.open(suite, browser, address, `${codec}-from`, number);
  const to = await Caller.open(suite, browser, address, `${codec}-to`, number + 1);
  for (const caller of [from, to]) await caller.join(server, room);
  await from.call('publish_picture', { codec, ...kPublished });
  const shows = async (width) => {
    let log;
    await until(async () => (log = (await to.person(from))?.picture)?.width === width, {
      timeout: 20000, every: 50,
      what: async () => `${codec} ${width} wide: ${JSON.stringify(log)}, sent ${JSON.stringify(await from.call('outbound', 'picture'))}`,
    });
    await to.sees(from, { changes: kFramesEach });
  };
  const counts = async () => {
    const [received] = await to.call('inbound', from.identity, 'picture');
    const sent = await from.call('outbound', 'picture');
    assert.deepEqual([sent.length, sent[0].scalabilityMode, received.mime.toLowerCase()], [1, 'L3T3_KEY', `video/${codec}`]);
    return { ...received, keyFramesSent: sent[0].keyFramesEncoded };
  };
  await shows(kWidths.high);
  const begin = await counts();
  for (const quality of kAsked) {
    await to.call('quality', from.identity, quality);
    await shows(kWidths[quality]);
  }
  const end = await counts();
  const grown = Object.fromEntries(kCounted.map((name) => [name, end[name] - begin[name]]));
  const told = JSON.stringify(grown);
  console.log(`   ${told}`);
  assert.ok(grown.framesDecoded >= kFramesEach * kAsked.length, told);
  assert.ok(grown.keyFramesDecoded >= kUps, told);
  assert.ok(grown.keyFramesSent <= kAsked.length + kSpare, told);
  assert.ok(grown.pliCount <= kSpare, told);
  assert.ok(grown.framesDropped <= kDroppedShare * grown.framesDecoded, told);
  await Promise.all([from.close(), to.close()]);
}

export async function scalable_checks(place) {
  for (const [index, codec] of kCodecs.entries()) {
    await place.suite.check(`${codec.toUpperCase()} in three layers: each is shown as it is asked for, nothing is to be repaired [MC-10]`, async () => {
      await switch_layers(place, codec, 2 * index + 1);
    }, { seconds: 90 });
  }
}
