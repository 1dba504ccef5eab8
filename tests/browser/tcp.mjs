// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A browser that may not use UDP: everything goes over ICE/TCP.

import { start_chromium } from '../lib/browser.mjs';
import { assert } from '../lib/suite.mjs';
import { Caller, meet } from './caller.mjs';

const kNoUdp = ['--webrtc-ip-handling-policy=disable_non_proxied_udp', '--force-webrtc-ip-handling-policy=disable_non_proxied_udp'];

export async function tcp_checks({ suite, server, address }) {
  const modes = [false, true].map((v0) => ({ v0, mode: v0 ? 'v0' : 'v1' }));
  const name = (mode) => `${mode}: with UDP blocked the call runs over ICE/TCP [MC-02] [ICE-08]`;
  if (!modes.some(({ mode }) => suite.selected(name(mode)))) return;
  const browser = await start_chromium(suite, { args: kNoUdp });
  for (const { v0, mode } of modes) {
    await suite.check(name(mode), async () => {
      const alice = await Caller.open(suite, browser, address, 'alice', 1);
      const bob = await Caller.open(suite, browser, address, 'bob', 2);
      for (const caller of [alice, bob]) {
        await caller.join(server, `tcp-${mode}`, { v0 });
        await caller.call('publish_picture');
        await caller.call('publish_tone');
      }
      await meet(alice, bob);
      for (const caller of [alice, bob]) {
        const { protocols } = await caller.call('transport');
        assert.ok(protocols.length > 0 && protocols.every((one) => one === 'tcp'), `${protocols}`);
      }
      await Promise.all([alice.close(), bob.close()]);
    }, { seconds: 60 });
  }
}
