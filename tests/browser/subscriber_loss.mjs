// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Who watches loses packets on the way from the server, at random (N1) and in bursts (N2): they are
// sent again on the stream for that (RTX). Whoever has none gets key frames.

import { behind_netsim, Netsim } from '../lib/netsim.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';
import { leave_out } from './fewer_codecs.mjs';

const kNetworks = [
  { name: 'N1', down: 'loss=2%', share: [0.005, 0.05], number: 10 },
  { name: 'N2', down: 'burst=10%/4', share: [0.03, 0.25], number: 13 },
];
// Several packets each picture, few pictures: a freeze is a gap of three pictures.
const kBusy = { size: { width: 320, height: 180, fps: 10, busy: true }, bitrate: 500000 };
const kRepaired = 5; // packets, at least
const kUnrepaired = 0.2; // of what got lost, that which is not repaired yet or was given up
const kUnasked = 3; // key frames: of those it asked for, hardly two can be under way
const kWindowMillis = 8000;
const kWindows = 4; // a machine that stands still freezes the picture, too
const kFrozenShare = 0.02;
const kFrames = 40; // of the 80 in a window: a picture that stands for good is no freeze to Chromium

const stream_of = async (to, from) => (await to.call('inbound', from.identity, 'picture'))[0];

// How long the picture was frozen, as a share of a window of time, with the counts at its end.
async function frozen(to, from) {
  const begin = await stream_of(to, from);
  let end;
  await until(async () => (end = await stream_of(to, from)).timestamp >= begin.timestamp + kWindowMillis, {
    timeout: 2 * kWindowMillis, every: 300, what: 'the window to be over',
  });
  const share = (1000 * (end.totalFreezesDuration - begin.totalFreezesDuration)) / (end.timestamp - begin.timestamp);
  return { share, frames: end.framesDecoded - begin.framesDecoded, repaired: end.retransmittedPacketsReceived, lost: end.packetsLost, plis: end.pliCount };
}

async function goes_on(to, from) {
  for (let window = 1; ; window += 1) {
    const seen = await frozen(to, from);
    console.log(`   ${to.identity}: ${JSON.stringify(seen)}`);
    const enough = seen.repaired >= kRepaired && seen.frames >= kFrames && seen.share < kFrozenShare;
    if (!enough && window < kWindows) continue;
    assert.ok(enough, `${to.identity} after ${window} windows: ${JSON.stringify(seen)}`);
    assert.ok(seen.lost - seen.repaired <= kRepaired + kUnrepaired * seen.lost, JSON.stringify(seen));
    return;
  }
}

// What no RTX can repair, a key frame does, also before the decoder asks for one: there are times in
// which more come than it asks for (a key frame that loses a packet itself is asked for, too).
async function comes_back(to, from) {
  await until(async () => (await stream_of(to, from)).packetsLost >= kRepaired, { timeout: 20000, every: 100, what: 'packets to be lost' });
  await to.sees(from, { timeout: 25000, changes: 3 });
  let least = Infinity;
  await until(async () => {
    const seen = await stream_of(to, from);
    assert.ok(!seen.retransmittedPacketsReceived && seen.rtxSsrc === undefined, JSON.stringify(seen));
    const unasked = seen.keyFramesDecoded - seen.pliCount;
    least = Math.min(least, unasked);
    return unasked >= least + kUnasked;
  }, { timeout: 40000, every: 300, what: `${to.identity} to get key frames that it did not ask for` });
}

async function watch({ suite, address, browser }, { name, down, share, number }) {
  const server = await start_server(suite, behind_netsim());
  const relay = await Netsim.start(suite, server, { down, seed: number });
  const open = (who, index) => Caller.open(suite, browser, address, `${name}-${who}`, number + index);
  const [from, rtx, plain] = [await open('from', 0), await open('rtx', 1), await open('plain', 2)];
  await leave_out(plain, 'rtx');
  for (const caller of [from, rtx, plain]) await caller.join(server, name);
  await from.call('publish_picture', kBusy);
  await Promise.all([rtx, plain].map((to) => to.sees(from)));
  await Promise.all([goes_on(rtx, from), comes_back(plain, from)]);
  await Promise.all([from, rtx, plain].map((caller) => caller.close()));
  const { entered, lost } = (await relay.end()).down;
  assert.ok(lost > share[0] * entered && lost < share[1] * entered, `${lost} of ${entered} lost`);
  await server.stop();
}

export async function subscriber_loss_checks(place) {
  await place.suite.check('a picture behind N1 and N2 is repaired with RTX and hardly ever freezes; without RTX it comes back [MC-12]', async () => {
    await Promise.all(kNetworks.map((network) => watch(place, network)));
  }, { seconds: 90 });
}
