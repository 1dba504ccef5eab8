// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The network goes away for 19 s under calls of @livekit/rtc-node, less than the 20 s after which a
// participant that failed is given up (SIG-145): UDP alone while ICE/TCP and signalling live, and
// everything. Most of it is waiting, so the modes wait together.

import { MediaProxy } from '../lib/media_proxy.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { start_server } from '../lib/server.mjs';
import { Suite } from '../lib/suite.mjs';
import { sleep } from '../lib/wait.mjs';

const kOutageMillis = 19000;
const kBackMillis = 15000;
// At ten frames a second: more than what was under way when the cut came.
const kFresh = { changes: 15 };

async function call(suite, server, { single, label }, tcp) {
  const proxy = await MediaProxy.start(suite, server);
  proxy.tcp = tcp;
  const room = `outage-${label}-${tcp}`;
  const alice = await Peer.join(suite, { ws: proxy.ws }, room, 'alice', { number: 1, single });
  const bob = await Peer.join(suite, server, room, 'bob', { number: 2, single });
  await Promise.all([alice.publish_picture(), alice.publish_tone(), bob.publish_picture(), bob.publish_tone()]);
  await Promise.all([bob.sees(alice), alice.sees(bob), bob.hears(alice), alice.hears(bob)]);
  return { proxy, alice, bob };
}

// Both directions, and how long each took.
async function both_ways(alice, bob, timeout) {
  const begin = Date.now();
  const took = async (seen) => {
    await seen;
    return ((Date.now() - begin) / 1000).toFixed(1);
  };
  const [up, down] = await Promise.all([
    took(bob.sees(alice, { timeout, ...kFresh })),
    took(alice.sees(bob, { timeout, ...kFresh })),
  ]);
  await Promise.all([bob.hears(alice), alice.hears(bob)]);
  return `uplink after ${up} s, downlink after ${down} s`;
}

const cut = (proxy, off) => {
  proxy.to_server = () => !off;
  proxy.to_client = () => !off;
};

async function outage_checks(suite, { with_tcp, without_tcp }, mode) {
  const { label } = mode;
  await suite.check(`${label}: UDP is cut for 19 s: both directions go on over TCP [SIG-145] [SIG-160] [ICE-15]`, async () => {
    const { proxy, alice, bob } = await call(suite, with_tcp, mode, true);
    const since = Date.now();
    cut(proxy, true);
    console.log(`   ${await both_ways(alice, bob, kOutageMillis)}`);
    await sleep(Math.max(0, since + kOutageMillis - Date.now()));
    cut(proxy, false);
    await both_ways(alice, bob, kBackMillis);
    await Promise.all([alice.leave(), bob.leave()]);
  }, { seconds: 80 });

  await suite.check(`${label}: everything is cut for 19 s: both directions are back [SIG-145] [SIG-160]`, async () => {
    const { proxy, alice, bob } = await call(suite, without_tcp, mode, false);
    cut(proxy, true);
    proxy.hold_signal(true);
    await sleep(kOutageMillis);
    cut(proxy, false);
    proxy.hold_signal(false);
    console.log(`   ${await both_ways(alice, bob, kBackMillis)}`);
    await Promise.all([alice.leave(), bob.leave()]);
  }, { seconds: 80 });
}

const suite = new Suite({ limit: 300 });
await suite.run(async () => {
  const [with_tcp, without_tcp] = await Promise.all([start_server(suite), start_server(suite, { rtc: { tcp_port: 0 } })]);
  const modes = [true, false].map((single) => ({ single, label: single ? 'single PC' : 'dual PC' }));
  await Promise.all(modes.map((mode) => outage_checks(suite, { with_tcp, without_tcp }, mode)));
});
