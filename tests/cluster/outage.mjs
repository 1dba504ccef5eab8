// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Two nodes without their Redis, for as long as one likes: people come to the rooms that are here and go,
// the API changes what it can, and asks in vain for the rest. What matters has bounds of its own, so
// that ten minutes show no more than one; they are for whoever wants to see it.

import { ParticipantInfo, Room } from '@livekit/protocol';

import { dispatch_client } from '../agents/worker.mjs';
import { room_client } from '../api/clients.mjs';
import { WebhookSink } from '../api/webhook_sink.mjs';
import { descriptors, resident } from '../lib/process_stats.mjs';
import { Peer as Service } from '../lib/psrpc.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { KEY } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { Nodes } from './nodes.mjs';

const kSeconds = Number(process.env.OUTAGE_SECONDS ?? 40);
const kGrowth = 24 * 1024 * 1024; // of one node's memory, from the beginning of the outage to its end
const kRoom = 'outage';

const suite = new Suite({ limit: kSeconds + 200 });
const quietly = (promise) => promise.then(() => true, () => false);
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

// What goes on all the time; counts what was done.
class Traffic {
  joins = 0;
  metadata = '';
  refused = 0;
  #going = true;

  constructor(holder, away) {
    Object.assign(this, { holder, away });
    this.ended = Promise.all([this.#people(), this.#api(), this.#in_vain()]);
  }
  async #people() {
    for (; this.#going; await sleep(100)) {
      const client = await SignalClient.join(this.holder, kRoom, `guest-${this.joins}`, { v1: false });
      this.joins += 1;
      await client.leave();
      client.destroy();
    }
  }
  async #api() {
    for (let i = 0; this.#going; i += 1, await sleep(100)) {
      this.metadata = `metadata ${i}`;
      await room_client(this.holder).updateRoomMetadata(kRoom, this.metadata);
      await room_client(this.holder).updateParticipant(kRoom, 'alice', { attributes: { count: String(i) } });
      this.attributes = String(i);
    }
  }
  // Of rooms that are nowhere, of other nodes, of agents and recorders: what needs Redis.
  async #in_vain() {
    for (let i = 0; this.#going; i += 1, await sleep(200)) {
      const asked = [
        room_client(this.away).createRoom({ name: `new-${i % 10}` }),
        room_client(this.away).listParticipants(kRoom),
        dispatch_client(this.away).createDispatch(kRoom, 'nobody'),
      ].map(quietly);
      this.refused += (await Promise.all(asked)).filter((done) => !done).length;
    }
  }
  stop() {
    this.#going = false;
    return this.ended;
  }
}

await suite.run(async () => {
  await suite.check(`Redis is away for ${kSeconds} s while people come and go: nothing grows, and what could not be told is told after [NODE-14] [RDS-30] [RDS-32]`, async () => {
    const sink = await WebhookSink.start(suite);
    const nodes = await Nodes.start(suite, 2, { webhook: { urls: [sink.url], api_key: KEY } });
    const [holder, away] = nodes.all;
    await room_client(away).createRoom({ name: kRoom, nodeId: holder.node, emptyTimeout: 3600 });
    // With media: who has none after a minute is sent away.
    const alice = await Peer.join(suite, holder, kRoom, 'alice', { number: 1 });
    const bob = await Peer.join(suite, away, kRoom, 'bob', { number: 2 });
    const traffic = new Traffic(holder, away);
    await sleep(8000); // what is made once is made
    await nodes.redis.stop();
    await sleep(2000);
    const samples = nodes.all.map(() => []);
    const end = Date.now() + kSeconds * 1000;
    while (Date.now() < end) {
      nodes.all.forEach(({ pid }, i) => samples[i].push([resident(pid), descriptors(pid)]));
      await sleep(Math.min(1000, Math.max(0, end - Date.now())));
    }
    for (const [i, list] of samples.entries()) {
      const part = Math.ceil(list.length / 5);
      const of = (which, field) => median((which === 'first' ? list.slice(0, part) : list.slice(-part)).map((one) => one[field]));
      const [memory, files] = [0, 1].map((field) => [of('first', field), of('last', field)]);
      console.log(`  node ${i}: ${memory.map((one) => (one / 1048576).toFixed(1)).join(' → ')} MiB, ${files.join(' → ')} descriptors`);
      assert.ok(memory[1] - memory[0] < kGrowth, `memory grew from ${memory[0]} to ${memory[1]}`);
      assert.ok(files[1] - files[0] < 20, `descriptors: ${files}`);
    }
    assert.ok(traffic.refused > kSeconds, `only ${traffic.refused} calls were refused`);
    for (const node of nodes.all) assert.equal((await fetch(`${node.http}/`)).status, 200);
    await traffic.stop();
    console.log(`  ${traffic.joins} joins, ${traffic.refused} calls that needed Redis`);
    await nodes.redis.run();
    const { commands } = await Service.start(suite, nodes.redis.port, 'reader');
    const stored = async (key, name, type) => { const bytes = await commands.send('HGET', key, name); return bytes && type.fromBinary(bytes); };
    await until(async () => (await stored('rooms', kRoom, Room))?.metadata === traffic.metadata, { timeout: 30000, what: 'the room as it is by now' });
    await until(async () => (await stored(`room_participants:${kRoom}`, 'alice', ParticipantInfo))?.attributes.count === traffic.attributes, { timeout: 30000, what: 'alice as she is by now' });
    await until(() => nodes.redis.cli('HKEYS', `room_participants:${kRoom}`).split('\n').sort().join() === 'alice,bob', { timeout: 30000, what: 'who is there, and nobody else' });
    await until(() => nodes.redis.cli('EXISTS', `agent_dispatch:${kRoom}`) === '1', { timeout: 30000, what: 'the dispatches of the room' });
    assert.equal(nodes.redis.cli('HGET', 'room_node_map', kRoom), holder.node);
    await until(async () => (await quietly(room_client(away).listParticipants(kRoom))), { timeout: 20000, what: 'the other node to answer again' });
    // Everybody who came was told of, once each.
    const told = () => sink.of_room(kRoom).filter(({ event }) => event.event === 'participant_connection_aborted' && event.participant.identity.startsWith('guest-'));
    await until(() => told().length >= traffic.joins, { timeout: 30000, what: () => `webhooks of ${traffic.joins} guests, there are ${told().length}` });
    assert.equal(new Set(told().map(({ event }) => event.participant.identity)).size, traffic.joins);
    const carol = await SignalClient.join(away, kRoom, 'carol', { v1: false });
    carol.destroy();
    await Promise.all([alice.leave(), bob.leave()]);
    await nodes.end();
  }, { seconds: kSeconds + 150 });
});
