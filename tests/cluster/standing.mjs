// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Nodes that stand still for a while or lose Redis alone, a Redis that is back soon, an id that two write with.

import { RoomEvent } from '@livekit/rtc-node';

import { room_client } from '../api/clients.mjs';
import { encode } from '../lib/psrpc.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { TcpGate } from '../lib/tcp_gate.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { call_across } from './call_across.mjs';
import { linked, Nodes } from './nodes.mjs';
import { send_all } from './redis_words.mjs';

const kLinks = { confab: { metrics_enabled: true } };
const broken = (peer, begin) => peer.events.filter(({ name, at }) => at > begin && [RoomEvent.Reconnecting, RoomEvent.Disconnected].includes(name));

// As a copy of its machine would: the record of that id, with another address and another clock.
const twin_of = (node) => encode({
  1: node.node, 2: '192.0.2.9', 3: 8n, 4: { 1: BigInt(Math.floor(Date.now() / 1000)), 2: BigInt(Math.floor(Date.now() / 1000) + 5) }, 6: 1n,
});

export async function standing_checks(suite) {
  for (const [which, seconds] of [['holder', 6.5], ['away', 11]]) {
    await suite.check(`the ${which === 'holder' ? "room's" : 'other'} node stands still for ${seconds} s: nobody has to come again, and nothing that was said is lost [NODE-24] [NODE-21]`, async () => {
      const nodes = await Nodes.start(suite, 2, kLinks);
      await linked(nodes);
      const { alice, bob, holder, away } = await call_across(suite, nodes, 'standing');
      const [halted, other] = which === 'holder' ? [holder, away] : [away, holder];
      await sleep(3000); // both have been seen to live
      const begin = Date.now();
      halted.signal('SIGSTOP');
      await sleep(1000);
      // What is said to the one whose node stands still, and by him.
      const said = which === 'holder' ? bob.local.updateMetadata('meanwhile') : room_client(holder).updateRoomMetadata('standing', 'meanwhile');
      said.catch(() => {}); // a client has a limit of its own for an answer
      await sleep(seconds * 1000 - 1000);
      halted.signal('SIGCONT');
      if (which === 'holder') await until(() => alice.remote('bob').metadata === 'meanwhile', { what: 'what bob said' });
      else await until(() => bob.room.metadata === 'meanwhile', { what: 'what the room said' });
      await Promise.all([alice.hears(bob), bob.hears(alice)]);
      assert.match(other.log, /a node stands still/);
      for (const node of nodes.all) assert.doesNotMatch(node.log, /a node is gone/);
      assert.equal(nodes.holder('standing'), holder);
      await linked(nodes);
      await sleep(3000);
      for (const peer of [alice, bob]) {
        assert.deepEqual(broken(peer, begin), []);
        await peer.leave();
      }
      await nodes.end();
    }, { seconds: 80 });
  }

  await suite.check('a node that stands still for too long is dead, and its room elsewhere [NODE-24]', async () => {
    const nodes = await Nodes.start(suite, 2, kLinks);
    await linked(nodes);
    const [holder, away] = nodes.all;
    await room_client(holder).createRoom({ name: 'stuck', nodeId: holder.node });
    const bob = await SignalClient.join(away, 'stuck', 'bob');
    const begin = Date.now();
    holder.signal('SIGSTOP');
    await until(() => bob.last.leave || !bob.open, { timeout: 30000, what: 'bob to be told' });
    const told = Date.now() - begin;
    console.log(`  told after ${told} ms`);
    assert.ok(told > 13000 && told < 21000, `told after ${told} ms`);
    assert.match(away.log, /a node is gone/);
    const again = await SignalClient.join(away, 'stuck', 'bob');
    assert.equal(nodes.holder('stuck'), away);
    again.destroy();
    holder.signal('SIGCONT');
    await nodes.end();
  }, { seconds: 60 });

  await suite.check('Redis is away for 4 s: a join to a room of the other node waits, and gets in; for longer it is refused with the reason [NODE-14] [RDS-30]', async () => {
    const nodes = await Nodes.start(suite, 2);
    const [holder, away] = nodes.all;
    await room_client(holder).createRoom({ name: 'failover', nodeId: holder.node, emptyTimeout: 300 });
    (await SignalClient.join(away, 'failover', 'first')).destroy();
    await nodes.redis.stop();
    await sleep(500);
    const joins = ['bob', 'carol', 'dave'].map((identity) => SignalClient.join(away, 'failover', identity));
    await sleep(3500);
    await nodes.redis.run();
    for (const client of await Promise.all(joins)) client.destroy();
    await until(() => nodes.redis.cli('HLEN', 'nodes') === '2', { what: 'both nodes' });
    assert.equal(nodes.holder('failover'), holder);
    await nodes.redis.stop();
    const begin = Date.now();
    const { client, status, body } = await SignalClient.ask(away, 'failover', 'erin');
    const took = Date.now() - begin;
    assert.ok(!client);
    assert.equal(status, 503);
    assert.match(String(body), /Redis does not answer.*redis\.address/);
    assert.ok(took > 5000 && took < 12000, `refused after ${took} ms`);
    // That was no failover: from now on at once.
    await sleep(4000);
    const late = Date.now();
    assert.equal((await SignalClient.ask(away, 'failover', 'erin')).status, 503);
    assert.ok(Date.now() - late < 1500, `refused after ${Date.now() - late} ms`);
    await nodes.redis.run();
    await nodes.end();
  }, { seconds: 80 });

  await suite.check("the room's node alone is without Redis for 12 s: the call goes on, and the room stays one [NODE-16] [NODE-24] [RDS-30]", async () => {
    const nodes = await Nodes.start(suite, 0);
    const gate = await TcpGate.start(suite, nodes.redis.port);
    await nodes.add({ ...kLinks, redis: { address: gate.address } });
    await nodes.add(kLinks);
    await linked(nodes);
    const { alice, bob, holder, away } = await call_across(suite, nodes, 'apart');
    await sleep(3000);
    const begin = Date.now();
    gate.shut();
    await sleep(10000);
    assert.match(away.log, /the record of a node is not written/);
    await bob.local.updateMetadata('meanwhile');
    await until(() => alice.remote('bob').metadata === 'meanwhile', { what: 'what bob said' });
    await sleep(2000);
    gate.open();
    const carol = await until(() => SignalClient.join(away, 'apart', 'carol').catch(() => undefined), { timeout: 20000, what: 'carol to be in' });
    await until(() => alice.remote('carol'), { what: 'alice to see carol' });
    for (const node of nodes.all) assert.doesNotMatch(node.log, /a node is gone/);
    assert.equal(nodes.holder('apart'), holder);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    for (const peer of [alice, bob]) assert.deepEqual(broken(peer, begin), []);
    carol.destroy();
    for (const peer of [alice, bob]) await peer.leave();
    await nodes.end();
  }, { seconds: 70 });

  await suite.check("another process writes as the room's node: the call goes on, and the log says what to do [NODE-01]", async () => {
    const nodes = await Nodes.start(suite, 2, kLinks);
    const { alice, bob, holder, away } = await call_across(suite, nodes, 'twins');
    await sleep(10000); // it is no newcomer
    const begin = Date.now();
    let twin;
    // So often that the others see no record of the node's own, and for half of the time no change at all.
    for (let i = 0; i < 140; i += 1) {
      if (i === 0 || i > 70) twin = twin_of(holder);
      await send_all(nodes.redis.port, [['HSET', 'nodes', holder.node, twin]]);
      await sleep(100);
    }
    const carol = await Peer.join(suite, away, 'twins', 'carol', { number: 3 });
    await Promise.all([alice.hears(bob), bob.hears(alice), carol.hears(alice)]);
    assert.match(holder.log, /another node at 192\.0\.2\.9 writes records as \w+, one of them has to take a new id/);
    assert.ok(!holder.exited);
    for (const node of nodes.all) assert.doesNotMatch(node.log, /a node is gone/);
    for (const peer of [alice, bob]) assert.deepEqual(broken(peer, begin), []);
    for (const peer of [alice, bob, carol]) await peer.leave();
    await nodes.end();
  }, { seconds: 60 });

  await suite.check('two processes start with one id: the one that was first stays, the other ends with the reason [NODE-01]', async () => {
    const nodes = await Nodes.start(suite, 1);
    const later = await nodes.add();
    const twin = encode({ 1: later.node, 2: '192.0.2.9', 4: { 1: 1n, 2: BigInt(Math.floor(Date.now() / 1000)) }, 6: 1n });
    for (let i = 0; i < 20 && !later.exited; i += 1) {
      await send_all(nodes.redis.port, [['HSET', 'nodes', later.node, twin]]);
      await sleep(250);
    }
    assert.deepEqual(await later.ended, { code: 1, signal: null });
    assert.match(later.log, /this node cannot be one of the cluster.*was there first: start this one again/);
    assert.equal(nodes.redis.cli('HEXISTS', 'nodes', later.node), '1'); // the other one's
    assert.ok(!nodes.all[0].exited);
    await nodes.end();
  }, { seconds: 40 });
}
