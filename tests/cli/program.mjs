// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// One call of the program: arguments and environment in, exit code and texts out.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { ROOT } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { within } from '../lib/wait.mjs';

const kEndMillis = 10000;

// Runs `confab ...args` to its end, `millis` at most. Only `env` and PATH are in its environment.
// `started` is called with the process; `prefix` is a command to run it under.
// `input`: its standard input is the caller's to write, else it is empty.
export async function run(args, { env = {}, cwd = ROOT, millis = kEndMillis, started, prefix = [], input = false } = {}) {
  const program = path.resolve(ROOT, process.env.CONFAB_BINARY ?? 'build/release/confab');
  const [first, ...rest] = [...prefix, program, ...args];
  const child = spawn(first, rest, { cwd, env: { PATH: process.env.PATH, ...env }, stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  const ended = new Promise((resolve, reject) => {
    child.on('close', (code, signal) => resolve({ code, signal, out, err }));
    child.on('error', reject);
  });
  try {
    started?.(child);
    return await within(millis, `confab ${args.join(' ')}`, ended);
  } finally {
    child.kill('SIGKILL');
  }
}

// What the program prints, which ends well and says nothing on stderr.
export async function printed(args, settings) {
  const { code, out, err } = await run(args, settings);
  assert.deepEqual([code, err], [0, ''], args.join(' '));
  return out;
}

// Expects that the program prints this error and nothing else, and ends with that code.
export async function fails(args, text, { code = 1, ...settings } = {}) {
  const ended = await run(args, settings);
  const told = `confab ${args.join(' ')}: ${ended.code} ${ended.err}`;
  assert.equal(ended.code, code, told);
  assert.equal(ended.out, '', told);
  assert.ok(text instanceof RegExp ? text.test(ended.err) : ended.err.startsWith(`error: ${text}`), `${told}\nis not\n${text}`);
  return ended;
}

// The value of a key in what `config show` prints, and undefined if it is not there.
export async function shown(key, args, settings) {
  const { code, out, err } = await run(['config', 'show', ...args], settings);
  assert.equal(code, 0, err);
  let section = '';
  for (const line of out.split('\n')) {
    const [, indent, name, value] = line.match(/^( *)([a-z_]+): ?(.*)$/) ?? [];
    if (name === undefined) continue;
    const depth = indent.length / 2;
    section = [...section.split('.').slice(0, depth).filter(Boolean), name].join('.');
    if (section === key) return value;
  }
  return undefined;
}

// A folder for files of one check, gone at the end of the suite.
export function folder(suite) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-cli-'));
  suite.cleanup(() => fs.rmSync(made, { recursive: true, force: true }));
  return made;
}

export function file_in(place, name, text, mode = 0o600) {
  const file = path.join(place, name);
  fs.writeFileSync(file, text, { mode });
  fs.chmodSync(file, mode);
  return file;
}
