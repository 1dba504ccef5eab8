// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A call of two pages in one mode.

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Caller, meet } from './caller.mjs';
import { level_checks } from './levels.mjs';

const kOtherCodecs = ['h264', 'vp9', 'av1'];
const kScenarios = [
  ['signal-reconnect', '[SIG-160] [SIG-161]'],
  ['resume-reconnect', '[SIG-160]'],
  ['full-reconnect', '[SIG-162]'],
];

export async function call_checks(place, v0) {
  const { suite, server, address, browser } = place;
  const mode = v0 ? 'v0' : 'v1';
  const room = `call-${mode}`;
  let alice;
  let bob;
  const joined = await suite.check(`${mode}: two pages join [SIG-80] [SIG-82] [SIG-83] [SDP-44]`, async () => {
    alice = await Caller.open(suite, browser, address, 'alice', 1);
    bob = await Caller.open(suite, browser, address, 'bob', 2);
    const own = await alice.join(server, room, { v0 });
    assert.match(own.sid, /^PA_/);
    assert.match(own.room, /^RM_/);
    await bob.join(server, room, { v0 });
    await until(async () => (await alice.person(bob)) && (await bob.person(alice)), { timeout: 5000, what: 'both to know each other' });
  }, { needed: true, seconds: 60 });
  if (!joined) return;

  await suite.check(`${mode}: camera and microphone both ways as pixels and tones, VP8 [SIG-100] [SIG-75] [MC-01]`, async () => {
    await Promise.all([alice, bob].map((caller) => caller.call('publish_picture')));
    await Promise.all([alice, bob].map((caller) => caller.call('publish_tone')));
    await meet(alice, bob);
    await assert_codec([alice, bob], 'vp8');
  }, { needed: true, seconds: 40 });

  await suite.check(`${mode}: every connection uses AES-GCM for SRTP [DES-23] [DTLS-06]`, async () => {
    for (const caller of [alice, bob]) {
      const { ciphers } = await caller.call('transport');
      assert.equal(ciphers.length, v0 ? 2 : 1);
      assert.ok(ciphers.every((cipher) => /GCM/.test(cipher)), `${ciphers}`);
    }
  });

  await mute_checks(suite, mode, alice, bob);
  await data_checks(suite, mode, alice, bob);

  for (const [scenario, rows] of kScenarios) {
    await suite.check(`${mode}: pictures and tones are back after ${scenario} ${rows}`, async () => {
      const since = Date.now();
      await alice.call('simulate', scenario);
      await alice.event('reconnected', { since, timeout: 20000 });
      await alice.settled();
      await meet(alice, bob, { timeout: 20000 });
    }, { seconds: 60 });
  }

  for (const codec of kOtherCodecs) {
    await suite.check(`${mode}: pixels both ways in ${codec.toUpperCase()} [ROOM-08] [SIG-104] [SIG-105] [SDP-30] [SDP-44]`, async () => {
      await Promise.all([alice, bob].map((caller) => caller.call('unpublish', 'picture')));
      await Promise.all([alice, bob].map((caller) => caller.call('publish_picture', { codec })));
      await Promise.all([alice.sees(bob), bob.sees(alice)]);
      await assert_codec([alice, bob], codec);
    }, { seconds: 40 });
  }

  if (!v0) {
    await alice.call('unpublish', 'picture');
    await level_checks(place, mode, alice, bob, ['vp8', 'h264', 'vp9']);
    await alice.call('publish_picture');
  }
  await layer_checks(suite, mode, alice, bob);
  await leave_checks(place, mode, v0, alice, bob);
}

// Both send and receive video in `codec` only.
async function assert_codec(callers, codec) {
  const right = (list) => list.some((one) => one.frames > 0 && one.mime?.toLowerCase() === `video/${codec}`);
  for (const caller of callers) {
    let last;
    await until(async () => {
      last = await caller.call('transport');
      return right(last.received) && right(last.sent);
    }, { timeout: 5000, every: 200, what: () => `${codec} at ${caller.identity}: ${JSON.stringify(last)}` });
  }
}

async function mute_checks(suite, mode, alice, bob) {
  await suite.check(`${mode}: muting stops picture and tone, unmuting brings them back [SIG-05]`, async () => {
    await alice.call('mute', 'picture', true);
    await alice.call('mute', 'tone', true);
    await Promise.all([bob.sees_no_more(alice), bob.hears_nothing_of(alice)]);
    const { tracks } = await bob.person(alice);
    assert.ok(tracks.length === 2 && tracks.every((track) => track.muted), JSON.stringify(tracks));
    await alice.call('mute', 'picture', false);
    await alice.call('mute', 'tone', false);
    await bob.sees(alice);
    await bob.hears(alice);
    assert.ok((await bob.person(alice)).tracks.every((track) => !track.muted), 'unmuted');
  });
}

async function data_checks(suite, mode, alice, bob) {
  await suite.check(`${mode}: data both ways, reliable and lossy [SIG-120]`, async () => {
    for (const [from, to] of [[alice, bob], [bob, alice]]) {
      for (const reliable of [true, false]) {
        const text = `${mode} from ${from.identity} ${reliable}`;
        await from.call('send', text, { reliable, topic: 'talk', to: [to.identity] });
        const packet = await to.received(text);
        assert.equal(packet.from, from.identity);
        assert.equal(packet.topic, 'talk');
      }
    }
  });

  await suite.check(`${mode}: text streams and RPC both ways, with errors [SIG-120] [SIG-128]`, async () => {
    const text = 'Größe ∞ 𝄞 '.repeat(4000);
    for (const [from, to] of [[alice, bob], [bob, alice]]) {
      await to.call('take_texts', `to-${to.identity}`);
      await to.call('answer_rpc');
      await from.call('send_text', text, `to-${to.identity}`);
      assert.equal((await to.received(text)).from, from.identity);
      assert.deepEqual(await from.call('rpc', to.identity, 'echo', 'hi'), { value: `${from.identity}:hi` });
      assert.deepEqual(await from.call('rpc', to.identity, 'fail', ''), { code: 4711, message: 'not today', data: 'details' });
      assert.equal((await from.call('rpc', to.identity, 'unknown', '')).code, 1400);
    }
  });

  await suite.check(`${mode}: attributes reach the other page [SIG-130]`, async () => {
    await alice.call('set_attributes', { hand: 'up' });
    await until(async () => (await bob.person(alice)).attributes.hand === 'up', { what: 'the attribute' });
  });
}

// A publication with layers, and the width of its lowest. Chromium's VP9 has no layer below
// 240 pixels, so that three asked for are two here.
const kFull = { size: { width: 640, height: 360, fps: 12 }, bitrate: 400000 };
const kLayers = [[160, 90, 60000, 12], [320, 180, 120000, 12]];
const kLayered = [
  { kind: 'simulcast VP8', low: 160, options: { ...kFull, codec: 'vp8', layers: kLayers } },
  { kind: 'scalable VP9', low: 320, options: { ...kFull, codec: 'vp9' } },
];

async function layer_checks(suite, mode, alice, bob) {
  const shows = async (width, timeout = 20000) => {
    let log;
    await until(async () => {
      log = (await bob.person(alice))?.picture;
      return log?.width === width;
    }, { timeout, every: 100, what: async () => `a picture ${width} wide: ${JSON.stringify(log)}, sent ${JSON.stringify((await alice.call('transport')).sent)}` });
    await bob.sees(alice);
  };

  for (const { kind, low, options } of kLayered) {
    await suite.check(`${mode}: ${kind} switches LOW, HIGH, LOW and HIGH [SIG-113] [MC-09]`, async () => {
      await alice.call('unpublish', 'picture');
      await alice.call('publish_picture', options);
      await bob.sees(alice);
      await shows(640, 30000);
      for (const [quality, width] of [['low', low], ['high', 640], ['low', low], ['high', 640]]) {
        await bob.call('quality', 'alice', quality);
        await shows(width);
      }
    }, { seconds: 90 });
  }

  await suite.check(`${mode}: unsubscribing stops the picture, subscribing brings it back [SIG-110]`, async () => {
    await bob.call('subscribe', 'alice', false);
    await bob.event('trackUnsubscribed', { who: 'alice' });
    await bob.call('subscribe', 'alice', true);
    await bob.sees(alice);
  });
}

async function leave_checks(place, mode, v0, alice, bob) {
  const { suite, server, browser, address } = place;

  await suite.check(`${mode}: a late comer sees and hears [SIG-110] [MC-07]`, async () => {
    const late = await Caller.open(suite, browser, address, 'late', 3);
    await late.join(server, `call-${mode}`, { v0 });
    await late.sees(alice, { changes: 1 });
    await late.hears(bob);
    await late.close();
  }, { seconds: 60 });

  await suite.check(`${mode}: leaving and closing the page are seen [SIG-133]`, async () => {
    let since = Date.now();
    await alice.call('leave');
    await bob.event('participantDisconnected', { who: 'alice', since });
    await alice.join(server, `call-${mode}`, { v0 });
    await alice.call('publish_tone');
    await bob.hears(alice);
    since = Date.now();
    await alice.close();
    await bob.event('participantDisconnected', { who: 'alice', since });
    await bob.close();
  }, { seconds: 40 });
}
