// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A participant that keeps all it is told in its order, so that a check can say what comes after
// what, and what does not come before something else.

import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until, within } from '../lib/wait.mjs';

let count = 0;
export const fresh_room = (stem) => `${stem}-${(count += 1)}`;

export class Client {
  log = []; // {kind, value}, in order
  #requests = 1000;

  constructor(identity) {
    this.identity = identity;
  }

  // Settings are those of SignalClient; `v1` false by default.
  static async ask(server, room, identity, settings = {}) {
    const client = new Client(identity);
    const { on_message } = settings;
    const take = (kind, value, signal) => {
      client.signal = signal;
      client.log.push({ kind, value });
      on_message?.(kind, value, client);
    };
    const reply = await SignalClient.ask(server, room, identity, { v1: false, ...settings, on_message: take });
    if (!reply.client) return reply;
    client.signal = reply.client;
    return { ...reply, client };
  }

  static async join(suite, server, room, identity, settings) {
    const { client, status, body } = await Client.ask(server, room, identity, settings);
    if (!client) throw new Error(`${identity} cannot join: ${status} ${body}`);
    suite.cleanup(() => client.destroy());
    client.joined = await client.told('join');
    return client;
  }

  // Comes back to its session.
  async resume(server, room, settings = {}) {
    const { sid } = this.joined.participant;
    const { v1 } = settings;
    const again = v1 ? { request: { reconnect: true, participantSid: sid } } : { query: { reconnect: '1', sid } };
    const { client, status, body } = await Client.ask(server, room, this.identity, { ...again, ...settings });
    if (!client) throw new Error(`${this.identity} cannot resume: ${status} ${body}`);
    client.joined = this.joined;
    return client;
  }

  get sid() {
    return this.joined.participant.sid;
  }

  get open() {
    return this.signal.open;
  }

  send(kind, value) {
    return this.signal.send(kind, value);
  }

  // All of a kind, from place `from` of the log on.
  all(kind, match = () => true, from = 0) {
    return this.log.slice(from).filter((one) => one.kind === kind && match(one.value)).map((one) => one.value);
  }

  // Waits for a message of a kind that satisfies `match`.
  async told(kind, match = () => true, { from = 0, timeout = 10000 } = {}) {
    return until(() => this.all(kind, match, from)[0], {
      timeout,
      every: 5,
      what: () => `${this.identity} to get ${kind}; got ${this.log.slice(from).map((one) => one.kind)}`,
    });
  }

  // Waits for word of somebody that satisfies `match`; gives the ParticipantInfo.
  async told_of(identity, match = () => true, options) {
    const found = (list) => list?.find((one) => one.identity === identity && match(one));
    const update = await this.told('update', (value) => found(value.participants), options);
    return found(update.participants);
  }

  // All ParticipantInfo of somebody that came as `update`.
  updates_of(identity, from = 0) {
    return this.all('update', () => true, from).flatMap((one) => one.participants).filter((one) => one.identity === identity);
  }

  // Sends a request and waits for its request_response.
  async answer_to(kind, value) {
    const from = this.log.length;
    this.send(kind, value);
    return this.told('requestResponse', () => true, { from });
  }

  // Changes an attribute; when it returns, all requests before it are done. `others` have been told
  // of it: whatever they were to get from those requests came before.
  async fence(...others) {
    const from = [this, ...others].map((one) => one.log.length);
    const requestId = (this.#requests += 1);
    const fence = `${this.identity}-${requestId}`;
    this.send('updateMetadata', { attributes: { fence }, requestId });
    await this.told('requestResponse', (one) => one.requestId === requestId, { from: from[0] });
    const mine = (info) => info.attributes.fence === fence;
    await Promise.all(others.map((one, index) => one.told_of(this.identity, mine, { from: from[index + 1] })));
  }

  // The last ones of the log that are `leave`, and the code of the close frame behind it.
  async ended({ seconds = 10 } = {}) {
    const code = await within(seconds * 1000, `the end of ${this.identity}`, this.signal.ws.closed);
    const last = this.log.at(-1);
    return { code, leave: last?.kind === 'leave' ? last.value : undefined };
  }

  destroy() {
    this.signal?.destroy();
  }
}

// {status, body} of an upgrade that is refused.
export async function refusal(server, room, identity, settings) {
  const { client, status, body } = await Client.ask(server, room, identity, settings);
  client?.destroy();
  assert.ok(!client, `${identity} was let in`);
  return { status, body };
}

// The reply of the validate twin of /rtc or /rtc/v1.
export async function validate(server, room, identity, { v1 = false, query = {}, grant, options } = {}) {
  const token = await join_token(room, identity, { grant, options });
  const reply = await fetch(`${server.http}${v1 ? '/rtc/v1' : '/rtc'}/validate?${new URLSearchParams(query)}`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  return `${reply.status} ${await reply.text()}`;
}
