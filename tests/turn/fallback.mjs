// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// UDP stops under calls of Chromium, young ones, while signalling lives and there is no ICE/TCP: the
// server sends it to TURN over TLS, at once and the next time, or does not where that is not allowed.

import { ClientConfigSetting } from '@livekit/protocol';

import { Caller, meet } from '../browser/caller.mjs';
import { start_chromium } from '../lib/browser.mjs';
import { MediaProxy } from '../lib/media_proxy.mjs';
import { start_server } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { start_turn_server } from './settings.mjs';

const kTlsPort = 443; // as clients are told, whatever turn.tls_port says
const kFailedMillis = 40000; // the server gives a connection up after 15 s
const kTlsUrl = 'turns:turn.test:443?transport=tcp';

const forced = (response) => response.clientConfiguration?.forceRelay === ClientConfigSetting.ENABLED;
const urls = (response) => response.iceServers.flatMap((one) => one.urls);

async function join_behind_proxy({ suite, browser, address }, server, room, identity, number, v0) {
  const proxy = await MediaProxy.start(suite, server);
  const caller = await Caller.open(suite, browser, address, identity, number);
  await caller.join({ ws: proxy.ws }, room, { v0 });
  await caller.call('publish_picture');
  await caller.call('publish_tone');
  return { proxy, caller };
}

// No datagram goes either way any more; what it is told from now on it may try.
function block_udp(proxy) {
  proxy.to_server = () => false;
  proxy.to_client = () => false;
  proxy.real_candidates = true;
}

async function told_to_resume(proxy) {
  await until(() => proxy.responses.reconnect !== undefined, { timeout: kFailedMillis, what: 'the answer to a resume' });
  return proxy.responses.reconnect;
}

async function relays_over_tls(caller) {
  let relays = [];
  const only_tls = async () => {
    ({ relays } = await caller.call('transport'));
    return relays.length > 0 && relays.every((one) => one === 'tls');
  };
  await until(only_tls, { what: () => `${caller.identity} to relay over TLS, is over [${relays}]` });
}

async function goes_over_tls(browsing, server) {
  const bob = await Caller.open(browsing.suite, browsing.browser, browsing.address, 'bob', 3);
  await bob.join(server, 'fallback');
  await bob.call('publish_picture');
  await bob.call('publish_tone');
  const v1 = await join_behind_proxy(browsing, server, 'fallback', 'single', 1, false);
  const v0 = await join_behind_proxy(browsing, server, 'fallback', 'dual', 2, true);
  await Promise.all([meet(v1.caller, bob), meet(v0.caller, bob)]);
  assert.ok(!forced(v1.proxy.responses.join));
  assert.equal(urls(v1.proxy.responses.join).length, 2);
  for (const { proxy } of [v1, v0]) block_udp(proxy);
  await Promise.all([v1, v0].map(async ({ proxy, caller }) => {
    const told = await told_to_resume(proxy);
    assert.ok(forced(told), caller.identity);
    assert.deepEqual(urls(told), [kTlsUrl]);
    // More pictures than were under way when the cut came.
    await Promise.all([bob.sees(caller, { timeout: 20000, changes: 18 }), caller.sees(bob, { timeout: 20000, changes: 18 })]);
    await Promise.all([bob.hears(caller), caller.hears(bob)]);
    await relays_over_tls(caller);
  }));
  await Promise.all([v1, v0].map(({ caller }) => caller.close()));
  // Their next session, and nobody else's.
  for (const identity of ['single', 'dual', 'carol']) {
    const { last, leave } = await SignalClient.join(server, 'fallback', identity).then((client) => ({ last: client.last, leave: () => client.leave() }));
    assert.equal(forced(last.join), identity !== 'carol', identity);
    assert.equal(urls(last.join).length, identity === 'carol' ? 2 : 1, identity);
    await leave();
  }
  await bob.close();
}

async function stays({ suite, browser, address }, server) {
  const { proxy, caller } = await join_behind_proxy({ suite, browser, address }, server, 'no-fallback', 'dave', 1, false);
  block_udp(proxy);
  const told = await told_to_resume(proxy);
  assert.ok(!forced(told));
  assert.equal(urls(told).length, 1);
  await caller.close();
}

export async function fallback_checks(place) {
  const { suite, certificate, host } = place;
  const names = {
    tls: 'UDP stops under a young call of Chromium: it goes on over TURN and TLS, and begins there next time [SIG-89] [ICE-15] [ICE-19] [MC-02]',
    off: 'rtc.allow_tcp_fallback: false: it is told to resume and nothing else [SIG-89]',
  };
  if (!Object.values(names).some((name) => suite.selected(name))) return;
  const turn_server = { host: 'turn.test', port: kTlsPort, protocol: 'tls', username: 'user', credential: 'word' };
  const address = await start_page_server(suite);
  const browser = await start_chromium(suite, { args: ['--ignore-certificate-errors'] });
  const server = await start_turn_server(place, { tls_port: kTlsPort, domain: 'turn.test', ...certificate }, { rtc: { tcp_port: 0 } });
  const refusing = await start_server(suite, { rtc: { node_ip: host, tcp_port: 0, allow_tcp_fallback: false, turn_servers: [turn_server] } });
  // Nearly all of it is waiting.
  await Promise.all([
    suite.check(names.tls, () => goes_over_tls({ suite, browser, address }, server), { seconds: 120 }),
    suite.check(names.off, () => stays({ suite, browser, address }, refusing), { seconds: 120 }),
  ]);
  await Promise.all([server.stop(), refusing.stop()]);
}
