// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// `confab netsim` between a server and its clients. The relay listens at another loopback address
// (127.0.0.2) on the server's own media ports, and the server names that address in its candidates;
// signalling goes straight to the server.
//
//   const server = await start_server(suite, behind_netsim());
//   const relay = await Netsim.start(suite, server, { profile: 'N1' });
//   await relay.apply('outage=5s'); // at once; the texts are those of --at, without the time
//   const { up, down, tcp } = await relay.end();

import { spawn } from 'node:child_process';
import path from 'node:path';

import { ROOT } from './server.mjs';
import { until, within } from './wait.mjs';

const kRelayIp = '127.0.0.2';
const kServerIp = '127.0.0.1';
const kAnswerMillis = 5000;

// The configuration of a server behind a relay: media at loopback only, candidates that name the
// relay, and no checks towards the clients' own addresses, which would find a way around it.
export function behind_netsim(config = {}) {
  const rtc = { node_ip: kRelayIp, ips: { includes: [`${kServerIp}/32`] }, use_ice_lite: true };
  return { ...config, rtc: { ...rtc, ...config.rtc } };
}

export class Netsim {
  #process;
  #log = '';
  #out = '';
  #exit;

  // `profile`, `up`, `down`, `seed`: the flags of the program; `at`: a list of its changes; `tcp`:
  // false leaves the server's TCP port unreachable.
  static async start(suite, server, { profile, up, down, seed = 1, at = [], tcp = true } = {}) {
    const route = (port, protocol) => [
      `--listen=${kRelayIp}:${port}`,
      `--to=${kServerIp}:${port}/${protocol}`,
    ];
    const flags = { profile, up, down, seed };
    const args = [
      ...route(server.ports.udp, 'udp'),
      ...(tcp ? route(server.ports.tcp, 'tcp') : []),
      ...Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`])),
      ...at.map((change) => `--at=${change}`),
    ];
    const relay = new Netsim(args);
    suite.cleanup(() => relay.end());
    relay.forget = suite.diagnostics(() => {}, () => ['netsim:', ...relay.#log.trimEnd().split('\n').slice(-8)]);
    await relay.#says('listening udp');
    if (tcp) await relay.#says('listening tcp');
    return relay;
  }

  constructor(args) {
    const binary = path.resolve(ROOT, process.env.CONFAB_BINARY ?? 'build/release/confab');
    // It ends with its standard input, so that it does not outlive this process.
    this.#process = spawn(binary, ['netsim', '--commands', '--json', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#process.stdin.on('error', () => {});
    this.#process.stderr.setEncoding('utf8').on('data', (text) => (this.#log += text));
    this.#process.stdout.setEncoding('utf8').on('data', (text) => (this.#out += text));
    this.#exit = new Promise((resolve) => {
      this.#process.on('close', (code) => resolve(code));
      this.#process.on('error', (error) => {
        this.#log += `cannot start: ${error.message}\n`;
        resolve(null);
      });
    });
  }

  // Changes the network now; returns when it holds.
  async apply(change) {
    const from = this.#log.length;
    this.#process.stdin.write(`${change}\n`);
    await this.#says(`applied ${change}`, from);
  }

  // Ends the relay and returns its figures: {up, down} with entered, forwarded, lost, …, and {tcp}.
  async end() {
    if (!this.figures) {
      this.#process.stdin.end();
      const code = await within(kAnswerMillis, 'netsim to end', this.#exit);
      this.forget?.();
      if (code !== 0) throw new Error(`netsim ended with ${code}:\n${this.#log}`);
      this.figures = JSON.parse(this.#out);
    }
    return this.figures;
  }

  async #says(text, from = 0) {
    const said = () => {
      const wrong = this.#log.slice(from).match(/^error: .*/m);
      if (wrong) throw new Error(wrong[0]);
      return this.#log.includes(text, from);
    };
    await until(said, { timeout: kAnswerMillis, every: 5, what: () => `netsim to say '${text}', says ${this.#log}` });
  }
}
