// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Programs of the command line and servers that they are tried against.

import { spawn } from 'node:child_process';
import path from 'node:path';

import { free_port } from '../lib/ports.mjs';
import { KEY, ROOT, SECRET } from '../lib/server.mjs';
import { until, within } from '../lib/wait.mjs';
import { folder } from './program.mjs';

const kMillis = 15000;
const ours = () => path.resolve(ROOT, process.env.CONFAB_BINARY ?? 'build/release/confab');

// One call: {code, out, err}. `as`: argv[0]; `input`: of the standard input.
export async function call(program, args, { env = {}, as = program, input, cwd, millis = kMillis, started } = {}) {
  const child = spawn(program, args, { cwd, argv0: as, env: { PATH: process.env.PATH, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  child.stdin.on('error', () => {}); // it may end without reading
  child.stdin.end(input ?? '');
  const ended = new Promise((resolve, reject) => {
    child.on('close', (code, signal) => resolve({ code, signal, out, err }));
    child.on('error', reject);
  });
  try {
    started?.(child, () => out);
    return await within(millis, `${program} ${args.join(' ')}`, ended);
  } finally {
    child.kill('SIGKILL');
  }
}

// A program with a home of its own, and key and server in its environment.
export function cli_of(suite, name, url) {
  const program = name === 'confab' ? ours() : path.resolve(name);
  const home = folder(suite);
  const env = { HOME: home, LIVEKIT_URL: url, LIVEKIT_API_KEY: KEY, LIVEKIT_API_SECRET: SECRET };
  const is_ours = name === 'confab';
  return {
    program,
    is_ours,
    home,
    url,
    env,
    run: (args, settings = {}) => call(program, args, { as: is_ours ? 'confab' : program, ...settings, env: { ...env, ...settings.env } }),
    // As `lk`.
    as_lk: (args, settings = {}) => call(program, args, { as: 'lk', ...settings, env: { ...env, ...settings.env } }),
  };
}

// Upstream's server with our key; gives its address.
export async function peer_server(suite, program) {
  const [port, tcp, udp] = [await free_port(), await free_port(), await free_port()];
  const config = `port: ${port}\nbind_addresses: ["127.0.0.1"]\nkeys: {"${KEY}": "${SECRET}"}\nrtc: {tcp_port: ${tcp}, udp_port: ${udp}, node_ip: 127.0.0.1}\nroom: {auto_create: true}\n`;
  const child = spawn(path.resolve(program), ['--config-body', config], { stdio: 'ignore' });
  suite.cleanup(() => child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(url)).status === 200, { timeout: 15000, what: 'livekit-server' });
  return url;
}

// Participants with a camera and a microphone each, until `stop` is called.
export async function publishers(suite, cli, room, count = 1) {
  const child = spawn(ours(), ['load-test', '--room', room, '--video-publishers', `${count}`, '--audio-publishers', `${count}`, '--join-rate', '0', '--identity-prefix', 'p'],
    { env: { PATH: process.env.PATH, ...cli.env }, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const stop = async () => {
    child.kill('SIGINT');
    await ended;
  };
  suite.cleanup(stop);
  return { identity: 'p-pub-0', stop };
}

// The JSON in what was printed, behind a sentence where there is one.
export function json_in(out) {
  const from = out.search(/[[{]/);
  if (from < 0) return undefined;
  for (let to = out.length; to > from; to = out.lastIndexOf('}', to - 1)) {
    try {
      return JSON.parse(out.slice(from, to));
    } catch {
      if (to <= from + 1) return undefined;
    }
  }
  return undefined;
}
