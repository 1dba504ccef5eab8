// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A peer of the nodes on their Redis, as LiveKit's services are: it serves calls and makes them
// (03 section 2), with messages as fields by their numbers.

import net from 'node:net';

import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf';

// ---------------------------------------------------------------- messages

// {number: text, bytes, nested object, boolean, bigint (varint) or {float}; an array is repeated}.
export function encode(fields) {
  const writer = new BinaryWriter();
  for (const [number, values] of Object.entries(fields)) {
    for (const value of Array.isArray(values) ? values : [values]) {
      const is = (wire) => writer.tag(Number(number), wire);
      if (typeof value === 'string') is(WireType.LengthDelimited).string(value);
      else if (value instanceof Uint8Array) is(WireType.LengthDelimited).bytes(value);
      else if (typeof value === 'bigint') is(WireType.Varint).int64(value);
      else if (typeof value === 'boolean') is(WireType.Varint).bool(value);
      else if ('float' in value) is(WireType.Bit32).float(value.float);
      else is(WireType.LengthDelimited).bytes(encode(value));
    }
  }
  return writer.finish();
}

// The fields of a message: `text(3)`, `number(3)`, `message(3)`, `map(3)` of texts.
export class Fields {
  #all = new Map();

  constructor(bytes) {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, wire] = reader.tag();
      let value;
      if (wire === WireType.LengthDelimited) value = reader.bytes();
      else if (wire === WireType.Varint) value = reader.int64();
      else if (wire === WireType.Bit32) value = reader.float();
      else reader.skip(wire);
      this.#all.set(number, [...(this.#all.get(number) ?? []), value]);
    }
  }

  get numbers() { return [...this.#all.keys()].sort((a, b) => a - b); }
  has(number) { return this.#all.has(number); }
  all(number) { return this.#all.get(number) ?? []; }
  bytes(number) { return this.#all.get(number)?.at(-1) ?? new Uint8Array(); }
  text(number) { return Buffer.from(this.bytes(number)).toString(); }
  number(number) { return Number(this.#all.get(number)?.at(-1) ?? 0); }
  float(number) { return this.#all.get(number)?.at(-1) ?? 0; }
  message(number) { return new Fields(this.bytes(number)); }
  map(number) {
    return Object.fromEntries((this.#all.get(number) ?? []).map((entry) => new Fields(entry)).map((entry) => [entry.text(1), entry.text(2)]));
  }
}

// ---------------------------------------------------------------- Redis

// One connection: what it is told, in order, and what is pushed to it.
class Line {
  #waiting = [];
  #buffer = Buffer.alloc(0);

  constructor(port, on_push) {
    this.on_push = on_push;
    this.socket = net.connect(port, '127.0.0.1');
    this.socket.on('data', (data) => {
      this.#buffer = Buffer.concat([this.#buffer, data]);
      this.#read();
    });
    this.socket.on('error', () => {});
  }

  send(...words) {
    const parts = [Buffer.from(`*${words.length}\r\n`)];
    for (const word of words) parts.push(Buffer.from(`$${Buffer.byteLength(word)}\r\n`), Buffer.from(word), Buffer.from('\r\n'));
    this.socket.write(Buffer.concat(parts));
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #read() {
    for (;;) {
      const parsed = this.#value(0);
      if (!parsed) return;
      this.#buffer = this.#buffer.subarray(parsed.end);
      const { value } = parsed;
      if (Array.isArray(value) && String(value[0]) === 'message') this.on_push(String(value[1]), value[2]);
      else this.#waiting.shift()?.(value);
    }
  }

  #value(at) {
    const end = this.#buffer.indexOf('\r\n', at);
    if (end < 0) return null;
    const kind = String.fromCharCode(this.#buffer[at]);
    const rest = this.#buffer.toString('latin1', at + 1, end);
    if (kind === '$') {
      const size = Number(rest);
      if (size < 0) return { value: null, end: end + 2 };
      if (this.#buffer.length < end + 2 + size + 2) return null;
      return { value: this.#buffer.subarray(end + 2, end + 2 + size), end: end + 2 + size + 2 };
    }
    if (kind !== '*') return { value: rest, end: end + 2 };
    const items = [];
    let next = end + 2;
    for (let i = 0; i < Number(rest); i += 1) {
      const item = this.#value(next);
      if (!item) return null;
      items.push(item.value);
      next = item.end;
    }
    return { value: items, end: next };
  }
}

// ---------------------------------------------------------------- calls

export const nanoseconds = (ms) => BigInt(Math.round(ms)) * 1000000n;
// Names of channels: other characters by their code points (PSR-06).
export const escaped = (text) => text.replace(/[^0-9A-Za-z_]/gu, (one) => {
  const point = one.codePointAt(0);
  return point < 0x10000 ? `u+${point.toString(16).padStart(4, '0')}` : `U+${point.toString(16).padStart(8, '0')}`;
});
const channel = (...parts) => parts.filter((part) => part !== '').join('|');

export const envelope_of = (type, bytes) => encode({ 1: `type.googleapis.com/${type}`, 2: bytes });

export class Peer {
  #heard = new Map();
  #count = 0;

  constructor(port, name) {
    this.name = name;
    this.server_id = `SRV_${name}`;
    this.client_id = `CLI_${name}`;
    this.pushes = new Line(port, (on, payload) => {
      const envelope = new Fields(payload);
      for (const heard of this.#heard.get(on) ?? []) heard(new Fields(envelope.bytes(2)), payload);
    });
    this.commands = new Line(port, () => {});
  }

  static async start(suite, port, name) {
    const peer = new Peer(port, name);
    suite.cleanup(() => peer.end());
    await peer.commands.send('PING');
    return peer;
  }

  end() {
    this.pushes.socket.destroy();
    this.commands.socket.destroy();
  }

  // `heard` is given the fields of each message there, and the bytes it came in.
  async listen(on, heard) {
    this.#heard.set(on, [...(this.#heard.get(on) ?? []), heard]);
    await this.pushes.send('SUBSCRIBE', on);
  }

  async mute(...all) {
    for (const on of all) {
      this.#heard.delete(on);
      await this.pushes.send('UNSUBSCRIBE', on);
    }
  }

  publish(on, type, fields) {
    return this.commands.send('PUBLISH', on, envelope_of(`internal.${type}`, encode(fields)));
  }

  // `handler` is given the bytes of a request and gives those of the answer, or throws {code, text,
  // details}. Gives a function that ends the service. `single`: of a method with one server for a
  // topic, which is asked without claims (PSR-15).
  async serve(service, method, topic, handler, { single = false } = {}) {
    const asked = channel(service, method, topic, 'REQ');
    const chosen = channel(service, method, topic, 'RCLAIM');
    const requests = new Map();
    const carry_out = async (request) => {
      const answer = { 1: request.text(1), 2: this.server_id, 3: nanoseconds(Date.now()) };
      try {
        answer[7] = await handler(request.bytes(8));
      } catch (error) {
        Object.assign(answer, { 5: error.text ?? String(error), 6: error.code ?? 'unknown', 8: error.details ?? [] });
      }
      await this.publish(channel(service, request.text(2), 'RES'), 'Response', answer);
    };
    await this.listen(chosen, (claim) => {
      const request = requests.get(claim.text(1));
      if (requests.delete(claim.text(1)) && claim.text(2) === this.server_id) return carry_out(request);
    });
    await this.listen(asked, (request) => {
      if (single) return carry_out(request);
      requests.set(request.text(1), request);
      return this.publish(channel(service, request.text(2), 'CLAIM'), 'ClaimRequest', { 1: request.text(1), 2: this.server_id, 3: { float: 1 } });
    });
    return () => this.mute(asked, chosen);
  }

  // The bytes of the answer; throws {code, text}. `claims`: how many servers said that they would.
  async call(service, method, request, { topic = '' } = {}) {
    const id = `REQ_${this.name}${(this.#count += 1)}`;
    const claim = channel(service, this.client_id, 'CLAIM');
    const result = channel(service, this.client_id, 'RES');
    let claims = 0;
    let finish;
    const answered = new Promise((resolve) => { finish = resolve; });
    await this.listen(claim, async (offer) => {
      if (offer.text(1) !== id || (claims += 1) > 1) return;
      await this.publish(channel(service, method, topic, 'RCLAIM'), 'ClaimResponse', { 1: id, 2: offer.text(2) });
    });
    await this.listen(result, (answer) => { if (answer.text(1) === id) finish(answer); });
    const sent = { 1: id, 2: this.client_id, 3: nanoseconds(Date.now()), 4: nanoseconds(Date.now() + 3000), 8: request };
    await this.publish(channel(service, method, topic, 'REQ'), 'Request', sent);
    const answer = await Promise.race([answered, new Promise((resolve) => { setTimeout(resolve, 3000).unref(); })]);
    await this.mute(claim, result);
    if (!answer) throw Object.assign(new Error('no answer'), { code: 'unavailable', text: 'no answer' });
    if (answer.text(5)) throw Object.assign(new Error(answer.text(5)), { code: answer.text(6), text: answer.text(5) });
    return { answer: answer.bytes(7), claims };
  }
}
