// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Who talks how loud, as livekit-client tells its application, and a microphone that is muted over
// and over while somebody listens and somebody else is silent.

import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';

const kLoudness = { loud: 0.9, middle: 0.4, soft: 0.12 }; // amplitudes
const kLevels = [6 / 8, 3 / 8, 1 / 8]; // of 0.64, 0.28 and 0.09, in steps of an eighth
const kMutes = 50; // in each mode
const kBackMillis = 5000; // of a busy machine
const kRate = 48; // ticks in a millisecond
const kStrayMillis = 1000; // what is played late on a busy machine; what a mute lost or added would grow with each
const kQualityMillis = 12000; // two windows in which connections are judged
const kSilentPackets = 20; // a second; sound takes 50

async function talkers({ suite, server, address, browser }) {
  const listener = await Caller.open(suite, browser, address, 'listener', 20);
  await listener.join(server, 'talkers');
  const all = {};
  for (const [name, loudness] of Object.entries(kLoudness)) {
    all[name] = await Caller.open(suite, browser, address, name, 21 + Object.keys(all).length);
    await all[name].join(server, 'talkers');
    await all[name].call('publish_tone', { loudness });
  }
  const follow = async (order) => {
    const wanted = JSON.stringify(order.map((name, at) => [name, kLevels[at]]));
    const told = () => listener.evaluate(() => JSON.stringify(window.caller.room.activeSpeakers.map((one) => [one.identity, one.audioLevel])));
    await until(async () => (await told()) === wanted, { timeout: 10000, every: 100, what: async () => `${wanted}, told ${await told()}` });
  };
  await follow(['loud', 'middle', 'soft']);
  await all.soft.call('loudness', kLoudness.loud);
  await all.loud.call('loudness', kLoudness.middle);
  await all.middle.call('loudness', kLoudness.soft);
  await follow(['soft', 'loud', 'middle']);
  await Promise.all([listener, ...Object.values(all)].map((caller) => caller.close()));
}

async function mutes({ suite, server, address, browser }, v0) {
  const mode = v0 ? 'v0' : 'v1';
  const open = (name, number) => Caller.open(suite, browser, address, `${name}-${mode}`, number);
  const [talker, silent, listener] = [await open('talker', 25), await open('silent', 26), await open('listens', 27)];
  for (const caller of [talker, silent, listener]) {
    await caller.join(server, `mutes-${mode}`, { v0 });
    await caller.evaluate(() => {
      window.qualities = [];
      window.caller.room.on('connectionQualityChanged', (quality, who) => window.qualities.push(`${who.identity} ${quality}`));
    });
  }
  const begin = Date.now();
  for (const caller of [talker, silent]) await caller.call('publish_tone');
  await Promise.all([listener.hears(talker), listener.hears(silent)]);
  await silent.call('fall_silent');
  await listener.evaluate(async (identity) => {
    const { Ear } = await import('/page/ear.js');
    window.ear = new Ear(window.caller.room.remoteParticipants.get(identity));
  }, talker.identity);
  const is = async (loud, round) => {
    const came = await listener.evaluate((...wanted) => window.ear.is(...wanted), loud, kBackMillis);
    assert.ok(came, `${loud ? 'nothing' : 'something'} is heard, ${mode} round ${round}`);
  };
  const played = () => listener.evaluate(() => window.ear.played());
  await is(true, 'first');
  const first = await played();
  let most = 0;
  for (let round = 0; round < kMutes; round += 1) {
    await talker.call('mute', 'tone', true);
    await is(false, round);
    await talker.call('mute', 'tone', false);
    await is(true, round);
    const now = await played();
    assert.equal(now.source, first.source, `another stream, ${mode} round ${round}`);
    const ticks = (now.rtp - first.rtp) | 0;
    const stray = Math.abs(ticks / kRate - (now.at - first.at));
    most = Math.max(most, stray);
    assert.ok(stray < kStrayMillis, `RTP is ${stray} ms off the clock, ${mode} round ${round}`);
  }
  console.log(`   ${mode}: ${kMutes} mutes, ${Math.round(most)} ms off the clock at most, after ${Date.now() - begin} ms`);
  await listener.hears(talker);
  const sent = async () => (await silent.call('outbound', 'tone'))[0];
  const before = await sent();
  await sleep(Math.max(2000, begin + kQualityMillis - Date.now()));
  const after = await sent();
  const rate = (1000 * (after.packetsSent - before.packetsSent)) / (after.timestamp - before.timestamp);
  assert.ok(rate < kSilentPackets, `${rate} packets a second of silence`);
  for (const caller of [talker, silent, listener]) {
    const { told, own, people } = await caller.evaluate(() => ({
      told: window.qualities,
      own: window.caller.room.localParticipant.connectionQuality,
      people: [...window.caller.room.remoteParticipants.values()].map((one) => one.connectionQuality),
    }));
    assert.deepEqual([own, ...new Set(told.map((one) => one.split(' ')[1]))], ['excellent', 'excellent'], `${caller.identity}: ${told}`);
    const events = await caller.evaluate(() => window.caller.events.map(({ name }) => name));
    assert.deepEqual(events.filter((name) => /reconnect|disconnected|failed/i.test(name)), []);
    if (caller === listener) assert.deepEqual(people, ['excellent', 'excellent'], `${told}`);
  }
  await Promise.all([talker, silent, listener].map((caller) => caller.close()));
}

export async function talker_checks(place) {
  await place.suite.check('three talkers are told in the order of their loudness, in steps of an eighth [MC-08] [IN-31] [IN-30]', () => talkers(place), { seconds: 60 });
  await place.suite.check(`${2 * kMutes} mutes: the sound is back each time, RTP goes on with the clock, connections stay excellent [MC-08] [CQ-03] [IN-33]`, async () => {
    await Promise.all([mutes(place, false), mutes(place, true)]);
  }, { seconds: 120 });
}
