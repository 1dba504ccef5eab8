// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// turnutils_uclient and turnutils_peer of coturn: load, lifetimes, both transports.

import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

import { assert } from '../lib/suite.mjs';
import { credentials, kUdpPort, metric, metric_becomes, start_turn_server } from './settings.mjs';

const kPlainPort = 5349;
const kSecond = '10.71.0.2';

// Runs the client against an echoing peer at `peer`; what it says about losses.
async function uclient(host, user, { clients = 1, messages = 20, size = 160, args = [], peer = host }) {
  const { stdout } = await promisify(execFile)('turnutils_uclient', [
    '-c', '-u', user.username, '-w', user.credential, '-e', peer, '-m', clients, '-n', messages, '-l', size, ...args, host,
  ].map(String), { timeout: 60000, maxBuffer: 1 << 24 }).catch((error) => {
    throw new Error(`${error.message} (exit code ${error.code}): ${error.stdout?.slice(-600)}`);
  });
  const total = stdout.match(/tot_send_msgs=(\d+), tot_recv_msgs=(\d+)(?![\s\S]*tot_send_msgs)/);
  assert.ok(total, stdout.slice(-600));
  return { sent: Number(total[1]), received: Number(total[2]) };
}

export async function coturn_checks(place) {
  const { suite, host } = place;
  const names = {
    send: 'coturn: Send and Data over UDP, 20 clients, nothing is lost [TURN-10] [TURN-15]',
    channels: 'coturn: channels over UDP, 20 clients, nothing is lost [TURN-13] [TURN-14]',
    tcp: 'coturn: channels over TCP behind a proxy, 10 clients, nothing is lost [TURN-01] [TURN-14]',
    second: 'coturn: answers come from the address that was asked [TURN-19]',
  };
  if (!Object.values(names).some((name) => suite.selected(name))) return;
  const server = await start_turn_server(place, {
    tls_port: kPlainPort, external_tls: true, domain: 'turn.test',
    allow_restricted_peer_cidrs: ['10.71.0.0/24'], per_user_relay_allocation_limit: 0,
  });
  const peer = spawn('turnutils_peer', ['-L', host, '-p', '3480'], { stdio: 'ignore' });
  suite.cleanup(() => peer.kill('SIGKILL'));
  const run = (name, settings, seconds = 90) => suite.check(name, async () => {
    const before = await metric(server, 'confab_turn_allocations_made_total');
    const { sent, received } = await uclient(host, await credentials(server), settings);
    assert.ok(sent >= (settings.clients ?? 1) * (settings.messages ?? 20), `${sent} messages were sent`);
    assert.equal(received, sent);
    await metric_becomes(server, 'confab_turn_allocations_made_total', (made) => made - before >= (settings.clients ?? 1));
  }, { seconds });
  await run(names.send, { clients: 20, messages: 50, args: ['-s', '-p', kUdpPort] });
  await run(names.channels, { clients: 20, messages: 50, args: ['-p', kUdpPort] });
  await run(names.tcp, { clients: 10, messages: 50, args: ['-t', '-p', kPlainPort] });
  await suite.check(names.second, async () => {
    // Its own address is the first; the route would answer from there.
    const { sent, received } = await uclient(kSecond, await credentials(server), { peer: host, args: ['-L', host, '-p', kUdpPort] });
    assert.ok(sent > 0);
    assert.equal(received, sent);
  }, { seconds: 60 });
  peer.kill('SIGKILL');
  await server.stop();
}
