// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A call over two nodes and what its clients see of a fault: for bench/faults.mjs.

import { ConnectionState, RoomEvent } from '../tests/node_modules/@livekit/rtc-node/dist/index.js';
import { RoomServiceClient } from '../tests/node_modules/livekit-server-sdk/dist/index.js';

import { WebhookSink } from '../tests/api/webhook_sink.mjs';
import { Nodes } from '../tests/cluster/nodes.mjs';
import { watch_gap } from '../tests/lib/gaps.mjs';
import { Peer } from '../tests/lib/rtc_peer.mjs';
import { KEY, SECRET } from '../tests/lib/server.mjs';
import { SignalClient } from '../tests/lib/signal_client.mjs';
import { join_token } from '../tests/lib/token.mjs';
import { sleep, until, within } from '../tests/lib/wait.mjs';

const kRoom = 'call';
const kPicturesPerSecond = 25;
const kSettleMillis = 5000; // of the nodes: they know each other
const kJoinMillis = 6000; // what a client waits for a join
const kBackMillis = 60000;
const kListedMillis = 45000;
const kLateMillis = 4000; // for the last webhooks, and second ones

const api = (node) => new RoomServiceClient(node.http, KEY, SECRET, { requestTimeout: 15 });
const long_token = (identity) => join_token(kRoom, identity, { options: { ttl: 7200 } });
const why = (error) => String(error?.code ?? error?.message ?? error).split('\n')[0].slice(0, 60);

// Milliseconds until it is done, or why it is not.
async function timed(ms, action) {
  const begin = Date.now();
  try {
    await within(ms, 'it', action());
    return Date.now() - begin;
  } catch (error) {
    return /took longer/.test(error.message) ? `none in ${ms / 1000} s` : why(error);
  }
}

export class FaultCall {
  people = [];
  seen = {}; // what an action found out

  // Alice's node has the room, Bob is there through the other one; with `both_away` Alice, too. `form`: of
  // tests/cluster/forms.mjs.
  static async start(suite, { command, form, both_away }) {
    const call = new FaultCall();
    Object.assign(call, { suite, sink: await WebhookSink.start(suite) });
    const options = command ? { command } : { args: ['serve'] };
    const config = { webhook: { urls: [call.sink.url], api_key: KEY } };
    call.nodes = await Nodes.start(suite, 2, config, { form, ...options });
    [call.holder, call.away] = call.nodes.all;
    await api(call.holder).createRoom({ name: kRoom, nodeId: call.holder.node, emptyTimeout: 60, departureTimeout: 20 });
    call.alice = await call.#person(both_away ? call.away : call.holder, 'alice', 1);
    call.bob = await call.#person(call.away, 'bob', 2);
    await Promise.all([call.alice.sees(call.bob), call.bob.sees(call.alice)]);
    await sleep(kSettleMillis);
    return call;
  }

  async #person(node, identity, number) {
    const peer = await Peer.join(this.suite, node, kRoom, identity, { number, token: await long_token(identity) });
    const track = await peer.publish_picture({ fps: kPicturesPerSecond });
    await peer.publish_tone();
    this.people.push(peer);
    peer.first = { sid: peer.local.sid, track: track.publication.sid };
    return peer;
  }

  // Somebody who only has a WebSocket; gone again at once.
  async try_join(node, identity) {
    if (node.exited) return '–';
    return timed(kJoinMillis, async () => {
      const { client, status, body } = await SignalClient.ask(node, kRoom, identity, { token: await long_token(identity) });
      if (!client) throw new Error(`${status} ${String(body).slice(0, 40)}`);
      await client.wait('join', { timeout: kJoinMillis });
      await client.leave();
    });
  }

  // How long until a client that says nothing knows that it is lost, from when `since` resolves.
  async quiet(since) {
    const client = await SignalClient.join(this.away, kRoom, 'quiet', { token: await long_token('quiet') });
    const begin = await since;
    const told = () => client.last.leave || !client.open;
    return until(told, { timeout: 30000, every: 10, what: 'it' }).then(() => Date.now() - begin, () => 'never').finally(() => client.destroy());
  }

  // `fault`: of fault_list.mjs. Gives what a row says.
  async measure(fault) {
    const gaps = [watch_gap(this.alice, this.bob), watch_gap(this.bob, this.alice)];
    const begin = Date.now();
    const meanwhile = fault.meanwhile ? this.#meanwhile(fault.meanwhile) : undefined;
    await fault.action(this);
    const joins = await meanwhile;
    const back = await this.#back();
    const stood = gaps.map((gap) => gap.stop()).map((ms) => (this.#living.length === 2 ? ms : undefined));
    const row = { stood, back, joins, quiet: this.seen.quiet, told: this.#told(begin), renewed: this.#renewed(begin) };
    row.listed = await this.#listed();
    row.split = await this.#split();
    row.deleted = await timed(20000, () => api(this.away.exited ? this.holder : this.away).deleteRoom(kRoom));
    await sleep(kLateMillis);
    row.webhooks = this.#webhooks();
    return row;
  }

  async #meanwhile(ms) {
    await sleep(ms);
    const [here, away] = await Promise.all([this.try_join(this.holder, 'guest-here'), this.try_join(this.away, 'guest-away')]);
    return { here, away };
  }

  // Those whose node is there.
  get #living() {
    return this.people.filter((peer) => peer.room.isConnected);
  }

  // Until each sees who else is still there.
  async #back() {
    const see = (one, other) => one.sees(other, { timeout: kBackMillis });
    const [alice, bob] = [this.alice, this.bob];
    return timed(kBackMillis, async () => {
      // Who has lost its node for good is told so.
      await until(() => this.people.every((peer) => peer.room.connectionState !== ConnectionState.CONN_RECONNECTING), { timeout: kBackMillis, what: 'an end of reconnecting' });
      if (this.#living.length === 2) await Promise.all([see(alice, bob), see(bob, alice)]);
      else if (this.#living.length === 0) throw new Error('all lost');
    });
  }

  // When Bob, whose node it may not have been, heard of it.
  #told(begin) {
    const first = (peer) => peer.events.find(({ name, at }) => at >= begin && [RoomEvent.Reconnecting, RoomEvent.Disconnected].includes(name));
    return [this.alice, this.bob].map((peer) => (first(peer) ? first(peer).at - begin : undefined));
  }

  // What connections went through: `-` nothing, else reconnects (`*`: with a new session), or `lost`.
  #renewed(begin) {
    return this.people.slice(0, 2).map((peer) => {
      if (!peer.room.isConnected) return 'lost';
      const count = peer.events.filter(({ name, at }) => at >= begin && name === RoomEvent.Reconnecting).length;
      return count === 0 ? '-' : `${count}${peer.local.sid === peer.first.sid ? '' : '*'}`;
    });
  }

  // Seconds until nobody is listed who is not there; 0: never anybody.
  async #listed() {
    const there = this.#living.map((peer) => peer.identity).sort().join();
    const node = this.away.exited ? this.holder : this.away;
    const begin = Date.now();
    let seen;
    const right = async () => (seen = (await api(node).listParticipants(kRoom)).map((one) => one.identity).sort().join()) === there;
    return until(right, { timeout: kListedMillis, every: 250, what: 'it' }).then(() => Math.floor((Date.now() - begin) / 1000), () => `${seen ?? 'nothing'} for ${kListedMillis / 1000} s`);
  }

  // Whether who comes now, through whichever node, sees who was there and each other.
  async #split() {
    const newcomers = [];
    try {
      for (const [i, node] of this.nodes.all.filter((one) => !one.exited).entries()) newcomers.push(await this.#person(node, `late-${i}`, 3 + i));
    } catch (error) {
      return `join: ${why(error)}`;
    }
    const all = [...this.#living];
    const knows = (one) => all.every((other) => other === one || one.remote(other.identity));
    return until(() => all.every(knows), { timeout: 8000, what: 'it' }).then(() => 'no', () => 'yes');
  }

  #webhooks() {
    const seen = new Map();
    for (const { event } of this.sink.of_room(kRoom)) {
      const key = `${event.event} ${event.participant?.sid ?? ''} ${event.track?.sid ?? ''}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    const wanted = ['room_started  ', 'room_finished  '];
    for (const { first } of this.people) wanted.push(`participant_joined ${first.sid} `, `participant_left ${first.sid} `, `track_published ${first.sid} ${first.track}`);
    return { lost: wanted.filter((key) => !seen.has(key)), twice: [...seen].filter(([, count]) => count > 1).map(([key]) => key) };
  }

  async end() {
    for (const peer of this.people) await peer.leave().catch(() => {});
    for (const node of this.nodes.all) node.signal('SIGCONT');
    await this.nodes.end();
    this.sink.stop();
  }
}
