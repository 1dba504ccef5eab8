// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// `port: 443` and a certificate, nothing else: all of a call goes over that one port, by UDP, by TCP, or by
// TLS alone where a firewall lets out no more.

import net from 'node:net';

import { Caller, meet } from '../browser/caller.mjs';
import { start_chromium, start_firefox } from '../lib/browser.mjs';
import { Scrape } from '../lib/metrics.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert } from '../lib/suite.mjs';
import { TurnClient, turn_attributes } from '../lib/turn_client.mjs';
import { metric_becomes } from '../turn/settings.mjs';
import { spki_of, write_pair } from './authority.mjs';
import { allocates, turn_credentials, turn_over_tls } from './certificates.mjs';
import { in_server_namespace, kServerIp, let_out, start_tls_server } from './place.mjs';

export const kPort = 443;
const kTcp = { protocol: 'tcp', port: kPort };
const kUdp = { protocol: 'udp', port: kPort };
// What the suites' own ports would be is left to the server.
const kOwnChoice = { udp_port: undefined, tcp_port: undefined };
export const kRelayRange = { relay_range_start: 31000, relay_range_end: 31999 };

export const start_one_port = (suite, files, rtc = {}, turn = {}) => start_tls_server(
  suite,
  // In development there are three relay ports.
  { tls: { domain: 'meet.test', ...files }, rtc: { ...kOwnChoice, ...rtc }, turn: { ...kRelayRange, ...turn } },
  { port: kPort },
);

// Ports that something listens at, or is bound to, in the server's namespace: "tcp 443".
export function bound_ports() {
  const lines = in_server_namespace('ss', '-Hnlatu').trim().split('\n').filter((line) => !/ESTAB|TIME-WAIT|FIN-WAIT|CLOSE-WAIT|LAST-ACK|SYN-RECV/.test(line));
  return [...new Set(lines.map((line) => line.split(/\s+/)).map(([protocol, , , , local]) => `${protocol} ${local.split(':').at(-1)}`))].sort();
}

// Where the server told this page to send media to.
const told_candidates = (caller) => caller.evaluate(() => {
  const { publisher, subscriber } = window.caller.room.engine.pcManager;
  const texts = [publisher, subscriber].filter(Boolean).map(({ pc }) => (pc ?? {}).remoteDescription?.sdp ?? '');
  return texts.flatMap((text) => text.match(/^a=candidate:.*$/gm) ?? []).map((line) => line.split(' ')).map(([, , protocol, , ip, port]) => `${protocol.toLowerCase()} ${ip}:${port}`);
});

async function is_alone(server) {
  assert.deepEqual(bound_ports(), ['tcp 443', 'udp 443']);
  const { urls } = await turn_credentials(server);
  // Not TURN by UDP: browsers take all that comes from a TURN server's address for its answers.
  assert.deepEqual(urls, [`turns:meet.test:${kPort}?transport=tcp`]);
}

async function serves_turn(server) {
  const udp = await TurnClient.open(kServerIp, kPort, await turn_credentials(server));
  const over_tls = await turn_over_tls(server, kPort, 'meet.test');
  for (const client of [udp, over_tls]) {
    const { relayed } = await allocates(client);
    assert.equal(relayed.host, kServerIp);
    assert.equal((await client.request('create_permission', [turn_attributes.peer(kServerIp, kPort)])).error, 0);
    assert.equal((await client.request('refresh', [turn_attributes.lifetime(0)])).error, 0);
    client.close();
  }
  assert.ok((await Scrape.of(server)).value('confab_http_connections_shared_total') >= 1);
}

// Connections that are nobody's end, and nobody else's.
async function bears_strangers(server) {
  for (const bytes of [[0x80, 0xff], [0x16, 0x04], [0, 5, 1], [0x16, 3, 1, 0, 2, 9, 9], Array(12).fill(0)]) {
    const socket = net.connect(kPort, kServerIp);
    // Also by a reset, where what was sent is not read.
    socket.on('error', () => {});
    socket.end(Buffer.from(bytes)).resume();
    await new Promise((resolve) => socket.on('close', resolve));
  }
  assert.equal((await fetch(`${server.http}/`)).status, 200);
}

// As which the server counts connections that go that way.
const kWays = {
  UDP: { out: [kTcp, kUdp], type: 'udp' },
  // TURN is where the firewall lets nobody: a browser may prefer it as long as it answers sooner.
  TCP: { out: [kTcp], turn: { enabled: true, tls_port: 5349, domain: 'meet.test' }, type: 'tcp' },
  TLS: { out: [kTcp], rtc: { tcp_port: 0 }, type: 'turn', relay: 'tls' },
};

async function call(place, browser, server, room, { out, type, relay }) {
  const { suite, address } = place;
  let_out(out);
  const alice = await Caller.open(suite, browser, address, 'alice', 1);
  const bob = await Caller.open(suite, browser, address, 'bob', 2);
  for (const caller of [alice, bob]) {
    await caller.join(server, room);
    await caller.call('publish_picture');
    await caller.call('publish_tone');
  }
  await meet(alice, bob, { timeout: 40000 });
  // ICE may have begun with another path; this is the one that media took in the end.
  for (const one of ['udp', 'tcp', 'turn']) await metric_becomes(server, 'confab_connections', (count) => count === (one === type ? 2 : 0), { type: one });
  for (const caller of [alice, bob]) {
    if (relay) {
      const { relays } = await caller.call('transport');
      assert.ok(relays.length > 0 && relays.every((one) => one === relay), `relays over ${relays}`);
    }
    const told = await told_candidates(caller);
    assert.ok(told.length > 0);
    for (const one of told) assert.match(one, /^(udp|tcp) 203\.0\.113\.1:443$/);
  }
  // Nothing of them is counted with the next ones.
  for (const caller of [alice, bob]) await caller.call('leave');
  await metric_becomes(server, 'confab_connections', (count) => count === 0);
  await Promise.all([alice.close(), bob.close()]);
}

export async function one_port_checks(place) {
  const { suite, authority } = place;
  const pair = authority.issue(['meet.test']);
  const files = write_pair(authority.folder(), pair);
  const address = await start_page_server(suite);
  const browsers = {
    Chromium: () => start_chromium(suite, { args: [`--ignore-certificate-errors-spki-list=${spki_of(pair.cert)}`] }),
    Firefox: () => start_firefox(suite, { any_certificate: true }),
  };
  suite.cleanup(() => let_out(undefined));
  const name = (browser, way) => `${browser}: a call where only port 443 of the server is let out, over ${way} [TURN-18] [ICE-08]`;
  const server = await start_one_port(suite, files);
  await suite.check('port 443 and a certificate: nothing else is bound, and clients are told of nothing else [TURN-18]', () => is_alone(server));
  await suite.check('TURN by UDP and within TLS at the port of HTTPS [TURN-18] [TURN-19]', () => serves_turn(server));
  await suite.check('what is nobody’s at that port is closed [IMM-15]', () => bears_strangers(server));
  await server.stop();
  const running = {};
  for (const [way, settings] of Object.entries(kWays)) {
    const chosen = Object.keys(browsers).filter((browser) => suite.selected(name(browser, way)));
    if (chosen.length === 0) continue;
    const of_its_own = await start_one_port(suite, files, settings.rtc, settings.turn);
    for (const browser of chosen) {
      running[browser] ??= await browsers[browser]();
      await suite.check(name(browser, way), () => call({ suite, address }, running[browser], of_its_own, `${way}-${browser}`, settings), { seconds: 90 });
    }
    let_out(undefined);
    await of_its_own.stop();
  }
  await Promise.all(Object.values(running).map((browser) => browser.close()));
}
