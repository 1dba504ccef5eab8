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
import { sleep, until } from '../lib/wait.mjs';

const kFresh = { changes: 10, timeout: 15000 };
const kFar = 'delay=150ms';
const kLargest = { width: 1280, height: 720, fps: 20, busy: 0.05 };
const kLayers = [[320, 180, 150_000, 20], [640, 360, 450_000, 20]];
const kFoundSeconds = 4;
const kFound = 2_000_000; // bits per second: what the layers take, and what only a probe shows as early

// What a page's estimate says that it may send.
async function may_send(caller) {
  const rates = await caller.evaluate(async () => {
    const report = await window.caller.room.engine.pcManager.publisher.pc.getStats();
    return [...report.values()].filter((one) => one.type === 'candidate-pair').map((one) => one.availableOutgoingBitrate ?? 0);
  });
  return Math.max(0, ...rates);
}

// libwebrtc probes with its first packets only; who is far away sends them before it has nominated a pair.
export async function far_check(suite) {
  await suite.check('Chromium, 150 ms away: its first probe is answered, and who comes later sees 720 lines at once [IN-07][ICE-06]', async () => {
    const [server, address, browser] = await Promise.all([
      start_server(suite, behind_netsim()),
      start_page_server(suite),
      start_chromium(suite),
    ]);
    const relay = await Netsim.start(suite, server, { up: kFar, down: kFar });
    const from = await Caller.open(suite, browser, address, 'erin', 5);
    const to = await Caller.open(suite, browser, address, 'frank', 6);
    await from.join(server, 'far');
    await from.call('publish_picture', { codec: 'vp8', bitrate: 1_700_000, size: kLargest, layers: kLayers });
    let found = 0;
    await until(async () => (found = await may_send(from)) > kFound, { timeout: kFoundSeconds * 1000, every: 100, what: () => `more than ${kFound} bit/s, has ${found}` });
    await sleep(1000); // the largest layer begins
    const since = Date.now();
    await to.join(server, 'far');
    const first = async () => (await to.call('inbound', 'erin', 'picture'))[0];
    let seen;
    await until(async () => ((seen = await first())?.framesDecoded ?? 0) > 0, { timeout: 10000, every: 20, what: 'a picture' });
    const took = Date.now() - since;
    await until(async () => (seen = await first()).frameHeight === 720, { timeout: 3000, every: 100, what: () => `720 lines, has ${seen.frameHeight}` });
    console.log(`   ${(found / 1e6).toFixed(1)} Mbit/s found, the first picture after ${took} ms`);
    await Promise.all([from.close(), to.close()]);
    await browser.close();
    await relay.end();
  }, { seconds: 60 });
}

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
