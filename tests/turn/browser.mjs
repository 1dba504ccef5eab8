// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Two participants in Chromium, and in Firefox, that may only relay: over UDP, over TLS, and over TLS
// that a proxy in front ends.

import fs from 'node:fs';
import tls from 'node:tls';
import net from 'node:net';

import { Caller, meet } from '../browser/caller.mjs';
import { start_chromium, start_firefox } from '../lib/browser.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { relayed, start_turn_server } from './settings.mjs';

const kTlsPort = 443; // as clients are told, whatever turn.tls_port says
const kPlainPort = 5349;

// Ends TLS at port 443 and hands on what is inside.
async function start_proxy({ suite, host, certificate }) {
  const options = { cert: fs.readFileSync(certificate.cert_file), key: fs.readFileSync(certificate.key_file) };
  const proxy = tls.createServer(options, (outside) => {
    const inside = net.connect(kPlainPort, host);
    outside.pipe(inside).pipe(outside);
    for (const socket of [outside, inside]) {
      socket.on('error', () => {});
      socket.on('close', () => [outside, inside].forEach((one) => one.destroy()));
    }
  });
  await new Promise((resolve) => proxy.listen(kTlsPort, host, resolve));
  suite.cleanup(() => proxy.close());
  return proxy;
}

const ways = (certificate) => [
  { label: 'UDP', turn: {}, expect: 'udp' },
  { label: 'TLS', turn: { udp_port: 0, tls_port: kTlsPort, domain: 'turn.test', ...certificate }, expect: 'tls' },
  { label: 'TLS that a proxy ends', turn: { udp_port: 0, tls_port: kPlainPort, domain: 'turn.test', external_tls: true }, expect: 'tls', proxied: true },
];

const kModes = [false, true].map((v0) => ({ v0, mode: v0 ? 'v0' : 'v1' }));

const kBrowsers = [
  { browser: 'Chromium', start: (suite) => start_chromium(suite, { args: ['--ignore-certificate-errors'] }) },
  { browser: 'Firefox', start: (suite) => start_firefox(suite, { any_certificate: true }) },
];

async function relayed_call({ suite, address }, browser, server, room, v0, expect) {
  const before = await relayed(server);
  const alice = await Caller.open(suite, browser, address, 'alice', 1);
  const bob = await Caller.open(suite, browser, address, 'bob', 2);
  for (const caller of [alice, bob]) {
    await caller.join(server, room, { v0, relay: true });
    await caller.call('publish_picture');
    await caller.call('publish_tone');
  }
  await meet(alice, bob, { timeout: 20000 });
  for (const caller of [alice, bob]) {
    // Statistics of a connection come bit by bit.
    let relays = [];
    const relayed = async () => {
      ({ relays } = await caller.call('transport'));
      return relays.length > 0 && relays.every((one) => one === expect);
    };
    await until(relayed, { what: () => `relaying over ${expect}, is over [${relays}]` });
  }
  // Media of relayed pairs passes no socket behind the TURN server.
  const after = await relayed(server);
  const by_rings = after.to_peer + after.to_client - before.to_peer - before.to_client;
  const by_sockets = after.sockets - before.sockets;
  assert.ok(by_rings > 100 && by_sockets * 50 < by_rings, `${by_rings} datagrams by rings, ${by_sockets} by sockets`);
  await Promise.all([alice.close(), bob.close()]);
}

export async function browser_checks(place) {
  const { suite, certificate } = place;
  const name = (browser, mode, label) => `${browser}, ${mode}: relay-only call over ${label} [TURN-01] [TURN-02] [TURN-14] [SIG-88]`;
  const asked = (browser, label) => kModes.some(({ mode }) => suite.selected(name(browser, mode, label)));
  const wanted = ways(certificate).filter(({ label }) => kBrowsers.some(({ browser }) => asked(browser, label)));
  if (wanted.length === 0) return;
  const address = await start_page_server(suite);
  const browsers = [];
  for (const { browser, start } of kBrowsers) {
    if (wanted.some(({ label }) => asked(browser, label))) browsers.push({ browser, running: await start(suite) });
  }
  for (const { label, turn, expect, proxied } of wanted) {
    const server = await start_turn_server(place, turn);
    const proxy = proxied && (await start_proxy(place));
    for (const { browser, running } of browsers) {
      for (const { v0, mode } of kModes) {
        const room = `turn-${browser}-${label}-${mode}`;
        await suite.check(name(browser, mode, label), () => relayed_call({ suite, address }, running, server, room, v0, expect), { seconds: 60 });
      }
    }
    proxy?.close();
    await server.stop();
  }
}
