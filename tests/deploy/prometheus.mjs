// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Debian's Prometheus with the rules of deploy/prometheus, made quick: it looks twice a second, and
// every `for:` is a second.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { free_port } from '../lib/ports.mjs';
import { ROOT } from '../lib/server.mjs';
import { until } from '../lib/wait.mjs';

const kFolder = path.join(ROOT, 'deploy/prometheus');
const kEveryMillis = 500;

function write_rules(folder) {
  const rules = fs.readFileSync(path.join(kFolder, 'confab.rules.yml'), 'utf8');
  fs.writeFileSync(path.join(folder, 'confab.rules.yml'), rules.replaceAll(/^( +for:) \w+$/gm, '$1 1s'));
  fs.copyFileSync(path.join(kFolder, 'confab.capacity.yml'), path.join(folder, 'confab.capacity.yml'));
}

// JSON is YAML.
function write_config(folder, targets) {
  const config = {
    global: { scrape_interval: `${kEveryMillis}ms`, scrape_timeout: `${kEveryMillis}ms`, evaluation_interval: `${kEveryMillis}ms` },
    rule_files: ['confab.capacity.yml', 'confab.rules.yml'],
    scrape_configs: [{ job_name: 'confab', static_configs: [{ targets }] }],
  };
  fs.writeFileSync(path.join(folder, 'prometheus.yml'), JSON.stringify(config));
}

export class Prometheus {
  #url;

  // Watches addresses whose /metrics it can read.
  static async start(suite, ...targets) {
    const prometheus = new Prometheus();
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-prometheus-'));
    write_rules(folder);
    write_config(folder, targets);
    const port = await free_port();
    const child = spawn('prometheus', [
      `--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`, '--log.level=warn',
    ], { stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    child.stderr.on('data', (text) => (log += text));
    const ended = new Promise((resolve) => child.on('exit', resolve).on('error', (error) => resolve((log += error))));
    suite.cleanup(async () => {
      child.kill();
      await ended;
      fs.rmSync(folder, { recursive: true });
    });
    suite.diagnostics(() => (log = ''), () => log.split('\n').slice(-5));
    prometheus.#url = `http://127.0.0.1:${port}`;
    const ready = async () => (await fetch(`${prometheus.#url}/-/ready`)).status === 200;
    await until(ready, { timeout: 15000, what: () => `prometheus to be ready: ${log}` });
    return prometheus;
  }

  async #get(what) {
    const { status, data, error } = await (await fetch(`${this.#url}/api/v1/${what}`)).json();
    if (status !== 'success') throw new Error(`${what}: ${error}`);
    return data;
  }

  async query(text) {
    return (await this.#get(`query?${new URLSearchParams({ query: text })}`)).result;
  }

  async rules() {
    return (await this.#get('rules')).groups.flatMap((group) => group.rules);
  }

  // {name: labels} of what fires.
  async firing() {
    const { alerts } = await this.#get('alerts');
    const fires = alerts.filter(({ state }) => state === 'firing');
    return Object.fromEntries(fires.map(({ labels: { alertname, ...labels } }) => [alertname, labels]));
  }

  async fires(name, expected, { timeout = 15000 } = {}) {
    let last;
    const labels = await until(async () => (last = await this.firing())[name], { timeout, every: 200, what: () => `${name}; firing: ${Object.keys(last)}` });
    for (const [key, value] of Object.entries(expected)) if (labels[key] !== value) throw new Error(`${name} has ${key} ${labels[key]}`);
  }
}
