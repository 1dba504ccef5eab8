// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Records of nodes, ours and those of somebody else: who gets a room (03 sections 1 and 4).

import net from 'node:net';

import { refused, room_client } from '../api/clients.mjs';
import { Fields } from '../lib/psrpc.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { call_across } from './call_across.mjs';
import { ForeignNode, kServing, kShuttingDown } from './foreign_node.mjs';
import { Nodes } from './nodes.mjs';

const create = (node, name, more) => room_client(node).createRoom({ name, emptyTimeout: 60, ...more });
const holder_of = (nodes, room) => nodes.redis.cli('HGET', 'room_node_map', room);

async function stats_check(suite) {
  await suite.check('the record of a node says what it carries, by the numbers of the fields [NODE-01] [NODE-03]', async () => {
    const nodes = await Nodes.start(suite, 2);
    const { alice, bob, holder } = await call_across(suite, nodes, 'counted');
    const foreign = await ForeignNode.start(suite, nodes, 'reader');
    const record = async () => new Fields(await foreign.peer.commands.send('HGET', 'nodes', holder.node));
    const stats = async () => (await record()).message(4);
    const has = (one, number, least) => one.number(number) >= least;
    const whole = (one) => one.number(3) === 1 && one.number(4) === 2 && one.number(5) === 2 && one.number(6) === 2 && [7, 8, 9, 10].every((number) => has(one, number, 100)) && has(one, 54, 2) && has(one.message(50), 3, 1);
    let last;
    await until(async () => whole((last = await stats())), { timeout: 25000, what: () => `what it carries: ${last && [3, 4, 5, 6, 7, 8, 9, 10, 54].map((number) => `${number}: ${last.number(number)}`).join(', ')}` });
    const now = Date.now() / 1000;
    assert.ok(Math.abs(last.number(2) - now) < 5 && last.number(1) <= last.number(2), 'its times');
    for (const number of [17, 34, 35, 26, 36, 38]) assert.ok(has(last, number, 1), `field ${number}`);
    const load = last.float(18);
    assert.ok(load > 0 && load < 1000, `a load of ${load}`);
    assert.ok(last.float(21) >= 0 && last.float(21) <= 1, `${last.float(21)} of the processors`);
    const rate = last.message(50);
    assert.ok(rate.number(2) - rate.number(1) > 0 && [8, 9, 10, 11].every((number) => rate.has(number)), 'its rates, and the time that they are of');
    const whom = await record();
    assert.deepEqual([whom.text(1), net.isIP(whom.text(2)) > 0, whom.number(5), whom.number(6)], [holder.node, true, 0, 1]);
    for (const peer of [alice, bob]) await peer.leave();
    await until(async () => (await stats()).number(4) === 0, { timeout: 10000, what: 'nobody to be left' });
    await foreign.stop();
    await nodes.end();
  }, { seconds: 60 });
}

async function start_check(suite, nodes) {
  await suite.check('a node that starts listens before it is seen, and takes away who is dead [RDS-31] [PSR-20] [RDS-07]', async () => {
    const dead = await ForeignNode.start(suite, nodes, 'longdead', { beats: false, age: 3600 });
    const lines = [];
    const monitor = net.connect(nodes.redis.port, '127.0.0.1', () => monitor.write('MONITOR\r\n'));
    let rest = '';
    monitor.on('data', (data) => {
      const all = (rest + data.toString('latin1')).split('\r\n');
      rest = all.pop();
      lines.push(...all);
    });
    await until(() => lines.length > 0, { what: 'the monitor' });
    const fresh = await nodes.add();
    await until(() => lines.some((line) => line.includes('"HSET" "nodes"') && line.includes(fresh.node)), { what: 'its record' });
    // Of its connections: those that greeted since.
    const at = (test) => lines.findIndex(test);
    const seen = at((line) => line.includes('"HSET" "nodes"') && line.includes(fresh.node));
    for (const channel of [`RoomManager|CreateRoom|${fresh.node}|REQ`, `Signal|RelaySignal|${fresh.node}|STR`, 'IOInfo|UpdateEgress|REQ', `Keepalive|Ping|${fresh.node}|REQ`]) {
      const subscribed = at((line) => line.includes('"SUBSCRIBE"') && line.includes(`"${channel}"`));
      assert.ok(subscribed >= 0 && subscribed < seen, `${channel} before its record: ${subscribed}, ${seen}`);
    }
    assert.ok(at((line) => line.includes('"HELLO" "3"')) >= 0 && at((line) => line.includes('"HELLO" "3"')) < seen);
    monitor.destroy();
    // Whoever sees the record may ask at once.
    await create(nodes.all[0], 'at-once', { nodeId: fresh.node });
    assert.equal(holder_of(nodes, 'at-once'), fresh.node);
    await until(() => nodes.redis.cli('HEXISTS', 'nodes', dead.id) === '0', { timeout: 30000, what: 'the record of the dead one to be gone' });
    nodes.all.pop();
    await fresh.stop();
    assert.equal(nodes.redis.cli('HEXISTS', 'nodes', fresh.node), '0');
  }, { seconds: 60 });
}

async function availability_check(suite) {
  await suite.check('new rooms go to nodes that serve and are alive; a room stays at one that shuts down [NODE-04] [NODE-11] [RPC-02]', async () => {
    const nodes = await Nodes.start(suite, 1, { node_selector: { sort_by: 'rooms', algorithm: 'lowest' } });
    const [ours] = nodes.all;
    await create(ours, 'ours', { nodeId: ours.node });
    const foreign = await ForeignNode.start(suite, nodes, 'theirs');
    await until(async () => {
      const name = `probe-${Date.now()}`;
      await create(ours, name);
      return foreign.made.includes(name);
    }, { every: 300, what: 'the node with the fewest rooms' });
    await create(ours, 'kept', { nodeId: foreign.id });
    assert.equal(holder_of(nodes, 'kept'), foreign.id);
    foreign.state = kShuttingDown;
    await foreign.write();
    await until(async () => {
      const name = `after-${Date.now()}`;
      await create(ours, name);
      return holder_of(nodes, name) === ours.node;
    }, { every: 300, what: 'no new room at one that shuts down' });
    const before = foreign.made.length;
    await create(ours, 'kept');
    assert.deepEqual([holder_of(nodes, 'kept'), foreign.made.length], [foreign.id, before + 1]);
    // Its heart stops: the room goes elsewhere.
    foreign.state = kServing;
    await foreign.write();
    foreign.die();
    const again = await until(async () => {
      await create(ours, 'kept');
      return holder_of(nodes, 'kept') === ours.node;
    }, { every: 500, timeout: 15000, what: 'a new node for the room' });
    assert.ok(again);
    // A node that there is not: said, and not written down.
    await refused(create(ours, 'nowhere', { nodeId: 'ND_nowherenowhe' }), 'unknown', 500, 'could not find object');
    assert.equal(holder_of(nodes, 'nowhere'), '');
    await create(ours, 'nowhere');
    assert.equal(holder_of(nodes, 'nowhere'), ours.node);
    await nodes.end();
  }, { seconds: 90 });
}

// Two of somebody else, by what their records say; which of them gets the rooms of a node of ours.
const kSelectors = [
  { what: 'the fewest participants', selector: { sort_by: 'clients', algorithm: 'lowest' }, better: { 4: 3n }, worse: { 4: 3000n } },
  { what: 'the fewest tracks', selector: { sort_by: 'tracks', algorithm: 'lowest' }, better: { 5: 3n, 6: 3n }, worse: { 5: 900n, 6: 9000n } },
  { what: 'a processor below the limit', selector: { kind: 'cpuload', cpu_load_limit: 0.5, sort_by: 'clients', algorithm: 'lowest' }, better: { 4: 30n, 21: { float: 0.1 } }, worse: { 4: 3n, 21: { float: 0.95 } } },
  {
    what: 'the nearest region, loaded as it is [DEP-08]',
    config: { region: 'eu' },
    selector: { kind: 'regionaware', sort_by: 'clients', algorithm: 'lowest', regions: [{ name: 'eu', lat: 52.5, lon: 13.4 }, { name: 'uk', lat: 51.5, lon: -0.1 }, { name: 'us', lat: 37.8, lon: -122.4 }] },
    better: { region: 'uk', 4: 3000n },
    worse: { region: 'us', 4: 3n },
  },
  { what: 'a load of the system below the limit', selector: { kind: 'sysload', sysload_limit: 0.5, sort_by: 'clients', algorithm: 'lowest' }, better: { 4: 30n, 17: 2n, 18: { float: 0.1 } }, worse: { 4: 3n, 17: 2n, 18: { float: 9 } } },
];

async function selector_check(suite) {
  for (const { what, config, selector, better, worse } of kSelectors) {
    await suite.check(`node_selector: ${what} [NODE-05]`, async () => {
      const nodes = await Nodes.start(suite, 1, { ...config, node_selector: selector }, { args: ['serve'] });
      const [ours] = nodes.all;
      const foreign = (name, { region = '', ...stats }) => ForeignNode.start(suite, nodes, name, { region, stats });
      const good = await foreign('good', better);
      const bad = await foreign('bad', worse);
      // Ours takes none itself: it drains, and somebody stays.
      await create(ours, 'stays', { nodeId: ours.node });
      const stays = await SignalClient.join(ours, 'stays', 'stays');
      ours.signal('SIGTERM');
      let count = 0;
      const place = () => create(ours, `room-${(count += 1)}`).then(() => holder_of(nodes, `room-${count}`));
      await until(async () => (await place()) === good.id, { every: 300, timeout: 8000, what: () => 'the better node' });
      for (let i = 0; i < 6; i += 1) assert.equal(await place(), good.id);
      for (const one of [good, bad]) await one.stop();
      await stays.leave();
      await nodes.end();
    }, { seconds: 40 });
  }
}

// Participants whose topics are the same ("a_b" and "c", "a" and "b_c"), at two nodes.
async function topic_check(suite, nodes) {
  await suite.check('two participants of one topic at two nodes: each is told what is for it, by the node that has it [RPC-30]', async () => {
    const [one, two] = nodes.all;
    await create(one, 'a_b', { nodeId: one.node });
    await create(two, 'a', { nodeId: two.node });
    const first = await SignalClient.join(one, 'a_b', 'c');
    const second = await SignalClient.join(two, 'a', 'b_c');
    const third = await nodes.add();
    for (let i = 0; i < 10; i += 1) {
      for (const [room, identity] of [['a_b', 'c'], ['a', 'b_c']]) {
        const info = await room_client(third).updateParticipant(room, identity, { metadata: `${room} ${i}` });
        assert.deepEqual([info.identity, info.metadata], [identity, `${room} ${i}`]);
      }
    }
    await refused(room_client(third).updateParticipant('a', 'c', { metadata: 'x' }), 'not_found', 404);
    for (const [room, identity] of [['a_b', 'c'], ['a', 'b_c']]) {
      const all = await room_client(one).listParticipants(room);
      assert.deepEqual(all.map((info) => [info.identity, info.metadata]), [[identity, `${room} 9`]]);
    }
    for (const client of [first, second]) await client.leave();
    nodes.all.pop();
    await third.stop();
  }, { seconds: 60 });
}

export async function node_on_wire_checks(suite, nodes) {
  await stats_check(suite);
  await start_check(suite, nodes);
  await topic_check(suite, nodes);
  await availability_check(suite);
  await selector_check(suite);
}
