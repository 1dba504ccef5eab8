// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A tab with the console. What the browser complains about is kept: errors, what the policy of the page
// forbids, and requests to anybody else than the server.

import { of, Tab } from '../browser/demo_tab.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

export { of };

export const kPhone = { width: 360, height: 640 };
const kWide = { width: 1280, height: 800 };
export const kPages = ['overview', 'rooms', 'history', 'sessions', 'events', 'webhooks', 'config'];

// Runs in the page before its scripts.
function watch_policy() {
  window.forbidden = [];
  document.addEventListener('securitypolicyviolation', (event) => window.forbidden.push(`${event.violatedDirective} ${event.blockedURI}`));
}

export class ConsoleTab extends Tab {
  #noise = [];

  constructor(page, address) {
    super(page);
    this.address = address;
    page.on('console', (message) => {
      // Chromium tells of every status that is not 200; the checks look at those themselves.
      const about_api = message.location()?.url?.includes('/console/api/');
      if (['error', 'warn'].includes(message.type()) && !about_api) this.#noise.push(message.text());
    });
    page.on('request', (request) => {
      // Chromium's own fields have pictures in data: addresses; those of the page would break its policy.
      if (/^(https?|wss?):/.test(request.url()) && !request.url().startsWith(`${address}/`)) this.#noise.push(`request to ${request.url()}`);
    });
  }

  // `hash`: what stands behind #. Each tab has cookies and storage of its own.
  static async open(browser, address, { hash = '', size = kWide } = {}) {
    const context = await browser.createBrowserContext();
    const tab = new ConsoleTab(await context.newPage(), address);
    await tab.page.setViewport(size);
    await tab.page.evaluateOnNewDocument(watch_policy);
    await tab.page.goto(`${address}/console/${hash}`);
    await tab.shown('main');
    return tab;
  }

  async sign_in({ key, secret, password }) {
    if (password !== undefined) {
      await this.click(of('by-password'));
      await this.fill('password', password);
    } else {
      await this.fill('key', key);
      await this.fill('secret', secret);
    }
    await this.click(of('submit'));
  }

  // Signed in and on the page `name`.
  async go(hash) {
    await this.page.evaluate((to) => new Promise((resolve) => {
      if (location.hash === to) resolve();
      addEventListener('hashchange', () => requestAnimationFrame(() => requestAnimationFrame(resolve)), { once: true });
      location.hash = to;
    }), `#/${hash}`);
    await this.shown('main h1');
    await this.settled();
  }

  // Until nothing is loading any more.
  settled() {
    return this.gone(of('loading'));
  }

  async fill(test_id, text) {
    const field = await this.shown(of(test_id));
    await field.evaluate((element) => element.select());
    await this.page.keyboard.press('Backspace');
    if (text) await field.type(text);
  }

  async choose(test_id, value) {
    await this.shown(of(test_id));
    await this.page.select(of(test_id), value);
  }

  // Waits until the text of `selector` matches.
  reads(selector, pattern, timeout = 10000) {
    let last = '';
    return until(async () => {
      last = await this.page.$$eval(selector, (list) => list.map((one) => one.innerText).join('\n'));
      return pattern.test(last);
    }, { timeout, what: () => `${selector} to read ${pattern}, it reads "${last.slice(0, 300)}"` });
  }

  row(name) {
    return this.page.waitForFunction(
      (wanted) => [...document.querySelectorAll('[data-row]')].find((one) => one.textContent === wanted), { timeout: 10000, polling: 100 }, name);
  }

  rows() {
    return this.page.$$eval('[data-row]', (list) => list.map((one) => one.textContent));
  }

  title() {
    return this.page.title();
  }

  colours(value) {
    return this.page.evaluate((theme) => (document.documentElement.dataset.theme = theme), value);
  }

  async calm() {
    super.calm();
    const forbidden = await this.page.evaluate(() => window.forbidden);
    assert.deepEqual([...this.#noise, ...forbidden], [], 'the browser complains');
  }
}
