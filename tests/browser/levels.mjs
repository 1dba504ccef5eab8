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

// What `to` receives of the codec.
async function stream(to, codec) {
  const { received } = await to.call('transport');
  return received.find((one) => one.mime?.toLowerCase() === `video/${codec}` && one.frames > 0);
}

const levelled = async (server) => (await Scrape.of(server)).value('confab_levelled_packets_total') ?? 0;

// `from` publishes nothing, `to` sees it.
export async function level_checks({ suite, server }, name, from, to, codecs) {
  for (const codec of codecs) {
    await suite.check(`${name}: a frame's packets made one length, whole at the other end, ${codec.toUpperCase()} [DES-12]`, async () => {
      await from.call('publish_picture', { codec, size: kBusy, bitrate: 1500000 });
      try {
        await to.sees(from);
        await until(() => stream(to, codec), { timeout: 10000, what: `${codec} to come` });
        const padded = await levelled(server);
        const before = await stream(to, codec);
        await until(async () => (await levelled(server)) >= padded + kPackets, { timeout: 15000, every: 300, what: `packets of ${codec} to be padded` });
        const after = await stream(to, codec);
        assert.ok(after.frames >= before.frames + 10, `${before.frames} frames, then ${after.frames}`);
        assert.equal(after.lost, before.lost);
        assert.equal(after.plis, before.plis);
        await to.sees(from);
      } finally {
        await from.call('unpublish', 'picture');  // the checks after this one publish their own
      }
    }, { seconds: 45 });
  }
}
