// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Requests of a TURN client over UDP or TCP (RFC 8656) with long-term credentials (RFC 8489 §9.2).

import { createHash, createHmac, randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';

import { attribute, header, parse_stun, read_xor_address, uint32, xor_address } from './stun.mjs';

const kMethod = { allocate: 3, refresh: 4, create_permission: 8, channel_bind: 9 };
const kAttribute = {
  username: 6, integrity: 8, unknown: 10, channel: 12, lifetime: 13, peer: 18, realm: 20, nonce: 21, relayed: 22, family: 23, even_port: 24, transport: 25, dont_fragment: 26,
};
const kUdp = 17;
const kHeaderBytes = 20;

// The whole messages of STUN in a stream, one by one.
function messages_of(stream, take) {
  let rest = Buffer.alloc(0);
  stream.on('data', (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= kHeaderBytes && rest.length >= kHeaderBytes + rest.readUInt16BE(2)) {
      const size = kHeaderBytes + rest.readUInt16BE(2);
      take(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
  });
}

// A request's attributes, by what they ask for.
export const turn_attributes = {
  transport: (protocol = kUdp) => attribute(kAttribute.transport, uint32(protocol << 24)),
  lifetime: (seconds) => attribute(kAttribute.lifetime, uint32(seconds)),
  family: (number) => attribute(kAttribute.family, uint32(number << 24)),
  even_port: (reserve = false) => attribute(kAttribute.even_port, Buffer.from([reserve ? 0x80 : 0])),
  dont_fragment: () => attribute(kAttribute.dont_fragment, Buffer.alloc(0)),
  peer: (host, port) => attribute(kAttribute.peer, xor_address({ host, port })),
};

export class TurnClient {
  static async open(host, port, { username, credential }, { tcp = false, local } = {}) {
    const socket = tcp ? net.connect(port, host) : dgram.createSocket('udp4');
    if (local) {
      socket.bind(0, local);
      await once(socket, 'listening');
    }
    if (!tcp) socket.connect(port, host);
    await once(socket, 'connect');
    return new TurnClient(socket, username, credential);
  }

  constructor(socket, username, credential) {
    Object.assign(this, { socket, username, credential, realm: null, nonce: null });
    this.tcp = socket instanceof net.Socket;
    if (this.tcp) messages_of(socket, (bytes) => socket.emit('message', bytes));
  }

  // The same client by another name, over UDP.
  as({ username, credential }) {
    const { realm, nonce } = this;
    return Object.assign(new TurnClient(this.socket, username, credential), { realm, nonce });
  }

  close() {
    if (this.tcp) this.socket.destroy();
    else this.socket.close();
  }

  // The answer: its error code (0: none), lifetime in seconds, addresses, the attributes that were not
  // understood, and whether it is signed with the credential.
  async request(name, attributes, transaction = randomBytes(12)) {
    const answer = await this.#exchange(kMethod[name], attributes, transaction);
    const value = (type) => answer.attributes.get(kAttribute[type]);
    if (answer.error) {
      this.realm = value('realm') ?? this.realm;
      this.nonce = value('nonce') ?? this.nonce;
    }
    return {
      error: answer.error ?? 0,
      lifetime: value('lifetime')?.readUInt32BE(),
      relayed: value('relayed') && read_xor_address(value('relayed')),
      mapped: answer.mapped,
      unknown: value('unknown')?.readUInt16BE(),
      signed: this.realm !== null && answer.signed_with(this.#key()),
    };
  }

  // Asks without credentials, for the nonce.
  learn_nonce() {
    return this.request('allocate', [turn_attributes.transport()]);
  }

  async allocate(...more) {
    if (!this.nonce) await this.learn_nonce();
    return this.request('allocate', [turn_attributes.transport(), ...more]);
  }

  refresh(seconds) {
    return this.request('refresh', [turn_attributes.lifetime(seconds)]);
  }

  permit(host, port) {
    return this.request('create_permission', [turn_attributes.peer(host, port)]);
  }

  bind_channel(number, host, port) {
    return this.request('channel_bind', [attribute(kAttribute.channel, uint32(number * 0x10000)), turn_attributes.peer(host, port)]);
  }

  // On a channel, over UDP; nothing comes back for it.
  send_on(number, data) {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(number, 0);
    head.writeUInt16BE(data.length, 2);
    this.socket.send(Buffer.concat([head, data]));
  }

  #key() {
    return createHash('md5').update(`${this.username}:${this.realm}:${this.credential}`).digest();
  }

  #build(method, transaction, attributes) {
    let body = Buffer.concat(attributes);
    if (this.nonce) {
      const known = [[kAttribute.username, Buffer.from(this.username)], [kAttribute.realm, this.realm], [kAttribute.nonce, this.nonce]];
      body = Buffer.concat([body, ...known.map(([type, value]) => attribute(type, value))]);
      const signed = Buffer.concat([header(method, body.length + 24, transaction), body]);
      body = Buffer.concat([body, attribute(kAttribute.integrity, createHmac('sha1', this.#key()).update(signed).digest())]);
    }
    return Buffer.concat([header(method, body.length, transaction), body]);
  }

  #exchange(method, attributes, transaction) {
    const message = this.#build(method, transaction, attributes);
    const send = () => (this.tcp ? this.socket.write(message) : this.socket.send(message));
    return new Promise((resolve, reject) => {
      const done = (finish) => {
        clearInterval(repeat);
        clearTimeout(late);
        this.socket.off('message', listen);
        finish();
      };
      const listen = (bytes) => {
        const answer = parse_stun(bytes);
        if (answer?.transaction.equals(transaction)) done(() => resolve(answer));
      };
      const repeat = setInterval(() => this.tcp || send(), 500);
      const late = setTimeout(() => done(() => reject(new Error('the TURN server does not answer'))), 10000);
      this.socket.on('message', listen);
      send();
    });
  }
}
