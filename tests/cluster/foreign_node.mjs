// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A node of the cluster that is none of ours: its record, its calls and its streams, as their bytes
// (03 sections 1 to 4).

import { encode, Fields, nanoseconds, Peer } from '../lib/psrpc.mjs';

const kBeatMillis = 1000;
export const kServing = 1n;
export const kShuttingDown = 2n;

export class ForeignNode {
  stats = {}; // of NodeStats, beside the times
  state = kServing;
  region = '';
  made = []; // names of rooms it was asked to make
  #timer;

  // `beats`: false for one whose record is written once, as it was `age` seconds ago.
  static async start(suite, nodes, name, { beats = true, age = 0, ...more } = {}) {
    const node = Object.assign(new ForeignNode(), { id: `ND_${name.padEnd(12, 'x')}`, redis: nodes.redis, ...more });
    node.peer = await Peer.start(suite, nodes.redis.port, node.id);
    // The Signal service knows nodes by their ids (PSR-04).
    node.peer.client_id = node.id;
    await node.peer.serve('RoomManager', 'CreateRoom', node.id, (request) => {
      const room = new Fields(request).text(1);
      node.made.push(room);
      return encode({ 1: `RM_${name}${node.made.length}`.padEnd(15, 'x'), 2: room });
    });
    await node.write(age);
    if (beats) node.#timer = setInterval(() => { void node.write(); }, kBeatMillis);
    suite.cleanup(() => node.stop());
    return node;
  }

  write(age = 0) {
    const now = BigInt(Math.floor(Date.now() / 1000) - age);
    const record = encode({ 1: this.id, 2: '127.0.0.1', 3: 2n, 4: encode({ 1: now - 100n, 2: now, ...this.stats }), 6: this.state, 7: this.region });
    return this.peer.commands.send('HSET', 'nodes', this.id, record);
  }

  // Its record stays as it is.
  die() {
    clearInterval(this.#timer);
    this.peer.end();
  }

  async stop() {
    clearInterval(this.#timer);
    if (this.peer.commands.socket.destroyed) return;
    await this.peer.commands.send('HDEL', 'nodes', this.id);
    this.peer.end();
  }

  takes(room) {
    return this.peer.commands.send('HSET', 'room_node_map', room, this.id);
  }
}

// One end of a stream of the Signal service (PSR-16): what the other one says is acknowledged, and kept.
export class SignalStream {
  heard = []; // fields of RelaySignalRequest or RelaySignalResponse
  acks = new Set();
  closed;
  acknowledges = true;
  #count = 0;

  constructor(peer, to, id) {
    Object.assign(this, { peer, to, id });
  }

  // To the node `to`, as the one where a client's WebSocket is.
  static async open(node, to) {
    const stream = new SignalStream(node.peer, `Signal|RelaySignal|${to}|STR`, `STR_${node.id.slice(3)}`);
    await node.peer.listen(`Signal|${node.id}|STR`, (message) => stream.take(message));
    stream.opening = await stream.send({ 6: { 1: node.id } });
    return stream;
  }

  // What others open to `node`, one after the other.
  static async accept(node, on_stream) {
    const streams = new Map();
    await node.peer.listen(`Signal|RelaySignal|${node.id}|STR`, (message) => {
      const id = message.text(1);
      if (message.has(6)) {
        const stream = new SignalStream(node.peer, `Signal|${message.message(6).text(1)}|STR`, id);
        streams.set(id, stream);
        on_stream(stream, message.message(6));
      }
      streams.get(id)?.take(message);
    });
  }

  take(message) {
    if (message.text(1) !== this.id) return;
    if (message.has(8)) this.acks.add(message.text(2));
    if (message.has(7)) this.heard.push(new Fields(message.message(7).bytes(2)));
    if (message.has(9)) this.closed = { text: message.message(9).text(1), code: message.message(9).text(2) };
    if ((message.has(6) || message.has(7)) && this.acknowledges)
      void this.peer.publish(this.to, 'Stream', { 1: this.id, 2: message.text(2), 3: message.all(3).at(-1), 4: message.all(4).at(-1), 8: {} });
  }

  // Gives the id of the message, which is in `acks` once it was taken.
  async send(body, { expires = 3000 } = {}) {
    const request = `REQ_${this.id.slice(4)}${(this.#count += 1)}`;
    await this.peer.publish(this.to, 'Stream', { 1: this.id, 2: request, 3: nanoseconds(Date.now()), 4: nanoseconds(Date.now() + expires), ...body });
    return request;
  }
  say(batch, options) {
    return this.send({ 7: { 2: encode(batch) } }, options);
  }
  close(code = 'canceled', text = 'stream closed') {
    return this.send({ 9: { 1: text, 2: code } });
  }
}
