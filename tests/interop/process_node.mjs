// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// One tests/process_node: orders go to its input, reports come from its output, line by line.
//
// CONFAB_PROCESS_NODE  the program (default build/release/tests/process_node)

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

import { ROOT } from '../lib/server.mjs';
import { within } from '../lib/wait.mjs';

const kAnswerMillis = 15000;

const program = () => path.resolve(ROOT, process.env.CONFAB_PROCESS_NODE ?? 'build/release/tests/process_node');

export class ProcessNode {
  #child;
  #folder;
  #lines = [];
  #waiting = [];

  // Resolves when the process runs.
  static async start(suite) {
    const node = new ProcessNode();
    node.#folder = fs.mkdtempSync(path.join(os.tmpdir(), 'process-node-'));
    node.#child = spawn(program(), { stdio: ['pipe', 'pipe', 'inherit'] });
    node.ended = new Promise((resolve) => node.#child.on('exit', (code, signal) => resolve(signal ?? code)));
    readline.createInterface({ input: node.#child.stdout }).on('line', (line) => {
      node.#lines.push(JSON.parse(line));
      node.#waiting.shift()?.();
    });
    node.#child.stdin.on('error', () => {}); // it has ended: no report follows
    suite.cleanup(() => node.end());
    await new Promise((resolve, reject) => {
      node.#child.on('spawn', resolve);
      node.#child.on('error', reject);
    });
    return node;
  }

  async report() {
    const next = async () => {
      while (this.#lines.length === 0) await new Promise((resolve) => this.#waiting.push(resolve));
      return this.#lines.shift();
    };
    const report = await within(kAnswerMillis, 'a report of the process', next());
    if (report.error) throw new Error(report.error);
    return report;
  }

  ask(order) {
    this.#child.stdin.write(`${JSON.stringify(order)}\n`);
    return this.report();
  }

  // Where it waits for another process, whose call it is to go on with.
  async wait_for_hand_over() {
    const at = path.join(this.#folder, 'hand-over');
    await this.ask({ do: 'enter', at });
    return at;
  }

  async end() {
    this.#child.stdin.end();
    const patience = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    await this.ended;
    clearTimeout(patience);
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}
