// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A browser that may not use UDP, and a server that is told not to: everything goes over ICE/TCP.

import { start_chromium } from '../lib/browser.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { Caller, meet } from './caller.mjs';

const kNoUdp = ['--webrtc-ip-handling-policy=disable_non_proxied_udp', '--force-webrtc-ip-handling-policy=disable_non_proxied_udp'];

async function call_over_tcp({ suite, browser, server, address }, room, v0) {
  const alice = await Caller.open(suite, browser, address, 'alice', 1);
  const bob = await Caller.open(suite, browser, address, 'bob', 2);
  for (const caller of [alice, bob]) {
    await caller.join(server, room, { v0 });
    await caller.call('publish_picture');
    await caller.call('publish_tone');
  }
  await meet(alice, bob);
  for (const caller of [alice, bob]) {
    const { protocols } = await caller.call('transport');
    assert.ok(protocols.length > 0 && protocols.every((one) => one === 'tcp'), `${protocols}`);
  }
  await Promise.all([alice.close(), bob.close()]);
}

async function run({ suite, server, address }, name, kind, args) {
  const modes = [false, true].map((v0) => ({ v0, mode: v0 ? 'v0' : 'v1' }));
  if (!modes.some(({ mode }) => suite.selected(name(mode)))) return;
  const browser = await start_chromium(suite, { args });
  const used = server ?? (await start_server(suite, { rtc: { force_tcp: true } }));
  for (const { v0, mode } of modes) {
    await suite.check(name(mode), () => call_over_tcp({ suite, browser, server: used, address }, `${kind}-${mode}`, v0), { seconds: 60 });
  }
  await browser.close();
  if (!server) await used.stop();
}

export async function tcp_checks({ suite, server, address }) {
  await run({ suite, server, address }, (mode) => `${mode}: with UDP blocked the call runs over ICE/TCP [MC-02] [ICE-08]`, 'tcp', kNoUdp);
  await run({ suite, address }, (mode) => `${mode}: with rtc.force_tcp the call runs over ICE/TCP [ICE-08]`, 'forced', []);
}
