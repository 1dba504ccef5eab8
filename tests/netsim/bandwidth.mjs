// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// livekit-client in Chromium watches a camera in layers over a link that becomes narrow and wide again
// (02 §11.1, N4), with each of the two estimators of its link.

import { Caller } from '../browser/caller.mjs';
import { start_chromium } from '../lib/browser.mjs';
import { behind_netsim, Netsim } from '../lib/netsim.mjs';
import { start_server } from '../lib/server.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';

const kRate = 15; // pictures a second
const kPicture = {
  bitrate: 1_200_000,
  size: { width: 640, height: 360, fps: kRate, busy: 0.08 },
  layers: [[320, 180, 200_000, kRate]],
};
// The limits of MC-13. A receiver's own estimate (libwebrtc: 8 % a second upwards) holds them only mostly, and a larger
// layer begins with few pictures: its limits tell an estimator that works from one that hears nothing.
const kOurs = { name: 'our estimate', rows: '[MC-13]', cut: 4000, back: 30000, pictures: 0.7 * kRate };
const kRembs = { name: 'REMBs', rows: '[BWE-20]', cut: 10000, back: 45000, pictures: 0.4 * kRate };
const kNarrow = 600; // kbit/s
const kFarMore = 1.4 * kNarrow;
const kRateMillis = 1000; // over which a rate is measured
const kNarrowSeconds = 10;
const kMostInvented = 0.03; // of the sound

async function look(viewer) {
  const [picture] = await viewer.call('inbound', 'alice', 'picture');
  const [tone] = await viewer.call('inbound', 'alice', 'tone');
  return {
    height: picture?.frameHeight,
    frames: picture?.framesDecoded ?? 0,
    invented: tone?.concealedSamples ?? 0,
    samples: tone?.totalSamplesReceived ?? 0,
  };
}

// How long until pictures of this height come at their full rate.
async function shown(viewer, height, timeout) {
  const begin = Date.now();
  let before = await look(viewer);
  let since = begin;
  await until(async () => {
    const now = await look(viewer);
    const rate = (1000 * (now.frames - before.frames)) / (Date.now() - since);
    const good = now.height === height && before.height === height && rate > 0.7 * kRate;
    [before, since] = [now, Date.now()];
    return good;
  }, { timeout, every: 1000, what: `pictures of ${height} lines` });
  return Date.now() - begin;
}

// Of the publisher's larger layer, in kbit/s: what was sent since this was last called, and what its encoder aims at.
function larger_layer(publisher) {
  let before;
  return async () => {
    const layers = await publisher.call('outbound', 'picture');
    const { bytesSent, timestamp, targetBitrate = 0 } = layers.find(({ frameHeight }) => frameHeight === 360) ?? {};
    const rate = timestamp > before?.timestamp ? (8 * (bytesSent - before.bytesSent)) / (timestamp - before.timestamp) : 0;
    before = { bytesSent, timestamp };
    return { rate, target: targetBitrate / 1000 };
  };
}

// Waits until the larger layer is far more than the narrow link takes. A publisher whose own estimate began badly is
// there after most of a minute, and sends seconds of more than it aims at until then.
async function takes_more(layer) {
  let now;
  const far_more = async () => {
    now = await layer();
    return Math.min(now.rate, now.target) > kFarMore;
  };
  await until(far_more, { timeout: 60000, every: kRateMillis, what: () => `${kFarMore} kbit/s, has ${JSON.stringify(now)}` });
  return now.rate;
}

// Waits for the smaller layer. Returns for how many ms until then the larger one was far more than the link takes: an
// encoder on a busy machine may send less for a while, which leaves nothing to cut.
async function cut_after(viewer, layer) {
  let over = 0;
  let since = Date.now();
  const rates = [];
  await until(async () => {
    if ((await look(viewer)).height === 180) return true;
    if (Date.now() - since < kRateMillis) return false;
    const { rate } = await layer();
    rates.push(rate.toFixed(0));
    if (rate > kFarMore) over += Date.now() - since;
    since = Date.now();
    return false;
  }, { timeout: 30000, every: 100, what: () => `the smaller layer, while the larger takes ${rates.join(', ')} kbit/s` });
  return over + (Date.now() - since);
}

export function narrow_link_check(send_side) {
  const { name, rows, cut: most_cut, back: most_back, pictures: least_pictures } = send_side ? kOurs : kRembs;
  return (suite) => suite.check(`N4 for Chromium, by ${name}: a smaller layer within ${most_cut / 1000} s, sound, and all back within ${most_back / 1000} s ${rows}`, async () => {
    const congestion_control = { use_send_side_bwe: send_side };
    const [server, address, browser] = await Promise.all([
      start_server(suite, behind_netsim({ rtc: { congestion_control } })),
      start_page_server(suite),
      start_chromium(suite),
    ]);
    const relay = await Netsim.start(suite, server, {});
    const alice = await Caller.open(suite, browser, address, 'alice', 1);
    const bob = await Caller.open(suite, browser, address, 'bob', 2);
    await alice.join(server, 'bandwidth');
    await alice.call('publish_picture', kPicture);
    await alice.call('publish_tone');
    await bob.join(server, 'bandwidth');
    await shown(bob, 360, 60000);
    const layer = larger_layer(alice);
    const taken = await takes_more(layer);

    await relay.apply(`down:rate=${kNarrow}kbit,queue=200ms`);
    const cut = await cut_after(bob, layer);
    assert.ok(cut <= most_cut, `cut after ${cut} ms`);
    await sleep(2000); // what was lost on the way down is asked for again
    const before = await look(bob);
    await sleep(kNarrowSeconds * 1000);
    const after = await look(bob);
    const invented = (after.invented - before.invented) / (after.samples - before.samples);
    const pictures = (after.frames - before.frames) / kNarrowSeconds;
    await relay.apply('down:clear');
    const back = await shown(bob, 360, most_back);
    console.log(`   ${name}: ${taken.toFixed(0)} kbit/s before, cut after ${cut} ms, ${pictures} pictures/s, ${(100 * invented).toFixed(1)} % of the sound invented, back after ${back} ms`);
    assert.ok(pictures > least_pictures, `${pictures} pictures a second while it is narrow`);
    assert.ok(invented < kMostInvented, `${invented} of the sound invented while it is narrow`);
    await Promise.all([alice, bob].map((caller) => caller.close()));
    await browser.close();
    await relay.end();
  }, { seconds: 180 });
}
