// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Direct links between the nodes, seen by clients whose room is on another node.

import { RoomEvent } from '@livekit/rtc-node';
import { RoomServiceClient } from 'livekit-server-sdk';

import { Peer } from '../lib/rtc_peer.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { figure, linked, Nodes } from './nodes.mjs';

// Alice where the room is, Bob by the other node.
async function call(suite, nodes, room) {
  const [holder, away] = nodes.all;
  await new RoomServiceClient(holder.http, KEY, SECRET).createRoom({ name: room, nodeId: holder.node });
  const alice = await Peer.join(suite, holder, room, 'alice', { number: 1 });
  const bob = await Peer.join(suite, away, room, 'bob', { number: 2 });
  return { alice, bob, holder, away };
}

export async function link_checks(suite) {
  await suite.check('linked nodes: who signals through another node publishes while Redis is away [NODE-20] [RDS-30]', async () => {
    const nodes = await Nodes.start(suite, 2, { confab: { metrics_enabled: true } });
    await linked(nodes);
    const { alice, bob } = await call(suite, nodes, 'linked');
    const begin = Date.now();
    await nodes.redis.stop();
    await sleep(500);
    await Promise.all([alice.publish_tone(), bob.publish_tone()]);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    await nodes.redis.run();
    await until(() => nodes.redis.cli('HLEN', 'nodes') === '2', { what: 'both nodes' });
    for (const peer of [alice, bob]) {
      assert.deepEqual(peer.events.filter(({ name, at }) => at > begin && [RoomEvent.Reconnecting, RoomEvent.Disconnected].includes(name)), []);
      await peer.leave();
    }
    await nodes.end();
  }, { seconds: 60 });

  await suite.check('a link that a firewall keeps from coming up: signalling goes by Redis [NODE-20]', async () => {
    // Nobody answers at an address of documentation (RFC 5737): as behind a firewall, but for one thing,
    // that the node cannot listen there itself and says so.
    const nodes = await Nodes.start(suite, 2, { confab: { metrics_enabled: true, node_link_ip: '192.0.2.1', node_link_port: 7001 } });
    for (const node of nodes.all) assert.match(node.log, /no direct links from other nodes.*confab\.node_link_ip/);
    const { alice, bob } = await call(suite, nodes, 'unlinked');
    await Promise.all([alice.publish_tone(), bob.publish_tone()]);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    assert.equal(await figure(nodes.all[0], 'confab_cluster_links'), 0);
    for (const peer of [alice, bob]) await peer.leave();
    await nodes.end();
  }, { seconds: 40 });

  await suite.check('a link that is silent is no proof: a process that stops for 3.5 s is not dead, its call goes on, and the link comes again [NODE-24]', async () => {
    const nodes = await Nodes.start(suite, 2, { confab: { metrics_enabled: true } });
    await linked(nodes);
    const { alice, bob, holder, away } = await call(suite, nodes, 'halted');
    await Promise.all([alice.publish_tone(), bob.publish_tone()]);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    const begin = Date.now();
    away.signal('SIGSTOP');
    await sleep(3500);
    away.signal('SIGCONT');
    await linked(nodes);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    assert.doesNotMatch(holder.log, /nobody listens there/);
    for (const peer of [alice, bob]) {
      assert.deepEqual(peer.events.filter(({ name, at }) => at > begin && name === RoomEvent.Disconnected), []);
      await peer.leave();
    }
    await nodes.end();
  }, { seconds: 60 });
}
