// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Who watches loses packets on the way from the server, at random (N1) and in bursts (N2): they are
// sent again on the stream for that (RTX). Whoever has none gets key frames. What was repaired does
// not make a connection worse; what was not does.

import { behind_netsim, Netsim } from '../lib/netsim.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';
import { leave_out } from './fewer_codecs.mjs';

// Of the times in which a picture stands: N1 has a window with next to none of it. In N2 a burst takes
// all copies of a packet now and then, so that every other window has some; it was 7 % on average.
const kNetworks = [
  { name: 'N1', down: 'loss=2%', share: [0.005, 0.05], number: 10, is_fluent: (share) => share < 0.02, repaired: ['excellent'] },
  { name: 'N2', down: 'burst=10%/4', share: [0.03, 0.25], number: 13, is_fluent: (_share, mean) => mean < 0.15, repaired: ['excellent', 'good'], lost: 'poor' },
];
// Several packets each picture, few pictures: a freeze is a gap of three pictures.
const kBusy = { size: { width: 320, height: 180, fps: 10, busy: true }, bitrate: 500000 };
const kRepaired = 5; // packets, at least
const kUnrepaired = 0.2; // of what got lost, that which is not repaired yet or was given up
const kUnasked = 3; // key frames: of those it asked for, hardly two can be under way
const kWindowMillis = 8000;
const kWindows = 4; // a machine that stands still freezes the picture, too
const kFrames = 40; // of the 80 in a window: a picture that stands for good is no freeze to Chromium

const kJudgedMillis = 20000; // a window is 5 s; falling takes two or three

// Notes what its own connection is said to be.
const listen_for_quality = (caller) =>
  caller.evaluate(() => {
    window.own = [];
    window.caller.room.on('connectionQualityChanged', (quality, who) => who.isLocal && window.own.push(quality));
  });

// What is lost and not repaired is seen; when it has been, or would have been, what is repaired is not.
async function are_judged(begin, rtx, repaired, plain, lost) {
  const own = (caller) => caller.evaluate(() => window.own);
  if (lost) {
    const what = async () => `${plain.identity} to be ${lost}, told ${await own(plain)}`;
    await until(async () => (await own(plain)).at(-1) === lost, { timeout: kJudgedMillis, every: 300, what });
  }
  await sleep(begin + kJudgedMillis - Date.now());
  const told = await own(rtx);
  assert.ok(told.length > 0 && told.every((one) => repaired.includes(one)), `${rtx.identity} is told ${told}`);
}

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

async function goes_on(to, from, is_fluent) {
  let sum = 0;
  for (let window = 1; ; window += 1) {
    const seen = await frozen(to, from);
    sum += seen.share;
    console.log(`   ${to.identity}: ${JSON.stringify(seen)}`);
    const enough = seen.repaired >= kRepaired && seen.frames >= kFrames && is_fluent(seen.share, sum / window);
    if (!enough && window < kWindows) continue;
    assert.ok(enough, `${to.identity}, frozen for ${sum / window} of ${window} windows: ${JSON.stringify(seen)}`);
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

async function watch({ suite, address, browser }, { name, down, share, number, is_fluent, repaired, lost: seen }) {
  const server = await start_server(suite, behind_netsim());
  const relay = await Netsim.start(suite, server, { down, seed: number });
  const open = (who, index) => Caller.open(suite, browser, address, `${name}-${who}`, number + index);
  const [from, rtx, plain] = [await open('from', 0), await open('rtx', 1), await open('plain', 2)];
  await leave_out(plain, 'rtx');
  for (const caller of [from, rtx, plain]) {
    await caller.join(server, name);
    await listen_for_quality(caller);
  }
  await from.call('publish_picture', kBusy);
  await Promise.all([rtx, plain].map((to) => to.sees(from)));
  const begin = Date.now();
  await Promise.all([goes_on(rtx, from, is_fluent), comes_back(plain, from)]);
  await are_judged(begin, rtx, repaired, plain, seen);
  await Promise.all([from, rtx, plain].map((caller) => caller.close()));
  const { entered, lost } = (await relay.end()).down;
  assert.ok(lost > share[0] * entered && lost < share[1] * entered, `${lost} of ${entered} lost`);
  await server.stop();
}

export async function subscriber_loss_checks(place) {
  await place.suite.check('a picture behind N1 and N2 is repaired with RTX and freezes little; without RTX it comes back [MC-12] [CQ-01]', async () => {
    await Promise.all(kNetworks.map((network) => watch(place, network)));
  }, { seconds: 150 });
}
