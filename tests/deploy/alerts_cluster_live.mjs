// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Three nodes on one Redis: none of the alerts of a cluster fires while all is well, and each does by a real
// fault of Redis, of a node, or of what an operator wrote.

import { DataPacket_Kind } from 'livekit-server-sdk';

import { room_client } from '../api/clients.mjs';
import { Nodes } from '../cluster/nodes.mjs';
import { RedisServer } from '../lib/redis_server.mjs';
import { start_server } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { Prometheus } from './prometheus.mjs';

const kScrapes = 12;
const kOutages = 3;
// What else the machine does counts for nothing.
const kConfig = { confab: { scale_cpu_load: 0, scale_participants: 2 } };
const kCalls = 60; // at once; beyond 0.1 a second over 5 minutes

const suite = new Suite({ limit: 300 });
// Each goes on where the one before ended.
const check = (name, action) => suite.check(`alerts: ${name}`, action, { seconds: 60, needed: true });
const instance_of = (node) => `127.0.0.1:${node.ports.http}`;

// It does not fire before `cause`, and then it does.
async function fault(prometheus, alert, labels, cause) {
  assert.ok(!(await prometheus.firing())[alert], `${alert} fires before`);
  await cause();
  await prometheus.fires(alert, labels, { timeout: 25000 });
}

const ends = (prometheus, alert) => until(async () => !(await prometheus.firing())[alert], { timeout: 20000, what: `${alert} to end` });

async function healthy_checks(nodes, prometheus) {
  await check('none fires for a healthy cluster [OBS-32]', async () => {
    const [one, two] = nodes.all;
    await room_client(one).createRoom({ name: 'healthy', nodeId: two.node });
    await room_client(one).updateRoomMetadata('healthy', 'through another node');
    const seen = () => prometheus.query('min(count_over_time(up{job="confab"}[1m])) and min(confab_cluster_nodes) == 3');
    await until(async () => (await seen())[0]?.value[1] >= kScrapes, { timeout: 25000, what: `${kScrapes} scrapes` });
    assert.deepEqual(await prometheus.firing(), {});
  });
}

async function redis_checks(nodes, prometheus) {
  await check('Redis is killed: ConfabRedisAway, until it is back [OBS-32] [NODE-14]', async () => {
    await fault(prometheus, 'ConfabRedisAway', { severity: 'critical' }, () => nodes.redis.stop());
    await nodes.redis.run();
    await ends(prometheus, 'ConfabRedisAway');
  });

  await check('Redis goes and comes: ConfabRedisFlapping [OBS-32]', async () => {
    await fault(prometheus, 'ConfabRedisFlapping', { severity: 'warning' }, async () => {
      for (let i = 1; i < kOutages; ++i) {
        await nodes.redis.stop();
        await sleep(1000);
        await nodes.redis.run();
        await until(async () => (await prometheus.query('min(confab_cluster_redis_connected)'))[0]?.value[1] === '1', { timeout: 15000, what: 'all to be connected' });
      }
    });
  });
}

async function node_checks(nodes, prometheus) {
  const [, , third] = nodes.all;
  const again = (address) => start_server(suite, { ...kConfig, redis: { address } }, { port: third.ports.http });

  await check('a node is killed: ConfabNodeLost [OBS-32] [NODE-24]', async () => {
    await fault(prometheus, 'ConfabNodeLost', { severity: 'warning' }, () => third.signal('SIGKILL'));
    await third.ended;
  });

  await check('a node comes back with the address of another Redis: ConfabNodesDisagree, until that is mended [OBS-32]', async () => {
    const other = await RedisServer.start();
    suite.cleanup(() => other.end());
    let wrong;
    // The others miss the killed node one after the other.
    await ends(prometheus, 'ConfabNodesDisagree');
    await fault(prometheus, 'ConfabNodesDisagree', { severity: 'critical' }, async () => { wrong = await again(other.address); });
    await wrong.stop();
    await again(nodes.redis.address);
    await ends(prometheus, 'ConfabNodesDisagree');
  });
}

async function call_checks(nodes, prometheus) {
  const [one, two] = nodes.all;

  await check('a node stands still: ConfabNodeCallsFail where it was asked, ConfabNodeCallsLate where it answers nobody [OBS-32]', async () => {
    const api = room_client(one);
    await api.createRoom({ name: 'calls', nodeId: two.node });
    const send = (count) => Promise.allSettled(Array.from({ length: count }, () => api.sendData('calls', new Uint8Array(1), DataPacket_Kind.RELIABLE, {})));
    assert.equal((await send(1))[0].status, 'fulfilled');
    await sleep(1200); // until it was scraped
    const before = await prometheus.firing();
    assert.ok(!before.ConfabNodeCallsFail && !before.ConfabNodeCallsLate, Object.keys(before).join());
    two.signal('SIGSTOP');
    const first = send(5); // a series is born with its first failures, which no rate counts
    await sleep(1200);
    const rest = send(kCalls);
    await sleep(3500); // beyond the 3 s that a request is worth anything
    two.signal('SIGCONT');
    await prometheus.fires('ConfabNodeCallsLate', { instance: instance_of(two), severity: 'warning' });
    await prometheus.fires('ConfabNodeCallsFail', { instance: instance_of(one), severity: 'warning' });
    await Promise.all([first, rest]);
  });

  await check('a room that Redis gives to another node: ConfabRoomOnTwoNodes [OBS-32] [NODE-16]', async () => {
    await room_client(one).createRoom({ name: 'twice', nodeId: one.node });
    await fault(prometheus, 'ConfabRoomOnTwoNodes', { instance: instance_of(one), severity: 'warning' }, async () => {
      nodes.redis.cli('HSET', 'room_node_map', 'twice', two.node);
      await room_client(one).updateRoomMetadata('twice', 'seen').catch(() => {});
    });
  });
}

async function load_checks(nodes, prometheus) {
  await check('more people than three nodes are planned for: ConfabTooFewNodes [OBS-32] [OPS-04]', async () => {
    const [one] = nodes.all;
    const people = [];
    await fault(prometheus, 'ConfabTooFewNodes', { severity: 'warning' }, async () => {
      for (let i = 0; i < 7; ++i) people.push(await SignalClient.join(one, 'many', `p${i}`, {}));
    });
    for (const client of people) client.destroy();
  });
}

// Last: the nodes take each other for dead.
async function record_checks(nodes, prometheus) {
  await check('Redis refuses the records of nodes: ConfabHeartbeatStale, until it does not [OBS-32] [NODE-02]', async () => {
    await until(() => Number(nodes.redis.cli('HLEN', 'nodes')) >= 3, { what: 'the records' });
    await fault(prometheus, 'ConfabHeartbeatStale', { severity: 'critical' }, () => nodes.redis.cli('ACL', 'SETUSER', 'default', '-hset'));
    nodes.redis.cli('ACL', 'SETUSER', 'default', '+hset');
    await ends(prometheus, 'ConfabHeartbeatStale');
  });
}

await suite.run(async () => {
  const nodes = await Nodes.start(suite, 3, kConfig);
  const prometheus = await Prometheus.start(suite, ...nodes.all.map(instance_of));
  await healthy_checks(nodes, prometheus);
  await redis_checks(nodes, prometheus);
  await node_checks(nodes, prometheus);
  await call_checks(nodes, prometheus);
  await load_checks(nodes, prometheus);
  await record_checks(nodes, prometheus);
});
