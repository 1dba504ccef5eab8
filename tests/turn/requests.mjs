// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Requests that no browser makes, octet by octet: what is refused and how, what counts and what lasts.

import { randomBytes } from 'node:crypto';

import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { turn_attributes, TurnClient } from '../lib/turn_client.mjs';
import { sleep } from '../lib/wait.mjs';
import { credentials, kUdpPort, metric_becomes, start_turn_server } from './settings.mjs';

const kPlainPort = 5349;
const kMost = 12;
const kShortSeconds = 6;
const kTcp = 6;
const kIpv6 = 2;
const kDontFragment = 0x001a;

async function check_order(host, user) {
  const { transport, dont_fragment, even_port, family } = turn_attributes;
  const client = await TurnClient.open(host, kUdpPort, user);
  try {
    await client.learn_nonce();
    const code = async (...asked) => (await client.request('allocate', asked)).error;
    assert.equal(await code(), 400);
    for (const [asked, expected] of [[[], 400], [[transport(kTcp)], 442]]) {
      assert.equal(await code(...asked, dont_fragment()), expected, 'the transport comes before DONT-FRAGMENT');
    }
    const unknown = await client.request('allocate', [transport(), dont_fragment(), family(3)]);
    assert.deepEqual([unknown.error, unknown.unknown, unknown.signed], [420, kDontFragment, true]);
    assert.equal(await code(transport(), even_port(true), family(3)), 508, 'ports before the family');
    assert.equal(await code(transport(), family(3)), 440);
    assert.equal(await code(transport(), family(kIpv6)), 508, 'no such address here');
    const { error, relayed } = await client.request('allocate', [transport(), even_port(), family(1)]);
    assert.equal(error, 0);
    assert.equal(relayed.port % 2, 0);
    assert.equal((await client.refresh(0)).lifetime, 0);
  } finally {
    client.close();
  }
}

async function check_answer(server, host) {
  const signal = await SignalClient.join(server, 'answer', 'someone');
  const client = await TurnClient.open(host, kUdpPort, signal.last.join.iceServers[0]);
  try {
    await client.learn_nonce();
    const transaction = randomBytes(12);
    const ask = (...again) => client.request('allocate', [turn_attributes.transport()], ...again);
    const first = await ask(transaction);
    assert.deepEqual([first.error, first.lifetime, first.signed], [0, 600, true]);
    const { address, port } = client.socket.address();
    assert.deepEqual(first.mapped, { host: address, port });
    assert.equal(first.relayed.host, host);
    assert.ok(first.relayed.port >= 31000 && first.relayed.port <= 31999, `relayed at ${first.relayed.port}`);
    const again = await ask(transaction);
    assert.ok(again.lifetime > 590, `${again.lifetime} s are left`);
    assert.deepEqual({ ...again, lifetime: 600 }, first, 'the same request again');
    assert.equal((await ask()).error, 437, 'another one');
    assert.equal((await client.refresh(0)).lifetime, 0);
  } finally {
    client.close();
    await signal.leave();
  }
}

async function check_quota(server, host) {
  const [user, other] = [await credentials(server, 'many'), await credentials(server, 'other')];
  const open = (who) => TurnClient.open(host, kUdpPort, who);
  const clients = await Promise.all(Array.from({ length: kMost + 1 }, () => open(user)));
  const another = await open(other);
  try {
    await Promise.all(clients.map((client) => client.learn_nonce()));
    const transactions = clients.map(() => randomBytes(12));
    const ask = (client, index) => client.request('allocate', [turn_attributes.transport()], transactions[index]);
    const codes = (await Promise.all(clients.map(ask))).map(({ error }) => error);
    assert.deepEqual(codes.sort(), [...Array(kMost).fill(0), 486]);
    await metric_becomes(server, 'confab_turn_allocations', (count) => count === kMost);
    // A repetition is the same allocation, also when there may be no more.
    const again = (await Promise.all(clients.map(ask))).map(({ error }) => error);
    assert.deepEqual(again.sort(), [...Array(kMost).fill(0), 486]);
    assert.equal((await another.allocate()).error, 0, 'another participant');
    // One ends, one begins.
    const refused = clients[(await Promise.all(clients.map((one) => one.refresh(600)))).findIndex(({ error }) => error === 437)];
    assert.equal((await clients.find((one) => one !== refused).refresh(0)).lifetime, 0);
    assert.equal((await refused.allocate()).error, 0);
    await Promise.all([...clients, another].map((one) => one.refresh(0)));
    await metric_becomes(server, 'confab_turn_allocations', (count) => count === 0);
  } finally {
    [...clients, another].forEach((one) => one.close());
  }
}

// What began with good credentials lasts beyond them; nothing new begins, and nobody else may touch it.
async function check_expiry(server, host) {
  const [alice, bob] = [await SignalClient.join(server, 'expiry', 'alice'), await SignalClient.join(server, 'expiry', 'bob')];
  const [user, stranger] = [alice, bob].map((one) => one.last.join.iceServers[0]);
  const [client, late] = await Promise.all([TurnClient.open(host, kUdpPort, user), TurnClient.open(host, kUdpPort, user)]);
  try {
    assert.equal((await client.allocate()).error, 0);
    assert.equal((await client.as(stranger).refresh(0)).error, 441);
    await sleep(1000 * (kShortSeconds + 1));
    assert.equal((await client.refresh(600)).lifetime, 600);
    assert.equal((await client.permit(host, server.ports.udp)).error, 0);
    assert.equal((await client.bind_channel(0x4000, host, server.ports.udp)).error, 0);
    assert.equal((await late.allocate()).error, 400);
    assert.equal((await client.refresh(0)).lifetime, 0);
  } finally {
    [client, late].forEach((one) => one.close());
    await Promise.all([alice.leave(), bob.leave()]);
  }
}

// Which peers are open is the same for all listeners, and for all ports of a peer.
async function check_peers(server, host) {
  const open = [host, '10.72.0.9'];
  const closed = ['127.0.0.1', '10.73.0.9', '169.254.169.254'];
  for (const tcp of [false, true]) {
    const client = await TurnClient.open(host, tcp ? kPlainPort : kUdpPort, await credentials(server), { tcp });
    try {
      assert.equal((await client.allocate()).error, 0);
      for (const [peers, expected] of [[open, 0], [closed, 403]]) {
        for (const peer of peers) {
          // Our own media are open at their ports alone.
          for (const port of peer === host ? [server.ports.udp] : [1, 80, 65535]) {
            assert.equal((await client.permit(peer, port)).error, expected, `${peer}:${port}, ${tcp ? 'TCP' : 'UDP'}`);
          }
        }
      }
      assert.equal((await client.refresh(0)).lifetime, 0);
    } finally {
      client.close();
    }
  }
}

export async function request_checks(place) {
  const { suite, host } = place;
  const names = {
    order: 'what an Allocate asks for is checked in order: 400, 442, 420, 508, 440 [TURN-12]',
    answer: 'an Allocate tells addresses and life; again it gets the same answer, another one 437 [TURN-12]',
    quota: `of ${kMost + 1} Allocates at once ${kMost} are granted and one gets 486; repetitions count once [TURN-05]`,
    expiry: `credentials of ${kShortSeconds} s: afterwards Refresh, permissions and channels, no Allocate; another's 441 [TURN-04]`,
    peers: 'peers are open or closed alike over UDP and TCP, at any port [TURN-07]',
  };
  if (!Object.values(names).some((name) => suite.selected(name))) return;
  const listeners = { tls_port: kPlainPort, external_tls: true, domain: 'turn.test' };
  const server = await start_turn_server(place, { ...listeners, allow_restricted_peer_cidrs: ['10.72.0.0/16'] });
  await suite.check(names.order, async () => check_order(host, await credentials(server)));
  await suite.check(names.answer, () => check_answer(server, host));
  await suite.check(names.quota, () => check_quota(server, host));
  await suite.check(names.peers, () => check_peers(server, host));
  await server.stop();
  const short = await start_turn_server(place, { ttl_seconds: kShortSeconds });
  await suite.check(names.expiry, () => check_expiry(short, host));
  await short.stop();
}
