// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What clients see when a node dies, or Redis.

import { RoomEvent, ConnectionState } from '@livekit/rtc-node';

import { room_client } from '../api/clients.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { call_across } from './call_across.mjs';
import { linked, Nodes } from './nodes.mjs';

export async function fault_checks(suite) {
  await suite.check('a room that two nodes have goes on at the one that Redis names [NODE-16]', async () => {
    const nodes = await Nodes.start(suite, 2);
    const { alice, bob, holder, away } = await call_across(suite, nodes, 'split');
    const since = Date.now();
    nodes.redis.cli('HSET', 'room_node_map', 'split', away.node);
    for (const peer of [alice, bob]) await peer.event(RoomEvent.Reconnected, () => true, { since, timeout: 40000 });
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    assert.equal(nodes.holder('split'), away);
    assert.match(holder.log, /another node has this room too/);
    assert.deepEqual((await room_client(holder).listParticipants('split')).map((one) => one.identity).sort(), ['alice', 'bob']);
    for (const peer of [alice, bob]) await peer.leave();
    await nodes.end();
  }, { seconds: 70 });

  await suite.check('Redis gives a room to a node that is gone, as an old snapshot may: the call goes on, and the room is written to who has it [NODE-16] [RDS-27]', async () => {
    const nodes = await Nodes.start(suite, 2);
    const { alice, bob, holder, away } = await call_across(suite, nodes, 'stale');
    const begin = Date.now();
    nodes.redis.cli('HSET', 'room_node_map', 'stale', 'ND_gonelongago');
    await until(() => nodes.redis.cli('HGET', 'room_node_map', 'stale') === holder.node, { timeout: 40000, what: () => `the holder, not ${nodes.redis.cli('HGET', 'room_node_map', 'stale')}` });
    const carol = await Peer.join(suite, away, 'stale', 'carol', { number: 3 });
    await Promise.all([alice.hears(bob), bob.hears(alice), carol.hears(alice)]);
    for (const peer of [alice, bob]) assert.deepEqual(peer.events.filter(({ name, at }) => at > begin && [RoomEvent.Reconnecting, RoomEvent.Disconnected].includes(name)), []);
    for (const peer of [alice, bob, carol]) await peer.leave();
    await nodes.end();
  }, { seconds: 70 });

  for (const [name, node_links, limit] of [['its link says so at once', true, 2000], ['without links its heartbeat is missed', false, 8000]]) {
    await suite.check(`a node is killed, ${name}: who signalled through another is told, and the room is elsewhere [NODE-24] [RDS-27]`, async () => {
      const nodes = await Nodes.start(suite, 2, { confab: { node_links, metrics_enabled: true } });
      if (node_links) await linked(nodes);
      const { alice, bob, holder, away } = await call_across(suite, nodes, 'death');
      const begin = Date.now();
      holder.signal('SIGKILL');
      await bob.event(RoomEvent.Reconnecting, () => true, { since: begin, timeout: 15000 });
      const told = Date.now() - begin;
      await bob.event(RoomEvent.Reconnected, () => true, { since: begin, timeout: 20000 });
      const back = Date.now() - begin;
      console.log(`  told after ${told} ms, back after ${back} ms`);
      assert.equal(nodes.redis.cli('HGET', 'room_node_map', 'death'), away.node);
      await until(async () => (await room_client(away).listParticipants('death')).length === 1, { timeout: 30000, what: 'only who is there to be listed' });
      assert.ok(told < limit, `told after ${told} ms`);
      await alice.leave().catch(() => {});
      await bob.leave().catch(() => {});
      await nodes.end();
    }, { seconds: 90 });
  }

  await suite.check('the only node is killed with a room: the next process has it soon [NODE-24] [NODE-11]', async () => {
    const nodes = await Nodes.start(suite, 1);
    const [old] = nodes.all;
    const alice = await SignalClient.join(old, 'again', 'alice');
    old.signal('SIGKILL');
    await old.ended;
    alice.destroy();
    nodes.all.length = 0;
    await sleep(6000);
    const next = await nodes.add();
    const begin = Date.now();
    const bob = await SignalClient.join(next, 'again', 'bob');
    const taken = Date.now() - begin;
    console.log(`  joined after ${taken} ms`);
    assert.equal(nodes.holder('again'), next);
    assert.ok(taken < 4500, `joined after ${taken} ms`); // after seven seconds it would be dead for everybody
    bob.destroy();
    await nodes.end();
  }, { seconds: 40 });

  await suite.check('a node that starts when Redis is back takes no room of one that is still on its way back [NODE-11] [NODE-14] [NODE-16]', async () => {
    const nodes = await Nodes.start(suite, 1);
    const [old] = nodes.all;
    const alice = await SignalClient.join(old, 'kept', 'alice');
    await until(() => nodes.redis.cli('HKEYS', 'room_participants:kept') === 'alice', { what: 'alice to be stored' });
    nodes.redis.cli('SAVE'); // it has all that again
    await nodes.redis.stop();
    await sleep(7000);
    old.signal('SIGSTOP'); // as between two attempts to find back, which may be two seconds apart by now
    await nodes.redis.run();
    const next = await nodes.add();
    setTimeout(() => old.signal('SIGCONT'), 1500);
    const bob = await until(() => SignalClient.join(next, 'kept', 'bob').catch(() => undefined), { timeout: 15000, what: 'bob to be in' });
    await until(async () => (await room_client(next).listParticipants('kept')).length === 2, { what: 'both to be in one room' });
    assert.equal(nodes.holder('kept'), old);
    assert.equal(alice.last.leave, undefined);
    for (const client of [alice, bob]) client.destroy();
    await nodes.end();
  }, { seconds: 60 });

  await suite.check('Redis is away for 12 s: calls go on, joins to rooms that are here too, and the rest is told afterwards [RDS-30] [RDS-32] [NODE-14]', async () => {
    const nodes = await Nodes.start(suite, 2);
    const { alice, bob, holder, away } = await call_across(suite, nodes, 'outage');
    const begin = Date.now();
    await nodes.redis.stop();
    const carol = await Peer.join(suite, holder, 'outage', 'carol', { number: 3 });
    await carol.hears(alice);
    await sleep(12000);
    await Promise.all([alice.hears(bob), bob.hears(alice), carol.hears(bob)]);
    for (const node of nodes.all) assert.equal((await fetch(`${node.http}/`)).status, 200);
    await nodes.redis.run();
    await until(() => nodes.redis.cli('HLEN', 'nodes') === '2', { what: 'both nodes' });
    await until(() => nodes.redis.cli('HKEYS', 'room_participants:outage').split('\n').sort().join() === 'alice,bob,carol', { timeout: 15000, what: () => `the participants: ${nodes.redis.cli('HKEYS', 'room_participants:outage')}` });
    assert.equal(nodes.redis.cli('HGET', 'room_node_map', 'outage'), holder.node);
    const dave = await Peer.join(suite, away, 'outage', 'dave', { number: 4 });
    await dave.hears(alice);
    for (const peer of [alice, bob, carol]) assert.deepEqual(peer.events.filter(({ name, at }) => at > begin && [RoomEvent.Reconnecting, RoomEvent.Disconnected].includes(name)), []);
    for (const peer of [alice, bob, carol, dave]) await peer.leave();
    await nodes.end();
  }, { seconds: 90 });
}
