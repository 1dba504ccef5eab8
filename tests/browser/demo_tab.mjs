// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A tab with the demo page. Elements are named by their data-testid; `rest` is a further selector.

import fs from 'node:fs';
import { createRequire } from 'node:module';

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const axe_source = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const kWide = { width: 1100, height: 700 };

export const of = (test_id, rest = '') => `[data-testid="${test_id}"]${rest}`;

// The tile of somebody, by name: identities are made of it.
export const tile_of = (name, rest = '') => of('tile', `[data-participant^="${name.toLowerCase()}-"]${rest}`);

export class Tab {
  #problems = [];

  constructor(page) {
    this.page = page;
    page.on('pageerror', (error) => this.#problems.push(error.message));
  }

  // Opens the page in a window of its own, so that it is never in the background. `prepare`: a
  // function that runs in the page before its scripts, and its arguments.
  static async open(browser, address, query = '', { size = kWide, prepare } = {}) {
    const context = await browser.createBrowserContext();
    const tab = new Tab(await context.newPage());
    await tab.page.setViewport(size);
    if (prepare) await tab.page.evaluateOnNewDocument(...prepare);
    await tab.page.goto(`${address}/demo/${query}`);
    await tab.shown('header,main');
    return tab;
  }

  close() {
    return this.page.browserContext().close();
  }

  shown(selector, timeout = 15000) {
    return this.page.waitForSelector(selector, { timeout });
  }

  async gone(selector, timeout = 15000) {
    const left = () => this.page.$(selector);
    await until(async () => !(await left()), { timeout, what: `${selector} to be gone` });
  }

  count(selector) {
    return this.page.$$eval(selector, (list) => list.length);
  }

  text(selector) {
    return this.page.$eval(selector, (element) => element.innerText);
  }

  async click(selector) {
    await (await this.shown(selector)).click();
  }

  // Waits for a video inside `selector` that has a picture and moves.
  async plays(selector, timeout = 30000) {
    const times = () => this.page.$$eval(`${selector} video`, (videos) =>
      videos.filter((video) => video.videoWidth > 0).map((video) => video.currentTime));
    // The lowest since the beginning: an element that gets a new stream starts at 0 again.
    const least = await times();
    const moves = (now, index) => {
      least[index] = Math.min(least[index] ?? now, now);
      return now > least[index] + 0.2;
    };
    await until(async () => (await times()).map(moves).includes(true),
      { timeout, every: 100, what: `a moving picture in ${selector}` });
  }

  // Presses Tab until the element has the focus; every stop on the way must show that it has it.
  async tab_to(selector, most = 25) {
    for (let presses = 0; presses < most; ++presses) {
      await this.page.keyboard.press('Tab');
      const stop = await this.page.evaluate((wanted) => {
        const now = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(now);
        return { name: now.outerHTML.slice(0, 100), seen: outlineStyle !== 'none' && outlineWidth !== '0px', there: now.matches(wanted) };
      }, selector);
      assert.ok(stop.seen, `no focus ring: ${stop.name}`);
      if (stop.there) return;
    }
    assert.fail(`${selector} is not reached with ${most} presses of Tab`);
  }

  focus() {
    return this.page.evaluate(() => document.activeElement?.dataset.testid ?? document.activeElement?.id);
  }

  // Nothing may stick out of the page at its sides.
  async fits() {
    const { wide, room, out } = await this.page.evaluate(() => {
      const room = document.documentElement.clientWidth;
      const beyond = ({ left, right }) => right > room + 1 || (left < -1 && right > 0);
      const sticks = [...document.querySelectorAll('button, input, select, h1, h2, .tile, .card, .panel')]
        .filter((element) => element.checkVisibility() && beyond(element.getBoundingClientRect()))
        .filter((element) => !element.closest('.scroll'));
      return { wide: document.documentElement.scrollWidth, room, out: sticks.map((element) => element.outerHTML.slice(0, 80)) };
    });
    assert.ok(wide <= room, `the page is ${wide} wide in a window of ${room}`);
    assert.deepEqual(out, []);
  }

  // axe-core finds nothing that keeps people out.
  async accessible(what) {
    // As text, because the page's policy allows no eval inside of it.
    if (!(await this.page.evaluate(() => Boolean(window.axe)))) await this.page.evaluate(axe_source);
    const found = await this.page.evaluate(async () => {
      const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
      return violations.map((one) => `${one.impact} ${one.id}: ${one.nodes.map((node) => node.html).join(' | ').slice(0, 300)}`);
    });
    assert.deepEqual(found, [], what);
  }

  // Fails when the page threw anything.
  calm() {
    assert.deepEqual(this.#problems, []);
  }
}
