// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The network goes away for 19 s under calls of livekit-client in Chromium, with one and with two
// connections: UDP alone while ICE/TCP and signalling live, and everything (interop/outage.mjs has
// the same for the Rust core). It is nearly all waiting, so the calls of a mode wait together.

import { start_chromium } from '../lib/browser.mjs';
import { MediaProxy } from '../lib/media_proxy.mjs';
import { start_server } from '../lib/server.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { Suite } from '../lib/suite.mjs';
import { sleep } from '../lib/wait.mjs';
import { Caller, meet } from './caller.mjs';

const kOutageMillis = 19000;
const kBackMillis = 20000;
// At twelve frames a second: more than what was under way when the cut came.
const kFresh = { changes: 18 };

const cut = (proxy, off) => {
  proxy.to_server = () => !off;
  proxy.to_client = () => !off;
};

async function call({ suite, browser, address }, server, room, v0, tcp) {
  const proxy = await MediaProxy.start(suite, server);
  proxy.tcp = tcp;
  const alice = await Caller.open(suite, browser, address, 'alice', 1);
  const bob = await Caller.open(suite, browser, address, 'bob', 2);
  await alice.join({ ws: proxy.ws }, room, { v0 });
  await bob.join(server, room, { v0 });
  await Promise.all([alice, bob].flatMap((caller) => [caller.call('publish_picture'), caller.call('publish_tone')]));
  await meet(alice, bob);
  const close = () => Promise.all([alice.close(), bob.close()]);
  return { proxy, alice, bob, close };
}

async function both_ways(label, { alice, bob }, timeout) {
  const begin = Date.now();
  const took = (seen) => seen.then(() => ((Date.now() - begin) / 1000).toFixed(1));
  const [up, down] = await Promise.all([
    took(bob.sees(alice, { timeout, ...kFresh })),
    took(alice.sees(bob, { timeout, ...kFresh })),
  ]);
  await Promise.all([bob.hears(alice), alice.hears(bob)]);
  console.log(`   ${label}: uplink after ${up} s, downlink after ${down} s`);
}

const suite = new Suite({ limit: 250 });
await suite.run(async () => {
  const [server, address, browser] = await Promise.all([start_server(suite), start_page_server(suite), start_chromium(suite, { whole: false })]);
  const without_tcp = await start_server(suite, { rtc: { tcp_port: 0 } });
  const place = { suite, browser, address };
  // One mode after the other: eight pages that encode and decode at once are more than two cores have.
  for (const v0 of [false, true]) {
    const mode = v0 ? 'v0' : 'v1';
    const over_tcp = suite.check(`${mode}: UDP is cut for 19 s: both directions go on over TCP [SIG-145] [SIG-160] [ICE-15]`, async () => {
      const pair = await call(place, server, `udp-${mode}`, v0, true);
      cut(pair.proxy, true);
      const over = sleep(kOutageMillis);
      // Chromium gives UDP up after 15 s; UDP stays cut until both have been seen over TCP.
      await both_ways(`${mode}, over TCP`, pair, kOutageMillis + kBackMillis);
      await over;
      cut(pair.proxy, false);
      await both_ways(`${mode}, UDP is there again`, pair, kBackMillis);
      await pair.close();
    }, { seconds: 120 });
    const all = suite.check(`${mode}: everything is cut for 19 s: both directions are back [SIG-145] [SIG-160]`, async () => {
      const pair = await call(place, without_tcp, `all-${mode}`, v0, false);
      cut(pair.proxy, true);
      pair.proxy.hold_signal(true);
      await sleep(kOutageMillis);
      cut(pair.proxy, false);
      pair.proxy.hold_signal(false);
      await both_ways(`${mode}, after everything was cut`, pair, kBackMillis);
      await pair.close();
    }, { seconds: 120 });
    await Promise.all([over_tcp, all]);
  }
});
