// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A participant in a browser page: the suite's side of page/caller.js.

import { tone_of } from '../lib/picture.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';

export class Caller {
  #page;
  #console = [];
  #forget;

  constructor(page, identity, number) {
    this.#page = page;
    this.identity = identity;
    this.number = number;
    page.on('console', (message) => this.#console.push(`${message.type()}: ${message.text().slice(0, 300)}`));
    page.on('pageerror', (error) => this.#console.push(`error: ${error.message}`));
  }

  // Opens a page of its own window, so that it is never in the background.
  static async open(suite, browser, address, identity, number) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    const caller = new Caller(page, identity, number);
    caller.#forget = suite.diagnostics(
      () => (caller.#console = []),
      () => caller.#console.slice(-8).map((line) => `${identity} says ${line}`),
    );
    suite.cleanup(() => caller.close());
    await page.goto(address);
    await page.waitForFunction(() => window.caller !== undefined, { polling: 100, timeout: 20000 });
    return caller;
  }

  // Calls a method of the page's caller.
  call(method, ...values) {
    return this.#page.evaluate((name, list) => window.caller[name](...list), method, values);
  }

  // Joins `room`; returns what the page's join returns, or throws unless `may_fail`.
  async join(server, room, { grant, token, may_fail = false, ...options } = {}) {
    const access = token ?? (await join_token(room, this.identity, { grant }));
    const joined = await this.call('join', { url: server.ws, token: access, number: this.number, ...options });
    if (joined.error && !may_fail) throw new Error(`${this.identity} cannot join: ${JSON.stringify(joined)}`);
    return joined;
  }

  // Evaluates a function in the page.
  evaluate(action, ...values) {
    return this.#page.evaluate(action, ...values);
  }

  state() {
    return this.call('state');
  }

  async person(other) {
    return (await this.state()).people[other.identity];
  }

  // Waits until `changes` further pictures of `other` were read; returns the log.
  async sees(other, { timeout = 15000, changes = 3 } = {}) {
    const begin = (await this.person(other))?.picture?.changes ?? 0;
    let log;
    const fresh = async () => {
      log = (await this.person(other))?.picture;
      if (!log || log.number !== other.number) return false;
      return log.changes >= begin + changes || (log.changes < begin && log.changes >= changes);
    };
    const what = () => `${this.identity} to see ${other.identity}: ${JSON.stringify(log)}`;
    await until(fresh, { timeout, every: 100, what });
    return log;
  }

  // Waits until the picture stands still for `quiet` ms.
  async sees_no_more(other, { timeout = 6000, quiet = 700 } = {}) {
    let changes = -1;
    let since = 0;
    const still = async () => {
      const now = (await this.person(other))?.picture?.changes ?? 0;
      if (now !== changes) [changes, since] = [now, Date.now()];
      return Date.now() - since >= quiet;
    };
    await until(still, { timeout, every: 100, what: `${this.identity} to see no more of ${other.identity}` });
  }

  async hears(other, { timeout = 15000 } = {}) {
    const tone = tone_of(other.number);
    let heard;
    const right = async () => (heard = (await this.person(other))?.tone) === tone;
    const what = () => `${this.identity} to hear ${tone} Hz of ${other.identity}, hears ${heard}`;
    await until(right, { timeout, every: 100, what });
  }

  async hears_nothing_of(other, { timeout = 6000 } = {}) {
    const silent = async () => ((await this.person(other))?.tone ?? null) === null;
    await until(silent, { timeout, every: 100, what: `${other.identity} to be silent` });
  }

  // Waits for an event since `since`, about `who` if given.
  event(name, { who, since = 0, timeout = 10000 } = {}) {
    const find = async () => {
      const events = await this.evaluate(() => window.caller.events);
      return events.find((one) => one.name === name && one.at >= since && (who === undefined || one.who === who));
    };
    return until(find, { timeout, what: `${this.identity} to get ${name}` });
  }

  // Waits until the client is done with reconnecting. For two more seconds after it said
  // `reconnected` from a full reconnect it keeps events back, until the next reconnect.
  settled() {
    const done = () => this.evaluate(() => !window.caller.room.engine.pendingReconnect);
    return until(done, { timeout: 10000, every: 100, what: `${this.identity} to be done with reconnecting` });
  }

  // Waits for data with this text; returns it.
  received(text, { timeout = 10000 } = {}) {
    const find = async () => (await this.evaluate(() => window.caller.data)).find((one) => one.text === text);
    return until(find, { timeout, what: `${this.identity} to receive "${text.slice(0, 40)}"` });
  }

  // It has not begun to connect anew since then.
  async assert_undisturbed(since) {
    const events = await this.evaluate(() => window.caller.events);
    const lost = events.filter(({ name, at }) => at >= since && /reconnect|disconnect/i.test(name));
    assert.deepEqual(lost.map(({ name }) => name), [], `${this.identity} goes on without reconnecting`);
  }

  async close() {
    this.#forget?.();
    if (!this.#page.isClosed()) await this.#page.close();
  }
}

// Both see and hear each other.
export async function meet(one, two, options) {
  await Promise.all([one.sees(two, options), two.sees(one, options)]);
  await Promise.all([one.hears(two, options), two.hears(one, options)]);
}
