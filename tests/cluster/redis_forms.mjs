// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Nodes on a Redis that is more than one server.

import { execFileSync } from 'node:child_process';

import { RoomServiceClient } from 'livekit-server-sdk';

import { refused } from '../api/clients.mjs';
import { redis_cluster } from '../lib/redis_server.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { call_checks } from './calls.mjs';
import { Nodes } from './nodes.mjs';

const api = (node) => new RoomServiceClient(node.http, KEY, SECRET);

// A Redis Cluster, for Nodes.start().
async function cluster_form() {
  const all = await redis_cluster();
  return {
    config: { cluster_addresses: all.slice(0, 2).map((one) => one.address) },
    cli: (...words) => execFileSync('redis-cli', ['-c', '-p', String(all[0].port), ...words], { encoding: 'utf8', timeout: 10000 }).trim(),
    end: async () => { for (const one of all) await one.end(); },
  };
}

const kHashes = ['rooms', 'room_internal', 'room_node_map'];
const kOfRoom = ['room_participants', 'agent_dispatch', 'agent_job'];

// What Redis has of a room: names of keys.
function traces(redis, room) {
  return [
    ...kHashes.filter((key) => redis.cli('HEXISTS', key, room) === '1'),
    ...kOfRoom.filter((key) => redis.cli('EXISTS', `${key}:${room}`) === '1'),
  ];
}

async function room_checks(suite, nodes) {
  await suite.check('rooms are made, listed and deleted through any node, and leave nothing [RDS-28] [RDS-02] [RPC-33]', async () => {
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
  await suite.check('a node is killed: DeleteRoom deletes a room of it through another [RDS-27] [NODE-24]', async () => {
    const victim = await nodes.add();
    // One that nobody has seen yet counts as dead.
    await until(() => nodes.all[0].log.includes(`a node is there nodeID="${victim.node}"`), { what: 'a node that is known' });
    const rooms = [];
    for (let i = 0; i < 40 && rooms.length < 2; i += 1) {
      await api(victim).createRoom({ name: `left-${i}`, emptyTimeout: 600, departureTimeout: 2 });
      if (nodes.holder(`left-${i}`) === victim) rooms.push(`left-${i}`);
    }
    assert.equal(rooms.length, 2);
    for (const room of rooms) await until(() => traces(redis, room).length === kHashes.length, { what: 'its records' });
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
  await suite.check('a room of a node that died goes by itself [RDS-27]', async () => {
    assert.ok(room);
    await until(() => traces(redis, room).length === 0, { timeout: 120000, every: 500, what: () => `nothing of ${room}: ${traces(redis, room)}` });
  }, { seconds: 130 });
}

const suite = new Suite({ limit: 400 });

await suite.run(async () => {
  const nodes = await Nodes.start(suite, 2, {}, { form: await cluster_form() });
  const left = await death_check(suite, nodes);
  await call_checks(suite, nodes);
  await room_checks(suite, nodes);
  await orphan_check(suite, nodes, left);
  await suite.check('no node was refused anything by Redis', () => {
    for (const node of nodes.all) assert.doesNotMatch(node.log, /CROSSSLOT|Redis refuses/);
  });
});
