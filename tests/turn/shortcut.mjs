// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What is relayed to confab's own media passes no socket, with one media worker and with several, and
// ends with its allocation; other peers are reached through the kernel.

import dgram from 'node:dgram';
import { once } from 'node:events';

import { IceTransportType } from '@livekit/rtc-node';
import { RoomServiceClient } from 'livekit-server-sdk';

import { KEY, SECRET } from '../lib/server.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { TurnClient } from '../lib/turn_client.mjs';
import { until } from '../lib/wait.mjs';
import { kUdpPort, metric, relayed, start_turn_server } from './settings.mjs';

const kChannel = 0x4000;
const kEnough = 200; // datagrams of a short call, each way

// What was relayed since `before`.
async function relayed_since(server, before) {
  const now = await relayed(server);
  return Object.fromEntries(Object.entries(now).map(([way, count]) => [way, count - before[way]]));
}

async function call(place, server, single) {
  const { suite } = place;
  const settings = { single, ice: IceTransportType.TRANSPORT_RELAY };
  const room = `shortcut-${single}`;
  const before = await relayed(server);
  const alice = await Peer.join(suite, server, room, 'alice', { number: 1, ...settings });
  const bob = await Peer.join(suite, server, room, 'bob', { number: 2, ...settings });
  await Promise.all([alice.publish_picture(), alice.publish_tone(), bob.publish_picture()]);
  await Promise.all([bob.sees(alice), alice.sees(bob), bob.hears(alice)]);
  await until(async () => {
    const { to_peer, to_client } = await relayed_since(server, before);
    return to_peer > kEnough && to_client > kEnough;
  }, { what: 'media by rings' });
  const { to_peer, to_client, sockets } = await relayed_since(server, before);
  // Checks before a relayed pair is chosen may pass a socket, media may not.
  assert.ok(sockets * 50 < to_peer + to_client, `${sockets} datagrams passed sockets, ${to_peer + to_client} rings`);
  assert.equal(await metric(server, 'confab_turn_dropped_total', { reason: 'full_ring' }), 0);
  return { room, alice, bob };
}

// Whom the operator removes is sent nothing more: no datagram of media passes once its allocation is gone.
async function check_removed({ room, alice, bob }, server) {
  const rooms = new RoomServiceClient(server.http, KEY, SECRET);
  await rooms.removeParticipant(room, 'bob');
  await until(async () => (await rooms.listParticipants(room)).every(({ identity }) => identity !== 'bob'), { what: 'bob to be gone' });
  await Promise.all([alice.leave(), bob.leave()]);
  await until(async () => (await metric(server, 'confab_turn_allocations')) === 0, { what: 'the allocations to end' });
  const gone = await relayed(server);
  await rooms.listParticipants(room); // workers and TURN server have had turns meanwhile
  assert.deepEqual(await relayed(server), gone);
}

// Bound to a channel to the server's media.
async function bound(server, host, { username, credential }) {
  const turn = await TurnClient.open(host, kUdpPort, { username, credential });
  assert.equal((await turn.allocate()).error, 0);
  assert.equal((await turn.bind_channel(kChannel, host, server.ports.udp)).error, 0);
  return turn;
}

async function check_end(server, host) {
  const signal = await SignalClient.join(server, 'shortcut-end', 'someone');
  const [first, second] = [await bound(server, host, signal.last.join.iceServers[0]), await bound(server, host, signal.last.join.iceServers[0])];
  const before = await relayed(server);
  first.send_on(kChannel, Buffer.from('one'));
  await until(async () => (await relayed(server)).to_peer === before.to_peer + 1, { what: 'a datagram to pass' });
  assert.equal((await first.refresh(0)).lifetime, 0);
  // In one stream of one socket: the last has passed when the other's, sent after it, has.
  for (let i = 0; i < 5; ++i) first.send_on(kChannel, Buffer.from('late'));
  await first.request('refresh', []); // answered behind them
  second.send_on(kChannel, Buffer.from('two'));
  await until(async () => (await relayed(server)).to_peer === before.to_peer + 2, { what: 'the other allocation to go on' });
  assert.equal((await relayed(server)).sockets, before.sockets);
  [first, second].forEach((turn) => turn.close());
  await signal.leave();
}

async function check_outside(server, host) {
  const peer = dgram.createSocket('udp4');
  peer.bind(0, host);
  await once(peer, 'listening');
  peer.on('message', (bytes, from) => peer.send(bytes, from.port, from.address));
  const signal = await SignalClient.join(server, 'shortcut-outside', 'someone');
  const turn = await TurnClient.open(host, kUdpPort, signal.last.join.iceServers[0]);
  try {
    assert.equal((await turn.allocate()).error, 0);
    assert.equal((await turn.bind_channel(kChannel, host, peer.address().port)).error, 0);
    const before = await relayed(server);
    const echo = once(turn.socket, 'message');
    turn.send_on(kChannel, Buffer.from('echo'));
    const [answer] = await echo;
    assert.equal(answer.subarray(4).toString(), 'echo');
    await until(async () => (await relayed(server)).sockets === before.sockets + 2, { what: 'two datagrams of sockets' });
    assert.equal((await relayed(server)).to_peer, before.to_peer);
  } finally {
    turn.close();
    peer.close();
    await signal.leave();
  }
}

export async function shortcut_checks(place) {
  const { suite, host } = place;
  const call_of = (workers) => `a relayed call reaches ${workers} media worker${workers > 1 ? 's' : ''} without sockets, and ends [TURN-03] [TURN-14]`;
  const names = {
    end: 'what follows the end of an allocation reaches no worker, others go on [TURN-13] [TURN-16]',
    outside: 'peers that are not our media are reached by sockets [TURN-03] [TURN-06]',
  };
  for (const workers of [1, 4]) {
    if (![call_of(workers), ...Object.values(names)].some((name) => suite.selected(name))) continue;
    const confab = { workers, ...(workers > 1 && { participants_per_worker: 1 }) };
    const server = await start_turn_server(place, { allow_restricted_peer_cidrs: [`${host}/32`] }, { rest: { confab } });
    for (const single of workers === 1 ? [true] : [true, false]) {
      await suite.check(`${call_of(workers)}, ${single ? 'single PC' : 'dual PC'}`, async () => {
        await check_removed(await call(place, server, single), server);
      }, { seconds: 60 });
    }
    if (workers === 1) {
      await suite.check(names.end, () => check_end(server, host), { seconds: 30 });
      await suite.check(names.outside, () => check_outside(server, host), { seconds: 30 });
    }
    await server.stop();
  }
}
