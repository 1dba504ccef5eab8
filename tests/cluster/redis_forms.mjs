// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Nodes on a Redis with TLS and a user, under Sentinel, and on a Redis Cluster.

import { RoomEvent } from '@livekit/rtc-node';
import { RoomServiceClient } from 'livekit-server-sdk';

import { refused } from '../api/clients.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { call_checks } from './calls.mjs';
import { cluster_form, guarded_form, sentinel_form } from './forms.mjs';
import { Nodes } from './nodes.mjs';

const api = (node) => new RoomServiceClient(node.http, KEY, SECRET);

const kHashes = ['rooms', 'room_internal', 'room_node_map'];
const kOfRoom = ['room_participants', 'agent_dispatch', 'agent_job'];

// What Redis has of a room: names of keys.
function traces(redis, room) {
  return [
    ...kHashes.filter((key) => redis.cli('HEXISTS', key, room) === '1'),
    ...kOfRoom.filter((key) => redis.cli('EXISTS', `${key}:${room}`) === '1'),
  ];
}

async function room_checks(suite, nodes, on) {
  await suite.check(`${on}: rooms are made, listed and deleted through any node, and leave nothing [RDS-28] [RDS-02] [RPC-33]`, async () => {
    const { redis, all: [one, two] } = nodes;
    for (const [i, by] of [one, two, one, two].entries()) {
      const name = `forms-${i}`;
      const made = await api(by).createRoom({ name, metadata: 'first', emptyTimeout: 60 });
      const away = nodes.other(nodes.holder(name));
      for (const node of nodes.all) {
        const [seen] = await until(async () => (await api(node).listRooms([name])).filter((room) => room.sid === made.sid), { what: `the room at ${node.node}` });
        assert.equal(seen.metadata, 'first');
      }
      await api(away).updateRoomMetadata(name, 'second');
      await until(async () => (await api(away).listRooms([name]))[0].metadata === 'second', { what: 'new metadata' });
      if (i === 0) {
        // Somebody takes the record away: the node of the room writes it again.
        redis.cli('HDEL', 'rooms', name);
        await until(() => redis.cli('HEXISTS', 'rooms', name) === '1', { timeout: 20000, what: 'the record again' });
      }
      await api(away).deleteRoom(name);
      await until(() => traces(redis, name).length === 0, { what: () => `nothing of ${name}: ${traces(redis, name)}` });
      for (const node of nodes.all) assert.deepEqual(await api(node).listRooms([name]), []);
      await refused(api(away).deleteRoom(name), 'not_found', 404);
    }
  }, { seconds: 90 });
}

// A node that dies with two rooms, one of which is deleted by the API. Gives the name of the other.
async function death_check(suite, nodes) {
  const { redis } = nodes;
  let left;
  await suite.check('Redis Cluster, a node is killed: DeleteRoom deletes a room of it through another [RDS-27] [NODE-24]', async () => {
    const victim = await nodes.add();
    // One that nobody has seen yet counts as dead.
    await until(() => nodes.all[0].log.includes(`a node is there nodeID="${victim.node}"`), { what: 'a node that is known' });
    const rooms = [];
    for (let i = 0; i < 40 && rooms.length < 2; i += 1) {
      await api(victim).createRoom({ name: `left-${i}`, emptyTimeout: 600, departureTimeout: 2 });
      if (nodes.holder(`left-${i}`) === victim) rooms.push(`left-${i}`);
    }
    assert.equal(rooms.length, 2);
    for (const room of rooms) await until(() => kHashes.every((key) => traces(redis, room).includes(key)), { what: () => `its records: ${traces(redis, room)}` });
    victim.signal('SIGKILL');
    await victim.ended;
    nodes.all.pop();
    await until(() => api(nodes.all[0]).deleteRoom(rooms[0]).then(() => true, () => false), { timeout: 40000, every: 500, what: 'DeleteRoom' });
    assert.deepEqual(traces(redis, rooms[0]), []);
    [, left] = rooms;
  }, { seconds: 60 });
  return left;
}

async function orphan_check(suite, { redis }, room) {
  await suite.check('Redis Cluster, a room of a node that died goes by itself [RDS-27]', async () => {
    assert.ok(room);
    await until(() => traces(redis, room).length === 0, { timeout: 120000, every: 500, what: () => `nothing of ${room}: ${traces(redis, room)}` });
  }, { seconds: 130 });
}

async function sentinel_check(suite, nodes) {
  await suite.check('Sentinel: the master dies in a call: it goes on, and all is written at the new one [RDS-28] [RDS-30]', async () => {
    const [one, two] = nodes.all;
    const alice = await Peer.join(suite, one, 'failover', 'alice', { number: 1 });
    const away = nodes.other(nodes.holder('failover'));
    const bob = await Peer.join(suite, away, 'failover', 'bob', { number: 2 });
    await Promise.all([alice.publish_tone(), bob.publish_tone()]);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    const since = Date.now();
    await nodes.redis.kill_master();
    await sleep(500);
    const waits = SignalClient.join(away, 'failover', 'waits'); // until the new one is there
    await until(() => /role:master/.test(nodes.redis.cli('INFO', 'replication')), { timeout: 20000, what: 'a new master' });
    const promoted = Date.now() - since;
    await alice.local.updateMetadata('after it');
    await until(async () => (await api(away).listParticipants('failover')).some((who) => who.metadata === 'after it'), { timeout: 15000, what: 'what changed, by the other node' });
    (await waits).destroy();
    console.log(`  a new master after ${promoted} ms, changes there after ${Date.now() - since} ms`);
    await until(() => bob.remote('alice').metadata === 'after it', { what: 'bob to be told' });
    const carol = await Peer.join(suite, away, 'failover', 'carol', { number: 3 });
    await carol.hears(alice);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    for (const peer of [alice, bob]) assert.deepEqual(peer.events.filter(({ name, at }) => at > since && [RoomEvent.Reconnecting, RoomEvent.Disconnected].includes(name)), []);
    await api(two).createRoom({ name: 'after-failover' });
    assert.ok(nodes.holder('after-failover'));
    for (const peer of [alice, bob, carol]) await peer.leave();
  }, { seconds: 70 });
}

const suite = new Suite({ limit: 500 });
const refused_nothing = (nodes, on) => suite.check(`${on}: no node was refused anything by Redis [SEC-17]`, () => {
  for (const node of nodes.all) assert.doesNotMatch(node.log, /CROSSSLOT|NOPERM|Redis refuses/);
});

await suite.run(async () => {
  const guarded = await Nodes.start(suite, 2, {}, { form: await guarded_form(suite) });
  await call_checks(suite, guarded, 'TLS and a user');
  await room_checks(suite, guarded, 'TLS and a user');
  await refused_nothing(guarded, 'TLS and a user');
  await guarded.end();

  const watched = await Nodes.start(suite, 2, {}, { form: await sentinel_form() });
  await call_checks(suite, watched, 'Sentinel');
  await sentinel_check(suite, watched);
  await room_checks(suite, watched, 'Sentinel');
  await watched.end();

  const nodes = await Nodes.start(suite, 2, {}, { form: await cluster_form() });
  const left = await death_check(suite, nodes);
  await call_checks(suite, nodes, 'Redis Cluster');
  await room_checks(suite, nodes, 'Redis Cluster');
  await orphan_check(suite, nodes, left);
  await refused_nothing(nodes, 'Redis Cluster');
});
