// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Two participants in Chromium that may only relay: over UDP, over TLS, and over TLS that a proxy in
// front ends.

import fs from 'node:fs';
import tls from 'node:tls';
import net from 'node:net';

import { Caller, meet } from '../browser/caller.mjs';
import { start_chromium } from '../lib/browser.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { until } from '../lib/wait.mjs';
import { start_turn_server } from './settings.mjs';

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

export async function browser_checks(place) {
  const { suite, certificate } = place;
  const name = (mode, label) => `Chromium, ${mode}: relay-only call over ${label} [TURN-01] [TURN-02] [TURN-14] [SIG-88]`;
  const modes = [false, true].map((v0) => ({ v0, mode: v0 ? 'v0' : 'v1' }));
  const wanted = ways(certificate).filter(({ label }) => modes.some(({ mode }) => suite.selected(name(mode, label))));
  if (wanted.length === 0) return;
  const address = await start_page_server(suite);
  const browser = await start_chromium(suite, {
    args: ['--ignore-certificate-errors'],
  });
  for (const { label, turn, expect, proxied } of wanted) {
    const server = await start_turn_server(place, turn);
    const proxy = proxied && (await start_proxy(place));
    for (const { v0, mode } of modes) {
      await suite.check(name(mode, label), async () => {
        const alice = await Caller.open(suite, browser, address, 'alice', 1);
        const bob = await Caller.open(suite, browser, address, 'bob', 2);
        for (const caller of [alice, bob]) {
          await caller.join(server, `turn-${label}-${mode}`, { v0, relay: true });
          await caller.call('publish_picture');
          await caller.call('publish_tone');
        }
        await meet(alice, bob);
        for (const caller of [alice, bob]) {
          // Statistics of a connection come bit by bit.
          let relays = [];
          const relayed = async () => {
            ({ relays } = await caller.call('transport'));
            return relays.length > 0 && relays.every((one) => one === expect);
          };
          await until(relayed, { what: () => `relaying over ${expect}, is over [${relays}]` });
        }
        await Promise.all([alice.close(), bob.close()]);
      }, { seconds: 60 });
    }
    proxy?.close();
    await server.stop();
  }
}
