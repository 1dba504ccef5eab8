// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// livekit-client in Chromium behind the relay: a long way with loss, and new ports in mid-call.

import { Caller, meet } from '../browser/caller.mjs';
import { start_chromium } from '../lib/browser.mjs';
import { behind_netsim, Netsim } from '../lib/netsim.mjs';
import { start_server } from '../lib/server.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert } from '../lib/suite.mjs';

const kFresh = { changes: 10, timeout: 15000 };

export async function chromium_check(suite) {
  await suite.check('Chromium, 150 ms ±30 ms each way and 2 % lost, then new ports: the call goes on [MC-07]', async () => {
    const [server, address, browser] = await Promise.all([
      start_server(suite, behind_netsim()),
      start_page_server(suite),
      start_chromium(suite),
    ]);
    const link = 'delay=150ms,jitter=30ms,correlation=25%,loss=2%';
    const relay = await Netsim.start(suite, server, { up: link, down: link, seed: 5 });
    const callers = [await Caller.open(suite, browser, address, 'carol', 3), await Caller.open(suite, browser, address, 'dave', 4)];
    const [carol, dave] = callers;
    for (const caller of callers) {
      await caller.join(server, 'chromium');
      await caller.call('publish_picture');
      await caller.call('publish_tone');
    }
    await meet(carol, dave, kFresh);
    const since = Date.now();
    await relay.apply('rebind');
    await meet(carol, dave, kFresh);
    console.log(`   ten pictures after ${((Date.now() - since) / 1000).toFixed(1)} s`);
    for (const caller of callers) await caller.assert_undisturbed(since);
    await Promise.all(callers.map((caller) => caller.close()));
    await browser.close();
    const { up, down, rebinds } = await relay.end();
    assert.equal(rebinds, 1);
    for (const way of [up, down]) assert.ok(way.entered > 200 && way.lost > 0, `${way.lost} of ${way.entered} lost`);
  }, { seconds: 60 });
}
