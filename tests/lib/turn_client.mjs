// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Requests of a TURN client over UDP (RFC 8656) with long-term credentials (RFC 8489 §9.2).

import { createHash, createHmac, randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';

import { attribute, header, uint32 } from './stun.mjs';

const kMethod = { allocate: 3, refresh: 4, channel_bind: 9 };
const kAttribute = { username: 6, integrity: 8, error: 9, channel: 12, lifetime: 13, peer: 18, realm: 20, nonce: 21, transport: 25 };
const kUdp = 17 << 24;
const kCookie = 0x2112a442;
const kIpv4 = 1;

// XOR-PEER-ADDRESS (RFC 8489 §14.2).
function peer_address(host, port) {
  const value = Buffer.alloc(8);
  value[1] = kIpv4;
  value.writeUInt16BE(port ^ (kCookie >>> 16), 2);
  const address = host.split('.').reduce((all, part) => all * 256 + Number(part), 0);
  value.writeUInt32BE((address ^ kCookie) >>> 0, 4);
  return attribute(kAttribute.peer, value);
}

// The attributes of a message, by type.
function attributes_of(bytes) {
  const result = new Map();
  for (let at = 20; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16BE(at + 2);
    result.set(bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return result;
}

export class TurnClient {
  static async open(host, port, { username, credential }) {
    const socket = dgram.createSocket('udp4');
    socket.connect(port, host);
    await once(socket, 'connect');
    return new TurnClient(socket, username, credential);
  }

  constructor(socket, username, credential) {
    Object.assign(this, { socket, username, credential, realm: null, nonce: null });
  }

  close() {
    this.socket.close();
  }

  // The answer: its error code (0: none) and lifetime in seconds.
  async request(name, attributes) {
    const answer = await this.#exchange(kMethod[name], attributes);
    const code = answer.get(kAttribute.error);
    const lifetime = answer.get(kAttribute.lifetime);
    if (code) {
      this.realm = answer.get(kAttribute.realm) ?? this.realm;
      this.nonce = answer.get(kAttribute.nonce) ?? this.nonce;
    }
    return { error: code ? code[2] * 100 + code[3] : 0, lifetime: lifetime?.readUInt32BE() };
  }

  // The first request is without credentials: it asks for the nonce.
  async allocate() {
    const asked = [attribute(kAttribute.transport, uint32(kUdp))];
    await this.request('allocate', asked);
    return this.request('allocate', asked);
  }

  refresh(seconds) {
    return this.request('refresh', [attribute(kAttribute.lifetime, uint32(seconds))]);
  }

  bind_channel(number, host, port) {
    return this.request('channel_bind', [attribute(kAttribute.channel, uint32(number * 0x10000)), peer_address(host, port)]);
  }

  // On a channel; nothing comes back for it.
  send_on(number, data) {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(number, 0);
    head.writeUInt16BE(data.length, 2);
    this.socket.send(Buffer.concat([head, data]));
  }

  #build(method, transaction, attributes) {
    let body = Buffer.concat(attributes);
    if (this.nonce) {
      const known = [[kAttribute.username, Buffer.from(this.username)], [kAttribute.realm, this.realm], [kAttribute.nonce, this.nonce]];
      body = Buffer.concat([body, ...known.map(([type, value]) => attribute(type, value))]);
      const key = createHash('md5').update(`${this.username}:${this.realm}:${this.credential}`).digest();
      const signed = Buffer.concat([header(method, body.length + 24, transaction), body]);
      body = Buffer.concat([body, attribute(kAttribute.integrity, createHmac('sha1', key).update(signed).digest())]);
    }
    return Buffer.concat([header(method, body.length, transaction), body]);
  }

  #exchange(method, attributes) {
    const transaction = randomBytes(12);
    const message = this.#build(method, transaction, attributes);
    return new Promise((resolve, reject) => {
      const done = (finish) => {
        clearInterval(repeat);
        clearTimeout(late);
        this.socket.off('message', listen);
        finish();
      };
      const listen = (bytes) => {
        if (bytes.length < 20 || !bytes.subarray(8, 20).equals(transaction)) return;
        done(() => resolve(attributes_of(bytes)));
      };
      const repeat = setInterval(() => this.socket.send(message), 500);
      const late = setTimeout(() => done(() => reject(new Error('the TURN server does not answer'))), 10000);
      this.socket.on('message', listen);
      this.socket.send(message);
    });
  }
}
