// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Firefox ESR and Chromium in one room, single (v1) and dual (v0) peer connection.

import { RoomServiceClient } from 'livekit-server-sdk';

import { start_chromium, start_firefox } from '../lib/browser.mjs';
import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { Caller, meet } from './caller.mjs';
import { held_sound_check, level_checks } from './levels.mjs';

const suite = new Suite({ limit: 450 });

async function mixed_checks({ server, address, chromium, firefox }, v0) {
  const mode = v0 ? 'v0' : 'v1';
  const room = `mixed-${mode}`;
  let fox;
  let chrome;
  const joined = await suite.check(`${mode}: Firefox and Chromium join one room [SIG-83] [SIG-80] [MC-01]`, async () => {
    fox = await Caller.open(suite, firefox, address, 'fox', 1);
    chrome = await Caller.open(suite, chromium, address, 'chrome', 2);
    await fox.join(server, room, { v0 });
    await chrome.join(server, room, { v0 });
  }, { needed: true, seconds: 90 });
  if (!joined) return;

  await suite.check(`${mode}: pixels and tones both ways [IN-56] [SIG-100] [SIG-75] [SDP-45]`, async () => {
    for (const caller of [fox, chrome]) {
      await caller.call('publish_picture');
      await caller.call('publish_tone');
    }
    await meet(fox, chrome, { timeout: 20000 });
  }, { needed: true, seconds: 60 });

  await suite.check(`${mode}: data both ways [SIG-120]`, async () => {
    for (const [from, to] of [[fox, chrome], [chrome, fox]]) {
      for (const reliable of [true, false]) {
        const text = `${from.identity} ${reliable}`;
        await from.call('send', text, { reliable });
        assert.equal((await to.received(text)).from, from.identity);
      }
    }
  });

  await suite.check(`${mode}: Firefox muting and unmuting [SIG-05]`, async () => {
    await fox.call('mute', 'picture', true);
    await fox.call('mute', 'tone', true);
    await Promise.all([chrome.sees_no_more(fox), chrome.hears_nothing_of(fox)]);
    await fox.call('mute', 'picture', false);
    await fox.call('mute', 'tone', false);
    await chrome.sees(fox);
    await chrome.hears(fox);
  });

  await suite.check(`${mode}: VP9 both ways [ROOM-08] [SDP-45]`, async () => {
    await Promise.all([fox, chrome].map((caller) => caller.call('unpublish', 'picture')));
    await Promise.all([fox, chrome].map((caller) => caller.call('publish_picture', { codec: 'vp9' })));
    await Promise.all([fox.sees(chrome), chrome.sees(fox)]);
  }, { seconds: 40 });

  if (!v0) {
    await chrome.call('unpublish', 'picture');
    await level_checks({ suite, server }, mode, chrome, fox, ['vp8', 'vp9']);
    await chrome.call('publish_picture');
  }

  for (const [scenario, rows] of [['resume-reconnect', '[SIG-160]'], ['full-reconnect', '[SIG-162]']]) {
    await suite.check(`${mode}: Firefox is back after ${scenario} ${rows}`, async () => {
      const since = Date.now();
      await fox.call('simulate', scenario);
      await fox.event('reconnected', { since, timeout: 25000 });
      await fox.settled();
      await meet(fox, chrome, { timeout: 20000 });
    }, { seconds: 60 });
  }

  await suite.check(`${mode}: Firefox is told why it may not join [CON-21] [CON-22] [CON-33] [ROOM-06]`, async () => {
    const other = await Caller.open(suite, firefox, address, 'other', 3);
    const forged = await join_token(room, 'other', { secret: 'f'.repeat(40) });
    const unknown = await other.join(server, room, { v0, token: forged, may_fail: true });
    assert.equal(`${unknown.reason} ${unknown.status}`, 'NotAllowed 401', JSON.stringify(unknown));
    const small = `small-${mode}`;
    await new RoomServiceClient(server.http, KEY, SECRET).createRoom({ name: small, maxParticipants: 1 });
    const inside = await SignalClient.join(server, small, 'inside');
    const full = await other.join(server, small, { v0, may_fail: true });
    assert.equal(`${full.reason} ${full.status}`, 'NotAllowed 403', JSON.stringify(full));
    assert.match(full.error, /: the room is full \(max_participants is 1\)$/);
    inside.destroy();
    await other.close();
  }, { seconds: 60 });

  await suite.check(`${mode}: Firefox leaving is seen [SIG-133]`, async () => {
    const since = Date.now();
    await fox.call('leave');
    await chrome.event('participantDisconnected', { who: 'fox', since });
  });
  await Promise.all([fox.close(), chrome.close()]);
}

async function held_sound({ address, chromium, firefox }) {
  const server = await start_server(suite, { confab: { sound_hold: '20ms' } });
  const open = (browser, name, number) => Caller.open(suite, browser, address, name, number);
  const listeners = [await open(firefox, 'fox', 1), await open(chromium, 'chrome', 2)];
  const speakers = [await open(chromium, 'first', 3), await open(chromium, 'second', 4), await open(chromium, 'third', 5)];
  for (const caller of [...listeners, ...speakers]) await caller.join(server, 'held');
  await held_sound_check({ suite, server }, listeners, speakers);
  for (const caller of [...listeners, ...speakers]) await caller.close();
  await server.stop();
}

await suite.run(async () => {
  const [server, address] = await Promise.all([start_server(suite), start_page_server(suite)]);
  const chromium = await start_chromium(suite);
  const firefox = await start_firefox(suite);
  for (const v0 of [false, true]) await mixed_checks({ server, address, chromium, firefox }, v0);
  await held_sound({ address, chromium, firefox });
});
