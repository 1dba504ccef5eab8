// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Frames of many packets, which the server pads to one length where they are an octet apart: browsers
// take RTP padding on packets of media, in every codec. What would show that one did not: losses, asking
// for a key frame, no more pictures. Not freezes: a browser that gets no processor for a while has them too.

import { Scrape } from '../lib/metrics.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const kBusy = { width: 640, height: 360, fps: 15, busy: true };
const kPackets = 100; // that were padded
const kPatience = 75000; // a browser that starts at 300 kbit/s shows such pictures slowly at first
const kFrames = 10; // shown meanwhile; a hundred packets may be of fewer
const kSounds = 10; // of tones, whose lengths hardly differ
const kLoudnesses = [0.9, 0.2, 0.5, 0.05];

// The streams of pictures `to` has had so far: a browser tells of them for a while after they have ended.
async function streams_so_far(to) {
  const { received } = await to.call('transport');
  return new Set(received.map(({ ssrc }) => ssrc));
}

// What `to` receives of the codec that it did not have before.
async function stream(to, codec, had) {
  const { received } = await to.call('transport');
  return received.find((one) => one.mime?.toLowerCase() === `video/${codec}` && one.frames > 0 && !had.has(one.ssrc));
}

const levelled = async (server) => (await Scrape.of(server)).value('confab_levelled_packets_total') ?? 0;

// `from` publishes nothing, `to` sees it.
export async function level_checks({ suite, server }, name, from, to, codecs) {
  for (const codec of codecs) {
    await suite.check(`${name}: a frame's packets made one length, whole at the other end, ${codec.toUpperCase()} [DES-12]`, async () => {
      const had = await streams_so_far(to);
      await from.call('publish_picture', { codec, size: kBusy, bitrate: 1500000 });
      try {
        await to.sees(from);
        await until(() => stream(to, codec, had), { timeout: 10000, what: `${codec} to come` });
        const padded = await levelled(server);
        const before = await stream(to, codec, had);
        await until(async () => (await levelled(server)) >= padded + kPackets, { timeout: kPatience, every: 300, what: `packets of ${codec} to be padded` });
        let after;
        const shown = async () => (after = await stream(to, codec, had)).frames >= before.frames + kFrames;
        await until(shown, { timeout: 10000, every: 300, what: () => `${kFrames} frames more: ${before.frames}, then ${after?.frames}` });
        assert.equal(after.lost, before.lost);
        assert.equal(after.plis, before.plis);
        await to.sees(from);
      } finally {
        await from.call('unpublish', 'picture');  // the checks after this one publish their own
      }
    }, { seconds: 120 });
  }
}

// The sound of several, which a server with confab.sound_hold sends together, padded to one length.
export async function held_sound_check({ suite, server }, listeners, speakers) {
  await suite.check('sound of several held for one send, its packets made one length, heard whole [DES-10] [DES-12]', async () => {
    for (const speaker of speakers) await speaker.call('publish_tone');
    for (const listener of listeners) for (const speaker of speakers) await listener.hears(speaker);
    const lost = async () => {
      const all = await Promise.all(listeners.map((one) => one.call('transport')));
      return all.map(({ sounds }) => sounds.reduce((sum, one) => sum + one.lost, 0));
    };
    const before = await lost();
    const padded = await levelled(server);
    // Tones that stay as they are may need no octet at all: lengths all alike, or only the last of each send shorter.
    let turn = 0;
    const padded_enough = async () => {
      for (const [index, speaker] of speakers.entries()) await speaker.call('loudness', kLoudnesses[(turn + index) % kLoudnesses.length]);
      ++turn;
      return (await levelled(server)) >= padded + kSounds * listeners.length;
    };
    await until(padded_enough, { timeout: 20000, every: 300, what: 'packets of sound to be padded' });
    for (const listener of listeners) for (const speaker of speakers) await listener.hears(speaker);
    assert.deepEqual(await lost(), before);
  }, { seconds: 90 });
}
