// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// An HTTP endpoint that keeps the webhooks it gets, verified with WebhookReceiver. It can refuse
// deliveries with a status of choice.

import http from 'node:http';

import { WebhookReceiver } from 'livekit-server-sdk';

import { KEY, SECRET } from '../lib/server.mjs';
import { until } from '../lib/wait.mjs';

export class WebhookSink {
  deliveries = [];
  #refusals = [];
  #server;
  #receiver;

  constructor({ key, secret }) {
    this.#receiver = new WebhookReceiver(key, secret);
  }

  static async start(suite, signer = { key: KEY, secret: SECRET }) {
    const sink = new WebhookSink(signer);
    sink.#server = http.createServer((request, response) => sink.#handle(request, response));
    await new Promise((resolve) => sink.#server.listen(0, '127.0.0.1', resolve));
    sink.url = `http://127.0.0.1:${sink.#server.address().port}/hook`;
    suite.cleanup(() => sink.stop());
    return sink;
  }

  stop() {
    this.#server.closeAllConnections?.();
    this.#server.close();
  }

  // Answers the next delivery with `matches(event)` with `status` instead of 200.
  refuse(status, matches) {
    this.#refusals.push({ status, matches });
  }

  async #handle(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('utf8');
    const delivery = { at: Date.now(), body, headers: request.headers, method: request.method, status: 200 };
    try {
      delivery.event = await this.#receiver.receive(body, request.headers.authorization);
    } catch (error) {
      delivery.error = error;
    }
    const index = this.#refusals.findIndex((one) => delivery.event && one.matches(delivery.event));
    if (index >= 0) delivery.status = this.#refusals.splice(index, 1)[0].status;
    this.deliveries.push(delivery);
    response.writeHead(delivery.status).end();
  }

  // Accepted deliveries of one room, in order of arrival.
  of_room(name) {
    return this.deliveries.filter((one) => one.status === 200 && one.event?.room?.name === name);
  }

  // One line per event, such as `participant_joined alice`.
  story(name) {
    return this.of_room(name).map(({ event }) => {
      const who = event.participant?.identity;
      return who ? `${event.event} ${who}` : event.event;
    });
  }

  // Waits for an accepted event of a room.
  async event(room, name, { timeout = 5000 } = {}) {
    const find = () => this.of_room(room).find((one) => one.event.event === name);
    const what = () => `webhook ${name} of ${room}; got: ${this.story(room).join(', ')}`;
    return (await until(find, { timeout, what })).event;
  }
}
