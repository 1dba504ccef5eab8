// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The metrics of a server in development: one scrape, to be asked for single series.

const kLine = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/;
const kLabel = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

export class Scrape {
  #series = [];

  static async of(server) {
    const reply = await fetch(`${server.http}/metrics`);
    if (reply.status !== 200) throw new Error(`/metrics answers ${reply.status}`);
    return new Scrape(await reply.text());
  }

  constructor(text) {
    for (const line of text.split('\n')) {
      const [, name, labels, value] = line.match(kLine) ?? [];
      if (!name) continue;
      const entries = [...(labels ?? '').matchAll(kLabel)].map(([, key, content]) => [key, content]);
      this.#series.push({ name, labels: Object.fromEntries(entries), value: Number(value) });
    }
  }

  // The series of a name whose labels agree with those given.
  all(name, labels = {}) {
    const agrees = (one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value);
    return this.#series.filter((one) => one.name === name && agrees(one));
  }

  // The sum of these series; undefined when there is none.
  value(name, labels) {
    const found = this.all(name, labels);
    return found.length > 0 ? found.reduce((sum, one) => sum + one.value, 0) : undefined;
  }
}
