// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Nodes that go, with their calls.

import { RoomEvent } from '@livekit/rtc-node';
import { RoomServiceClient } from 'livekit-server-sdk';

import { Client } from '../signal/client.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { Nodes } from './nodes.mjs';

const api = (node) => new RoomServiceClient(node.http, KEY, SECRET);
const probe = async (node, path) => (await fetch(`${node.http}${path}`)).status;

export async function drain_checks(suite) {
  const as_operator = { args: ['serve'] };

  await suite.check('a drain that is over: rooms go on at other nodes with their records, and the process ends [OPS-01] [NODE-13] [NODE-15]', async () => {
    const nodes = await Nodes.start(suite, 2, { confab: { drain_timeout: '2s' } }, as_operator);
    const [one, two] = nodes.all;
    const made = await api(one).createRoom({ name: 'drain', metadata: 'kept', nodeId: one.node });
    const empty = await api(one).createRoom({ name: 'drain-empty', nodeId: one.node });
    const alice = await Peer.join(suite, one, 'drain', 'alice', { number: 1 });
    const bob = await Peer.join(suite, two, 'drain', 'bob', { number: 2 });
    await Promise.all([alice.publish_tone(), bob.publish_tone()]);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    const since = Date.now();
    one.signal('SIGTERM');
    await until(async () => (await probe(one, '/readyz')) === 503, { what: 'no readiness' });
    assert.equal(await probe(one, '/livez'), 200);
    assert.equal(await probe(one, '/'), 200);
    // New rooms go elsewhere, who comes to a room that is here is let in.
    await api(one).createRoom({ name: 'drain-new' });
    assert.equal(nodes.holder('drain-new'), two);
    const carol = await Peer.join(suite, two, 'drain', 'carol', { number: 3 });
    await carol.hears(alice);
    for (const peer of [bob, carol]) await peer.event(RoomEvent.Reconnected, () => true, { since, timeout: 10000 });
    // Alice's address is no more; an application goes to the load balancer with a new join.
    const again = await Peer.join(suite, two, 'drain', 'alice', { number: 1 });
    await again.publish_tone();
    await Promise.all([bob.hears(again), carol.hears(bob), again.hears(bob)]);
    assert.equal(nodes.holder('drain'), two);
    assert.equal(nodes.holder('drain-empty'), two);
    assert.equal((await api(two).listRooms(['drain-empty']))[0]?.sid, empty.sid);
    const [room] = await api(two).listRooms(['drain']);
    assert.deepEqual([room.sid, room.metadata, room.creationTime], [made.sid, 'kept', made.creationTime]);
    assert.equal((await one.ended).code, 0);
    assert.equal(nodes.redis.cli('HKEYS', 'nodes'), two.node);
    for (const peer of [bob, carol, again]) await peer.leave();
    await nodes.end();
  }, { seconds: 60 });

  await suite.check('a drain is called off by SIGUSR1: new rooms come again [OPS-01]', async () => {
    const nodes = await Nodes.start(suite, 1, {}, as_operator);
    const [one] = nodes.all;
    const guest = await Client.join(suite, one, 'stays', 'guest');
    one.signal('SIGTERM');
    await until(async () => (await probe(one, '/readyz')) === 503, { what: 'the drain' });
    await assert.rejects(api(one).createRoom({ name: 'refused' }), /could not find any available nodes/);
    one.signal('SIGUSR1');
    await until(async () => (await probe(one, '/readyz')) === 200, { what: 'its end' });
    await api(one).createRoom({ name: 'taken' });
    assert.equal(nodes.holder('taken'), one);
    assert.ok(guest.open);
    await nodes.end();
  });

  await suite.check('three nodes are replaced one by one under 100 participants: no join is refused, all are back within 5 s [OPS-01] [OPS-03]', async () => {
    const nodes = await Nodes.start(suite, 3, { confab: { drain_timeout: '1s', drain_rate: 100 } }, as_operator);
    const entrance = () => nodes.all.filter((one) => !one.exited && !one.leaves);
    const times = [];
    let refused = 0;
    let over = false;
    // As a client behind a load balancer: whatever ends its session, it joins anew at a node that is ready.
    const stay = async (room, identity, turn) => {
      let lost;
      while (!over) {
        const ready = entrance();
        const { client, status } = await Client.ask(ready[turn++ % ready.length], room, identity);
        if (!client) {
          refused += status === undefined ? 0 : 1;
          await sleep(50);
          continue;
        }
        await client.told('join');
        if (lost) times.push(Date.now() - lost);
        await Promise.race([client.signal.ws.closed, until(() => over, { timeout: 120000, every: 200 })]);
        lost = Date.now();
        client.destroy();
      }
    };
    const all = [];
    for (let i = 0; i < 100; i += 1) all.push(stay(`rolling-${i % 20}`, `p${i}`, i));
    const listed = async () => {
      const rooms = await api(entrance()[0]).listRooms();
      return rooms.reduce((sum, room) => sum + room.numParticipants, 0);
    };
    await until(async () => (await listed()) === 100, { timeout: 20000, what: async () => `100 participants, there are ${await listed()}` });
    const sids = (await api(entrance()[0]).listRooms()).map((room) => `${room.name} ${room.sid}`).sort();
    for (const old of [...nodes.all]) {
      const fresh = await nodes.add({ confab: { drain_timeout: '1s', drain_rate: 100 } });
      await until(async () => (await probe(fresh, '/readyz')) === 200, { what: 'the new node' });
      old.leaves = true;
      old.signal('SIGTERM');
      assert.equal((await old.ended).code, 0);
      await until(async () => (await listed()) === 100, { timeout: 10000, what: async () => `100 participants, there are ${await listed()}` });
    }
    assert.deepEqual((await api(entrance()[0]).listRooms()).map((room) => `${room.name} ${room.sid}`).sort(), sids);
    over = true;
    await Promise.all(all);
    times.sort((a, b) => a - b);
    console.log(`  ${times.length} sessions came back, the last after ${times.at(-1)} ms; ${refused} joins refused`);
    assert.equal(refused, 0);
    assert.ok(times.length >= 100 && times.at(-1) < 5000, `${times}`);
    await nodes.end();
  }, { seconds: 150 });
}
