// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// One page of headless Chromium publishes a busy picture in each codec, another one watches. Printed is
// with how many packets a send left, by the server's own histogram: the share of packets, not of sends.
// "as they are" is with confab.level_lengths off. CONFAB_BINARY names another program to compare with.

import { parseArgs } from 'node:util';

import { Caller } from '../tests/browser/caller.mjs';
import { start_chromium } from '../tests/lib/browser.mjs';
import { Scrape } from '../tests/lib/metrics.mjs';
import { start_server } from '../tests/lib/server.mjs';
import { start_page_server } from '../tests/lib/static_server.mjs';
import { Suite } from '../tests/lib/suite.mjs';
import { sleep } from '../tests/lib/wait.mjs';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    size: { type: 'string', default: '1280x720' },
  },
});
const [width, height] = options.size.split('x').map(Number);
const kCodecs = ['vp8', 'h264', 'vp9', 'av1'];
const kSettleMillis = 4000; // until the encoder has found its rate

async function sends(server) {
  const scrape = await Scrape.of(server);
  const name = 'confab_worker_send_packets';
  const buckets = scrape.all(`${name}_bucket`);
  return {
    packets: scrape.value(`${name}_sum`),
    sends: scrape.value(`${name}_count`),
    buckets: buckets.map((one) => ({ most: one.labels.le, count: one.value })),
  };
}

// Sends by their number of packets, between two scrapes.
function between(before, after) {
  const packets = after.packets - before.packets;
  const count = after.sends - before.sends;
  let below = 0;
  const shares = after.buckets.map((bucket, i) => {
    const until = bucket.count - before.buckets[i].count;
    const share = (until - below) / count;
    below = until;
    return { most: bucket.most, share };
  });
  return { mean: packets / count, shares };
}

const percent = (share) => `${Math.round(100 * share)} %`;

const suite = new Suite({ limit: 900, checks: false });
await suite.run(async () => {
  const [address, browser] = await Promise.all([start_page_server(suite), start_chromium(suite)]);
  console.log(`${options.size}, 30 pictures a second; share of sends by their packets`);
  for (const levelled of [false, true]) {
    const server = await start_server(suite, { confab: { level_lengths: levelled } });
    for (const codec of kCodecs) {
      const room = `run-lengths-${codec}`;
      const from = await Caller.open(suite, browser, address, `from-${codec}-${levelled}`, 1);
      const to = await Caller.open(suite, browser, address, `to-${codec}-${levelled}`, 2);
      await from.join(server, room);
      await to.join(server, room);
      await from.call('publish_picture', { codec, size: { width, height, fps: 30, busy: true }, bitrate: 3000000 });
      await to.sees(from);
      await sleep(kSettleMillis);
      const before = await sends(server);
      await sleep(1000 * Number(options.seconds));
      const { mean, shares } = between(before, await sends(server));
      const row = shares.map((one) => `${one.most === '+Inf' ? 'more' : one.most}: ${percent(one.share)}`).join(', ');
      console.log(`${codec} ${levelled ? 'one length' : 'as they are'}: ${mean.toFixed(1)} packets a send (${row})`);
      await from.close();
      await to.close();
    }
  }
  await browser.close();
});
