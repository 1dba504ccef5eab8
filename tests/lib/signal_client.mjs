// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A signalling-only participant on /rtc (two peer connections) or /rtc/v1 (one): joins, keeps what
// the server says, sends what it is told to, sensible or not.

import { SignalRequest, SignalResponse, JoinRequest, WrappedJoinRequest } from '@livekit/protocol';

import { kBinary, kPing, kText, open_websocket } from './raw_websocket.mjs';
import { join_token } from './token.mjs';
import { sleep, until } from './wait.mjs';

const base64url = (bytes) => Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '_');

const kClientInfo = { sdk: 'js', protocol: '16', version: '2.23.0', os: 'linux' };

// Without those that a check leaves out.
const given = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

function v0_path(subscribe, query) {
  const fields = { auto_subscribe: subscribe ? '1' : '0', ...kClientInfo, ...query };
  return `/rtc?${new URLSearchParams(given(fields))}`;
}

function v1_path(subscribe, query, request) {
  const join = new JoinRequest({
    clientInfo: { sdk: 1, protocol: 16, version: '2.23.0', os: 'linux' },
    connectionSettings: { autoSubscribe: subscribe },
    ...request,
  });
  const wrapped = new WrappedJoinRequest({ joinRequest: join.toBinary() });
  return `/rtc/v1?${new URLSearchParams({ join_request: base64url(wrapped.toBinary()), ...query })}`;
}

// What the server says, with the bytes when they are no such message.
export function response_of(payload) {
  try {
    return SignalResponse.fromBinary(payload);
  } catch (error) {
    throw new Error(`${payload.length} bytes of the server are no SignalResponse (${error.message}): ${payload.toString('hex', 0, 256)}`);
  }
}

export class SignalClient {
  counts = {}; // messages by kind
  last = {}; // the last of each kind
  texts = []; // text frames as they came
  pings = 0; // ping frames
  people = new Map(); // the newest of everybody it was told of, by identity
  trickles = [];

  // `on_message` is called with each message, from the first on, and this client.
  constructor(ws, identity, on_message) {
    this.ws = ws;
    this.identity = identity;
    this.on_message = on_message;
    ws.on_frame = ({ opcode, payload }) => {
      if (opcode === kBinary) this.#take(response_of(payload).message);
      if (opcode === kPing) this.pings += 1;
      if (opcode === kText) {
        this.texts.push(payload.toString());
        this.#take(SignalResponse.fromJsonString(payload.toString()).message);
      }
    };
  }

  // Asks to join; the reply of open_websocket, with `client` when it worked. The token goes into
  // the header, with `token_in_query` into the query.
  static async ask(server, room, identity, settings = {}) {
    const { v1 = true, subscribe = true, query = {}, request = {}, grant, options, kind } = settings;
    const token = settings.token ?? (await join_token(room, identity, { grant, options, kind }));
    const { token_in_query } = settings;
    const asked = token_in_query ? { access_token: token, ...query } : query;
    const path = v1 ? v1_path(subscribe, asked, request) : v0_path(subscribe, asked);
    const headers = { ...(!token_in_query && { Authorization: `Bearer ${token}` }), ...settings.headers };
    const reply = await open_websocket({ port: server.ports.http, path, headers, secure: server.secure, local: settings.local });
    return reply.ws ? { ...reply, client: new SignalClient(reply.ws, identity, settings.on_message) } : reply;
  }

  // Joins, and has the join response when it returns.
  static async join(server, room, identity, settings) {
    const reply = await SignalClient.ask(server, room, identity, settings);
    if (!reply.client) throw new Error(`${identity} cannot join: ${reply.status} ${reply.body}`);
    await reply.client.wait('join');
    return reply.client;
  }

  get open() {
    return this.ws.open;
  }

  #take({ case: kind, value }) {
    if (!kind) return;
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    this.last[kind] = value;
    for (const info of value.otherParticipants ?? value.participants ?? []) this.people.set(info.identity, info);
    if (kind === 'trickle' && this.trickles.length < 64) this.trickles.push(value);
    this.on_message?.(kind, value, this);
  }

  // Waits for message number `count` of a kind; returns the last one.
  async wait(kind, { count = 1, timeout = 10000 } = {}) {
    await until(() => (this.counts[kind] ?? 0) >= count || (!this.open && this.#gone(kind)), {
      timeout,
      every: 5,
      what: () => `${this.identity} to get ${kind}; got ${JSON.stringify(this.counts)}`,
    });
    return this.last[kind];
  }

  #gone(kind) {
    throw new Error(`the connection of ${this.identity} ended (${this.ws.code}) before ${kind}`);
  }

  // `message` as protobuf-es wants it: {case, value}.
  send(kind, value) {
    return this.send_bytes(new SignalRequest({ message: { case: kind, value } }).toBinary());
  }

  send_bytes(bytes) {
    return this.ws.send(kBinary, bytes);
  }

  // Calls `step(number)`, which sends, again and again for `ms`, also when the server reads no more.
  // Gives the number of calls.
  async flood(ms, step) {
    let over = false;
    const end = sleep(ms).then(() => (over = true));
    let count = 0;
    while (!over && this.open) {
      await Promise.race([step(count), end]);
      // Lets the clock and the answers have their turn.
      if ((count += 1) % 50 === 0) await sleep(0);
    }
    return count;
  }

  // Ends the polite way.
  async leave() {
    if (!this.open) return;
    await this.send('leave', { reason: 1 });
    await until(() => !this.open, { timeout: 5000, every: 5, what: `${this.identity} to be let go` });
  }

  destroy() {
    this.ws.destroy();
  }
}
