// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A suite is a sequence of named checks. Each prints `ok <name> (<time>)` or
// `FAILED <name> (<time>): why`; the last line is `N passed, N failed`. Whatever happens, everything
// registered with `cleanup` ends.

import assert from 'node:assert/strict';

import { within } from './wait.mjs';

const kCleanupMillis = 15000;

export class Suite {
  #passed = 0;
  #failed = 0;
  #fits = 0; // checks with the filter in their name
  #cleanups = [];
  #diagnostics = [];
  #filter = process.argv[2] ?? '';
  #checks;
  #watchdog;
  #ended = false;

  // `limit`: seconds after which the whole suite is given up.
  // `checks`: false for a benchmark, which has none and takes the arguments for itself.
  constructor({ limit = 600, checks = true } = {}) {
    this.#checks = checks;
    this.#watchdog = setTimeout(() => {
      this.#report('suite', new Error(`not finished after ${limit} s`));
      void this.finish();
    }, limit * 1000);
    for (const signal of ['SIGINT', 'SIGTERM']) {
      process.on(signal, () => {
        if (this.#ended) return;
        this.#report('suite', new Error(`ended by ${signal}`));
        void this.finish();
      });
    }
    // An error that nobody handles is a failure, whichever check was running.
    const stray = (error) => {
      this.#report('unhandled error', error);
      console.log(`    ${String(error?.stack).split('\n').slice(1, 9).join('\n    ')}`);
    };
    process.on('unhandledRejection', stray);
    process.on('uncaughtException', stray);
  }

  // Runs `action` when the suite ends, latest first.
  cleanup(action) {
    this.#cleanups.push(action);
  }

  // Of two functions: `begin` is called when a check begins, `describe` returns lines that help to
  // understand its failure. Returns a function that takes them away again.
  diagnostics(begin, describe) {
    const entry = { begin, describe };
    this.#diagnostics.push(entry);
    return () => {
      this.#diagnostics = this.#diagnostics.filter((one) => one !== entry);
    };
  }

  selected(name) {
    return name.toLowerCase().includes(this.#filter.toLowerCase());
  }

  // Runs one check; returns whether it passed. `needed` checks run whatever the filter says.
  async check(name, action, { seconds = 30, needed = false } = {}) {
    if (this.#ended || (!needed && !this.selected(name))) return true;
    if (this.selected(name)) this.#fits += 1;
    const begin = Date.now();
    for (const entry of this.#diagnostics) entry.begin();
    try {
      await within(seconds * 1000, 'the check', Promise.resolve().then(action));
      this.#passed += 1;
      console.log(`ok ${name} (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
      return true;
    } catch (error) {
      this.#report(`${name} (${((Date.now() - begin) / 1000).toFixed(1)} s)`, error);
      return false;
    }
  }

  // Runs `body`; an error outside of a check is a failure of the suite.
  async run(body) {
    try {
      await body(this);
    } catch (error) {
      this.#report('suite', error);
    }
    await this.finish();
  }

  async finish() {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#watchdog);
    for (const action of this.#cleanups.reverse()) {
      try {
        await within(kCleanupMillis, 'cleaning up', Promise.resolve().then(action));
      } catch (error) {
        this.#report('cleaning up', error);
      }
    }
    // Needed checks run anyway, and say nothing of what was asked for.
    if (this.#checks && this.#fits + this.#failed === 0) this.#report('suite', new Error(`no check has '${this.#filter}' in its name`));
    if (this.#checks) console.log(`${this.#passed} passed, ${this.#failed} failed`);
    // Native clients keep threads alive; the process has nothing left to do.
    process.exit(this.#failed === 0 ? 0 : 1);
  }

  #report(name, error) {
    this.#failed += 1;
    const lines = String(error?.message ?? error).split('\n');
    console.log(`FAILED ${name}: ${lines.slice(0, 12).join('\n    ')}`);
    const place = String(error?.stack ?? '').match(/at .*tests\/(?!lib\/|node_modules).*/);
    if (place) console.log(`    ${place[0].trim()}`);
    for (const entry of this.#diagnostics) {
      for (const line of entry.describe()) console.log(`    | ${line}`);
    }
  }
}

export { assert };
