// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Starts and stops the server under test.
//
// CONFAB_BINARY  the program (default build/release/confab)
// CONFAB_ARGS    arguments before `--config-body` (default `serve --dev`)
// CONFAB_TEST_WORKERS  media workers; each participant of a room then goes to another one, so that
//                media crosses between them
// CONFAB_TEST_CONTROL_THREADS  threads that rooms are spread over by their names
// CONFAB_LOG     a folder that keeps the server's logs

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { free_port } from './ports.mjs';
import { sleep, until } from './wait.mjs';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const KEY = 'testkey';
export const SECRET = 'a-secret-of-at-least-thirty-two-characters';

const kCrashes = new Set(['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP']);
const kTailLines = 25;
const kTailColumns = 300;
const kMaxLogBytes = 8 << 20;
const kScrapeMillis = 3000;

const binary = () => path.resolve(ROOT, process.env.CONFAB_BINARY ?? 'build/release/confab');
const leading_args = (args) => args ?? (process.env.CONFAB_ARGS ?? 'serve --dev').split(' ').filter(Boolean);

// A configuration object as YAML; JSON is YAML, each top-level key gets its own line.
function yaml(config) {
  return Object.entries(config).map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join('\n') + '\n';
}

// What CONFAB_TEST_WORKERS and CONFAB_TEST_CONTROL_THREADS ask for.
function thread_options() {
  const workers = Number(process.env.CONFAB_TEST_WORKERS ?? 0);
  const control_threads = Number(process.env.CONFAB_TEST_CONTROL_THREADS ?? 0);
  return {
    ...(workers > 0 && { workers, participants_per_worker: 1 }),
    ...(control_threads > 0 && { control_threads }),
  };
}

// What --dev with own keys opens only by name; a server as an operator runs it has none of it.
const open_to_all = (file) => (file ? {} : { demo_enabled: true, metrics_enabled: true });

export class Server {
  #process;
  #log = '';
  #exit;

  constructor(child, ports, secure) {
    this.#process = child;
    this.ports = ports;
    this.secure = secure;
    const place = `${secure ? `s://${secure}` : '://127.0.0.1'}:${ports.http}`;
    this.http = `http${place}`;
    this.ws = `ws${place}`;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        if (this.#log.length < kMaxLogBytes) this.#log += text;
      });
    }
    this.#exit = new Promise((resolve) => {
      child.on('exit', (code, signal) => resolve({ code, signal }));
      child.on('error', (error) => {
        this.#log += `cannot start: ${error.message}\n`;
        resolve({ code: null, signal: null });
      });
    });
  }

  get log() {
    return this.#log;
  }

  get pid() {
    return this.#process.pid;
  }

  get exited() {
    const { pid, exitCode, signalCode } = this.#process;
    return pid === undefined || exitCode !== null || signalCode !== null;
  }

  // {code, signal}, once the process is over.
  get ended() {
    return this.#exit;
  }

  signal(name) {
    this.#process.kill(name);
  }

  // The end of the log, for a failed check; `from` is where it stood before.
  tail(from = 0, lines = kTailLines) {
    const text = this.#log.slice(from).trimEnd();
    return text.split('\n').slice(-lines).map((line) => line.slice(0, kTailColumns));
  }

  // Throws if the program crashed or a sanitizer found something, however the checks ended.
  assert_sound() {
    const { exitCode, signalCode } = this.#process;
    const found = this.#log.match(/^.*(?:\w+Sanitizer:|: runtime error:|terminate called|Assertion ).*$/m);
    if (found) throw new Error(`the server says: ${found[0]}`);
    if (kCrashes.has(signalCode)) throw new Error(`the server ended by ${signalCode} (code ${exitCode})`);
  }

  // What a release build only counts: impossible states, and exceptions that ended a room or more.
  // Empty where the metrics are not open.
  async bugs() {
    if (this.exited) return [];
    const signal = AbortSignal.timeout(kScrapeMillis);
    const reply = await fetch(`${this.http}/metrics`, { signal }).catch(() => undefined);
    if (reply?.status !== 200) return [];
    const counted = (await reply.text()).match(/^confab_(?:bug|room_failures|loop_failures)_total\b.*$/gm) ?? [];
    return counted.filter((line) => !line.endsWith(' 0'));
  }

  // Asks twice (the second signal ends a drain), then kills. Returns {code, signal}.
  async stop({ timeout = 5000 } = {}) {
    for (const signal of ['SIGTERM', 'SIGINT']) {
      if (this.exited) break;
      this.#process.kill(signal);
      await Promise.race([this.#exit, sleep(timeout / 2)]);
    }
    if (!this.exited) this.#process.kill('SIGKILL');
    const ended = await this.#exit;
    const folder = process.env.CONFAB_LOG;
    if (folder) {
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(path.join(folder, `server-${this.ports.http}.log`), this.#log);
    }
    return ended;
  }
}

// Starts a server and waits until it answers. `config` is laid over the defaults below, section
// by section. The suite stops it at its end and prints its log when a check fails.
// `args` replaces the arguments before `--config-body`, `program` is a command to run it under, and
// `port` the HTTP port.
// `file` starts it as an operator does: that file as `--config`, without --dev.
// `command` starts another server with its arguments, which gets no section of ours.
// `secure` is the name under which it serves HTTPS; `answers` tells whether it is ready instead of a
// request.
export async function start_server(suite, config = {}, { args, program = [], port, file, command, secure, answers } = {}) {
  const ports = { http: port ?? (await free_port()), udp: await free_port(), tcp: await free_port() };
  const merged = {
    port: ports.http,
    keys: { [KEY]: SECRET },
    ...config,
    rtc: { udp_port: ports.udp, tcp_port: ports.tcp, ...config.rtc },
    confab: { ...open_to_all(file), ...thread_options(), ...config.confab },
  };
  if (command) delete merged.confab;
  if (file) fs.writeFileSync(file, yaml(merged), { mode: 0o600 });
  const given = file ? ['serve', '--config', file] : [...leading_args(args), '--config-body', yaml(merged)];
  const [first, ...rest] = command ? [...command, '--config-body', yaml(merged)] : [...program, binary(), ...given];
  const child = spawn(first, rest, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const server = new Server(child, ports, secure);
  suite.cleanup(async () => {
    const bugs = await server.bugs();
    await server.stop();
    server.assert_sound();
    if (bugs.length > 0) throw new Error(`the server counted ${bugs.join()}`);
  });
  let mark = 0;
  server.forget = suite.diagnostics(
    () => (mark = server.log.length),
    () => [`server log, port ${ports.http}${server.exited ? ', has ended' : ''}:`, ...server.tail(mark)],
  );
  await until(
    async () => {
      if (server.exited) return true;
      if (answers) return answers(server);
      const reply = await fetch(`${server.http}/`);
      return reply.status === 200;
    },
    { timeout: 15000, what: () => `${binary()} to answer on ${server.http}` },
  );
  if (server.exited) {
    await server.stop();
    throw new Error(`${binary()} ended at once:\n${server.tail(0, 5).join('\n')}`);
  }
  if (!command) await assert_threads(server, merged.confab);
  return server;
}

// A suite for several threads must not pass on one.
async function assert_threads(server, { workers, control_threads }) {
  const started = () => server.log.match(/media worker worker=\d+/g)?.length ?? 0;
  const control = () => Number(server.log.match(/control threads threads=(\d+)/)?.[1] ?? 0);
  const expect = async (what, wanted, told) => {
    if (wanted) await until(() => told() === wanted, { timeout: 5000, what: () => `${wanted} ${what}, the log tells of ${told()}` });
  };
  await expect('workers', workers, started);
  await expect('control threads', control_threads, control);
}
