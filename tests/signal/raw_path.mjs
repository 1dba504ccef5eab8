// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A connection of a participant as datagrams: who sends its checks, and what comes back. There is
// no DTLS behind it.

import dgram from 'node:dgram';

import { SignalTarget } from '@livekit/protocol';

import { candidate_of, ice_of, make_offer, random_fingerprint, random_ice } from '../lib/sdp.mjs';
import { binding_request, is_request, parse_stun } from '../lib/stun.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client } from './client.mjs';

export class RawPath {
  // The publisher's connection, or the only one: the client has offered and has the answer.
  static async publisher(suite, server, room, identity, settings = {}) {
    const path = new RawPath(suite, await Client.join(suite, server, room, identity, settings), SignalTarget.PUBLISHER);
    path.client.send('offer', { type: 'offer', sdp: make_offer([], path.local), id: 1 });
    await path.#described(await path.client.told('answer'), server);
    return path;
  }

  // The subscriber's, with an answer to the server's offer.
  static async subscriber(suite, server, room, identity, settings = {}) {
    const path = new RawPath(suite, await Client.join(suite, server, room, identity, settings), SignalTarget.SUBSCRIBER);
    const offer = await path.client.told('offer');
    const sdp = offer.sdp
      .replace(/^a=ice-ufrag:.*\r$/gm, `a=ice-ufrag:${path.local.ufrag}\r`)
      .replace(/^a=ice-pwd:.*\r$/gm, `a=ice-pwd:${path.local.pwd}\r`)
      .replace(/^a=fingerprint:.*\r$/gm, `a=fingerprint:sha-256 ${random_fingerprint()}\r`)
      .replace(/^a=setup:actpass\r$/gm, `a=setup:${settings.setup ?? 'active'}\r`);
    path.client.send('answer', { type: 'answer', sdp, id: offer.id });
    await path.#described(offer, server);
    return path;
  }

  constructor(suite, client, target) {
    Object.assign(this, { suite, client, target, local: random_ice() });
  }

  async #described({ sdp }, server) {
    this.remote = ice_of(sdp);
    this.description = sdp;
    const mine = (one) => one.target === this.target;
    await this.client.told('trickle', (one) => mine(one) && one.final);
    const candidates = this.client.all('trickle', mine).map((one) => candidate_of(one.candidateInit));
    const of = (transport, port) => candidates.find((one) => one.transport === transport && one.port === port && !one.host.includes(':'));
    this.address = of('udp', server.ports.udp);
    this.tcp = of('tcp', server.ports.tcp);
    assert.ok(this.address, `no UDP candidate in ${JSON.stringify(candidates)}`);
  }

  // A UDP socket of the client's: {send, got, address}, `got` is what came, with its time.
  async open() {
    const socket = dgram.createSocket('udp4');
    socket.on('error', () => {});
    const { address: to } = this;
    await new Promise((resolve) => socket.connect(to.port, to.host, resolve));
    const end = { socket, got: [], on_message: () => {} };
    socket.on('message', (bytes) => {
      end.got.push({ bytes, at: Date.now() });
      end.on_message(bytes);
    });
    const { address: host, port } = socket.address();
    end.address = { host, port };
    end.send = (bytes) => socket.send(bytes, () => {});
    end.close = () => socket.close();
    this.suite.cleanup(() => {
      try {
        socket.close();
      } catch {
        // closed before
      }
    });
    return end;
  }

  // A check of the client's.
  check(options) {
    return binding_request({ local: this.local, remote: this.remote, ...options });
  }

  // Tells the server of a socket.
  trickle({ host, port }) {
    const candidate = `candidate:1 1 udp 2122260223 ${host} ${port} typ host`;
    this.client.send('trickle', { target: this.target, candidateInit: JSON.stringify({ candidate, sdpMid: '0', sdpMLineIndex: 0 }) });
  }
}

export const requests = ({ got }) => got.filter((one) => is_request(one.bytes));
export const is_dtls = (bytes) => bytes[0] >= 20 && bytes[0] <= 63;
export const dtls_of = ({ got }) => got.filter((one) => is_dtls(one.bytes));

// The response to a request with its bytes.
export const reply_to = (end, request) =>
  end.got.map((one) => parse_stun(one.bytes)).find((one) => one && one.type !== 1 && one.transaction.equals(request.subarray(8, 20)));

// Sends a check until it is answered: the worker may hear of the connection after its client.
export async function answered(end, request) {
  const again = setInterval(() => end.send(request), 300);
  try {
    return await until(() => reply_to(end, request), { every: 5, what: 'an answer to a check' });
  } finally {
    clearInterval(again);
  }
}
