// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Redis servers, Sentinels and their certificates, each in a folder of its own that goes with them.

import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { free_port } from './ports.mjs';
import { sleep, until } from './wait.mjs';

export class RedisServer {
  #child;

  constructor(folder, file, port, flags) {
    Object.assign(this, { folder, file, port, flags, address: `127.0.0.1:${port}` });
  }

  // `lines`: of its configuration, behind ours. `flags`: of the command.
  static async start(lines = [], { flags = [], tls_port = false } = {}) {
    const port = await free_port();
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-redis-'));
    const file = path.join(folder, 'redis.conf');
    const ours = [tls_port ? `tls-port ${port}\nport 0` : `port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, 'save ""', 'appendonly no'];
    fs.writeFileSync(file, flags.includes('--sentinel') ? [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, ...lines].join('\n') : [...ours, ...lines].join('\n'));
    const server = new RedisServer(folder, file, port, flags);
    await server.run();
    return server;
  }

  // Also after stop() and kill(): empty, then.
  async run() {
    let log = '';
    this.#child = spawn('redis-server', [this.file, ...this.flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on('data', (text) => { if (log.length < 1 << 20) log += text; });
    this.#child.on('error', (error) => { log += error.message; });
    await until(() => /Ready to accept connections|Sentinel ID is/.test(log), { what: () => `redis-server: ${log}` });
  }

  // What it says to a command, by redis-cli.
  cli(...words) {
    return execFileSync('redis-cli', ['-p', String(this.port), ...words], { encoding: 'utf8', timeout: 10000 }).trim();
  }

  get pid() { return this.#child.pid; }

  freeze() { this.#child.kill('SIGSTOP'); }
  thaw() { this.#child.kill('SIGCONT'); }

  async stop(signal = 'SIGKILL') {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill(signal);
    await gone;
  }

  async end() {
    this.#child.kill('SIGCONT');
    await this.stop();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

// A master, its replica and three Sentinels that agree within a second that it is gone.
export async function sentinel_set(name) {
  const master = await RedisServer.start();
  const replica = await RedisServer.start([`replicaof 127.0.0.1 ${master.port}`]);
  await until(() => /master_link_status:up/.test(replica.cli('INFO', 'replication')), { what: 'the replica' });
  const sentinels = [];
  for (let i = 0; i < 3; i += 1) {
    sentinels.push(await RedisServer.start([
      `sentinel monitor ${name} 127.0.0.1 ${master.port} 2`,
      `sentinel down-after-milliseconds ${name} 1000`,
      `sentinel failover-timeout ${name} 5000`,
    ], { flags: ['--sentinel'] }));
  }
  await until(() => sentinels.every((one) => /num-other-sentinels\n2\n/.test(one.cli('SENTINEL', 'MASTER', name))
    && /num-slaves\n1\n/.test(one.cli('SENTINEL', 'MASTER', name))), { timeout: 20000, what: 'the Sentinels to know each other' });
  return { master, replica, sentinels, all: [master, replica, ...sentinels] };
}

// Three masters and a replica of each, that miss one of them within a second.
export async function redis_cluster() {
  const all = [];
  for (let i = 0; i < 6; i += 1) {
    all.push(await RedisServer.start(['cluster-enabled yes', 'cluster-node-timeout 1000', `cluster-port ${await free_port()}`, 'cluster-replica-validity-factor 0']));
  }
  execFileSync('redis-cli', ['--cluster', 'create', ...all.map((one) => one.address), '--cluster-replicas', '1', '--cluster-yes'], { stdio: 'pipe', timeout: 60000 });
  try {
    const settled = (one) => /cluster_state:ok/.test(one.cli('CLUSTER', 'INFO')) && (one.cli('CLUSTER', 'NODES').match(/slave /g) ?? []).length === 3;
    await until(() => all.every(settled), { timeout: 30000, what: 'the cluster' });
    await until(() => all.every((one) => /role:master|master_link_status:up/.test(one.cli('INFO', 'replication'))), { timeout: 30000, what: 'the replicas' });
  } catch (error) {
    for (const one of all) await one.end();
    throw error;
  }
  return all;
}

// Files of a certificate authority, of a server for `names` and of a client.
export function certificates(folder, names) {
  const at = (name) => path.join(folder, name);
  const openssl = (...words) => execFileSync('openssl', words, { stdio: 'pipe', timeout: 20000 });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-days', '2', '-subj', '/CN=test authority');
  for (const [who, subject] of [['server', names], ['client', 'DNS:client']]) {
    openssl('req', '-x509', ...key, '-keyout', at(`${who}.key`), '-out', at(`${who}.pem`), '-days', '2', '-subj', `/CN=${who}`,
      '-addext', `subjectAltName=${subject}`, '-addext', 'basicConstraints=CA:FALSE', '-CA', at('ca.pem'), '-CAkey', at('ca.key'));
  }
  return { ca: at('ca.pem'), cert: at('server.pem'), key: at('server.key'), client_cert: at('client.pem'), client_key: at('client.key') };
}

export { sleep };
