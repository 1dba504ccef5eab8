// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Stands between one real client and the server, in signalling and media: the server's candidates
// are replaced by the proxy's own, so that every datagram can be seen, kept, dropped or sent again.

import dgram from 'node:dgram';
import net from 'node:net';

import { SignalRequest } from '@livekit/protocol';

import { frame, FrameReader, kBinary } from './raw_websocket.mjs';
import { candidate_of } from './sdp.mjs';
import { response_of } from './signal_client.mjs';

const kHeadEnd = '\r\n\r\n';

const without_candidates = (sdp) => sdp.replace(/^a=candidate:.*\r\n/gm, '');

export const is_dtls = (bytes) => bytes[0] >= 20 && bytes[0] <= 63;
export const is_media = (bytes) => bytes[0] >= 128 && bytes[0] <= 191;
export const is_rtcp = (bytes) => is_media(bytes) && bytes[1] >= 192 && bytes[1] <= 223;

export class MediaProxy {
  // Called with each datagram; what returns false goes no further. To the client it can go later, by
  // a call of the second argument.
  to_server = () => true;
  to_client = () => true;
  tcp = false; // lets the server's TCP candidates through as they are: those streams pass us by
  real_candidates = false; // lets all candidates through as they are, from now on
  responses = {}; // the last of the server's messages, by kind
  #held = false;
  #stopped = false;
  #links = new Map(); // client port → {socket, client}
  #sockets = new Set();

  // `from`: the address that the server sees the client at.
  static async start(suite, server, { from } = {}) {
    const proxy = new MediaProxy();
    proxy.server = server;
    proxy.from = from;
    proxy.udp = dgram.createSocket('udp4');
    await new Promise((resolve) => proxy.udp.bind(0, '0.0.0.0', resolve));
    proxy.udp.on('message', (bytes, from) => proxy.#from_client(bytes, from));
    proxy.listener = net.createServer((socket) => proxy.#signal(socket));
    await new Promise((resolve) => proxy.listener.listen(0, '127.0.0.1', resolve));
    proxy.ws = `ws://127.0.0.1:${proxy.listener.address().port}`;
    suite.cleanup(() => proxy.stop());
    return proxy;
  }

  // The server's media address, known once a candidate passed by.
  address = undefined;

  // Sends a datagram to the server as if it came from the client's (last) connection.
  inject(bytes) {
    const link = [...this.#links.values()].at(-1);
    link.socket.send(bytes, this.address.port, this.address.host, () => {});
  }

  // Loses each `every`th packet of media in both directions; the result counts what was lost.
  lose(every) {
    const lost = { up: 0, down: 0 };
    const some_of = (way) => {
      let count = 0;
      return (bytes) => {
        if (!is_media(bytes) || is_rtcp(bytes) || (count += 1) % every !== 0) return true;
        lost[way] += 1;
        return false;
      };
    };
    this.to_server = some_of('up');
    this.to_client = some_of('down');
    return lost;
  }

  // Signalling stands still until false, as when the network is gone: nothing is lost or closed.
  hold_signal(held) {
    this.#held = held;
    for (const socket of this.#sockets) held ? socket.pause() : socket.resume();
  }

  stop() {
    this.#stopped = true;
    for (const socket of this.#sockets) socket.destroy();
    for (const { socket } of this.#links.values()) socket.close();
    this.#links.clear();
    this.listener.close();
    try {
      this.udp.close();
    } catch {
      // closed before
    }
  }

  #from_client(bytes, from) {
    if (!this.address) return;
    const link = this.#link(from);
    if (this.to_server(bytes)) link.socket.send(bytes, this.address.port, this.address.host, () => {});
  }

  #link(from) {
    const known = this.#links.get(from.port);
    if (known) return known;
    const socket = dgram.createSocket('udp4');
    socket.on('error', () => {});
    if (this.from) socket.bind(0, this.from);
    socket.on('message', (bytes) => {
      const pass = () => this.#stopped || this.udp.send(bytes, from.port, from.address, () => {});
      if (this.to_client(bytes, pass)) pass();
    });
    this.#links.set(from.port, { socket });
    return this.#links.get(from.port);
  }

  #signal(client) {
    const upstream = net.connect({ port: this.server.ports.http, host: '127.0.0.1' });
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      if (this.#held) socket.pause();
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    // Uncompressed, so that frames can be read.
    let asked = Buffer.alloc(0);
    const on_request = (bytes) => {
      asked = Buffer.concat([asked, bytes]);
      const end = asked.indexOf(kHeadEnd);
      if (end < 0) return;
      client.off('data', on_request);
      const head = asked.toString('latin1', 0, end).replace(/\r\nsec-websocket-extensions:[^\r]*/i, '');
      upstream.write(Buffer.from(head + kHeadEnd, 'latin1'));
      const reader = new FrameReader();
      const pass = (more) => {
        for (const { opcode, payload } of reader.read(more)) {
          const passed = opcode === kBinary ? this.#requested(payload) : payload;
          if (passed) upstream.write(frame(opcode, passed));
        }
      };
      pass(asked.subarray(end + 4));
      client.on('data', pass);
    };
    client.on('data', on_request);
    this.#answers(upstream, client);
  }

  #answers(upstream, client) {
    const reader = new FrameReader();
    let head = Buffer.alloc(0);
    let upgraded = false;
    upstream.on('data', (bytes) => {
      if (!upgraded) {
        head = Buffer.concat([head, bytes]);
        const end = head.indexOf(kHeadEnd);
        if (end < 0) return;
        upgraded = head.toString('latin1', 9, 12) === '101';
        client.write(upgraded ? head.subarray(0, end + 4) : head);
        if (upgraded) this.#pass_frames(reader, head.subarray(end + 4), client);
        else head = Buffer.alloc(0);
        return;
      }
      this.#pass_frames(reader, bytes, client);
    });
  }

  #pass_frames(reader, bytes, client) {
    for (const { opcode, payload } of reader.read(bytes)) {
      const passed = opcode === kBinary ? this.#rewrite(payload) : payload;
      if (passed) client.write(frame(opcode, passed, { mask: false }));
    }
  }

  // The server must not learn where the client is, or it would go there by itself.
  #requested(payload) {
    const request = SignalRequest.fromBinary(payload);
    const { case: kind, value } = request.message;
    if (kind === 'trickle') return undefined;
    if (kind !== 'offer' && kind !== 'answer') return payload;
    value.sdp = without_candidates(value.sdp);
    return request.toBinary();
  }

  // Lets IPv4 UDP candidates through with our port in them, and those of TCP where asked to.
  #rewrite(payload) {
    const response = response_of(payload);
    const { case: kind, value } = response.message;
    this.responses[kind] = value;
    if (kind === 'offer' || kind === 'answer') {
      value.sdp = without_candidates(value.sdp);
      return response.toBinary();
    }
    if (kind !== 'trickle' || this.real_candidates) return payload;
    const { transport, host, port } = candidate_of(value.candidateInit);
    if (host.includes(':')) return undefined;
    if (transport === 'tcp' && this.tcp) return payload;
    if (transport !== 'udp') return undefined;
    this.address = { host, port };
    value.candidateInit = value.candidateInit.replace(` ${host} ${port} `, ` ${host} ${this.udp.address().port} `);
    return response.toBinary();
  }
}
