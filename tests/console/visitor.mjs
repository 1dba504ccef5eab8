// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Somebody at the console, without a browser.

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

export const kOperator = 'open-sesame';
export const kViewer = 'only-look';

export class Visitor {
  cookie = '';

  constructor(server) {
    this.server = server;
  }

  static async signed_in(server, body) {
    const visitor = new Visitor(server);
    const { status, json } = await visitor.ask('POST', 'session', body);
    assert.equal(status, 200, JSON.stringify(json));
    return visitor;
  }

  async ask(method, path, body, headers = { 'X-Confab-Console': '1' }) {
    const reply = await fetch(`${this.server.http}/console/api/${path}`, {
      method,
      headers: { ...headers, ...(this.cookie && { Cookie: this.cookie }) },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const set = reply.headers.get('set-cookie');
    if (set) this.cookie = set.split(';')[0];
    const text = await reply.text();
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      json = undefined;
    }
    return { status: reply.status, headers: reply.headers, text, json };
  }

  async get(path) {
    const { status, json } = await this.ask('GET', path);
    assert.equal(status, 200, `${path}: ${JSON.stringify(json)}`);
    return json;
  }

  async call(method, body, wanted = 200) {
    const { status, json } = await this.ask('POST', `call/${method}`, body);
    assert.equal(status, wanted, `${method}: ${JSON.stringify(json)}`);
    return json;
  }

  // What a page shows once `fits`.
  async eventually(path, fits, what, timeout = 20000) {
    let seen;
    await until(async () => fits((seen = await this.get(path))), { timeout, what: () => `${what}, is ${JSON.stringify(seen).slice(0, 1500)}` });
    return seen;
  }
}

export const person = (room, identity) => room.participants.find((one) => one.identity === identity);
