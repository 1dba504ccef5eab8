// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A host on which all is well: confab with TURN, Redis, a receiver of webhooks and a TLS proxy, in the
// namespace of run_doctor, whose ports are all its own.

import { execFileSync, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';

import { RedisServer } from '../lib/redis_server.mjs';
import { ROOT, Server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { folder, run } from './program.mjs';

export const kAddress = '203.0.113.10';
export const kKey = 'APIdoctor';
export const kSecret = 'the-secret-of-the-doctors-own-key-0123456789';
const kRedisPassword = 'the-password-of-redis';
const kNames = ['live.test', 'turn.test', 'hook.test'];
const kMillis = 20000; // it promises 15 s

// `confab doctor --json …`: the exit code and what it found. `prefix`: a command to run it under.
export async function doctor(args, { env = {}, millis = kMillis, prefix } = {}) {
  const ended = await run(['doctor', '--json', ...args], { env: { SSL_CERT_FILE: Place.ca_file, ...env }, millis, prefix });
  try {
    return { code: ended.code, json: JSON.parse(ended.out) };
  } catch {
    throw new Error(`doctor ${args.join(' ')}: ${ended.code} ${ended.out}${ended.err}`);
  }
}

export const sh = (...words) => execFileSync(words[0], words.slice(1), { stdio: 'pipe', timeout: 20000 });

export class Place {
  static ca_file;

  static async make(suite) {
    const place = new Place();
    place.suite = suite;
    place.folder = folder(suite);
    place.number = 0;
    place.set_buffers(16777216);
    place.set_names(Object.fromEntries(kNames.map((name) => [name, kAddress])));
    place.make_authority();
    await place.start_others();
    place.file = place.write(place.healthy());
    fs.mkdirSync(path.join(place.folder, 'data'));
    await place.start_server(place.file, 7880);
    const [, port] = await place.front({});
    place.url = `https://live.test:${port}`;
    place.key_args = ['--api-key', kKey, '--api-secret', kSecret];
    place.secrets = [kSecret, kRedisPassword];
    return place;
  }

  async start_others() {
    this.redis = await RedisServer.start([`requirepass ${kRedisPassword}`]);
    this.suite.cleanup(() => this.redis.end());
    const { cert, key } = this.certificate('hook.test');
    const hook = https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) }, (request, response) => response.end());
    hook.on('tlsClientError', () => {});
    await new Promise((resolve) => hook.listen(9443, kAddress, resolve));
    this.suite.cleanup(() => hook.close());
  }

  // ---- configurations

  // All that there is, as it runs.
  healthy() {
    const { cert, key } = this.certificate('turn.test');
    return {
      ...this.quiet(),
      port: 7880,
      rtc: { udp_port: 7882, tcp_port: 7881, node_ip: kAddress },
      turn: { enabled: true, udp_port: 3478, tls_port: 443, bind_addresses: [kAddress], domain: 'turn.test', cert_file: cert, key_file: key },
      redis: { address: this.redis.address, password: kRedisPassword },
      webhook: { api_key: kKey, urls: ['https://hook.test:9443/hook'] },
      confab: { data_dir: path.join(this.folder, 'data') },
    };
  }

  // A server that does not run, at ports of its own.
  quiet() {
    return { port: 7890, keys: { [kKey]: kSecret }, rtc: { udp_port: 7892, tcp_port: 7891 } };
  }

  // With TURN over TLS, which does not run either.
  quiet_turn(turn = {}) {
    const { cert, key } = this.certificate('turn.test');
    return { ...this.quiet(), turn: { enabled: true, tls_port: 5349, domain: 'turn.test', cert_file: cert, key_file: key, ...turn } };
  }

  write(config, mode = 0o600) {
    const text = typeof config === 'string' ? config : Object.entries(config).map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join('\n');
    return this.file_in(`${(this.number += 1)}.yaml`, `${text}\n`, mode);
  }
  file_in(name, text, mode = 0o600) {
    const file = path.join(this.folder, name);
    fs.writeFileSync(file, text, { mode });
    fs.chmodSync(file, mode);
    return file;
  }

  async start_server(file, port) {
    const program = path.resolve(ROOT, process.env.CONFAB_BINARY ?? 'build/release/confab');
    const child = spawn(program, ['serve', '--config', file], { cwd: ROOT, env: { PATH: process.env.PATH, SSL_CERT_FILE: Place.ca_file } });
    const server = new Server(child, { http: port });
    this.suite.cleanup(async () => {
      await server.stop();
      server.assert_sound();
    });
    await until(async () => server.exited || (await fetch(`${server.http}/`)).status === 200, { timeout: 15000, what: () => server.log });
    assert.ok(!server.exited, server.log);
    return server;
  }

  // ---- certificates

  make_authority() {
    const [ca, key] = [this.in_folder('ca.pem'), this.in_folder('ca.key')];
    sh('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', ca, '-days', '300', '-subj', '/CN=test authority');
    Object.assign(this, { ca, ca_key: key });
    Place.ca_file = ca;
  }
  in_folder(name) { return path.join(this.folder, name); }

  // Files of one for that name. `days`: from now; `by`: authority, itself, or a stranger.
  certificate(name, { days = 60, by = 'authority' } = {}) {
    const at = (end) => this.in_folder(`${name}-${days}-${by}.${end}`);
    const [cert, key, csr, extra] = ['pem', 'key', 'csr', 'cnf'].map(at);
    if (fs.existsSync(cert)) return { cert, key };
    sh('openssl', 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', csr, '-subj', `/CN=${name}`);
    fs.writeFileSync(extra, `subjectAltName=DNS:${name}\nbasicConstraints=CA:FALSE\n`);
    let signer = ['-CA', this.ca, '-CAkey', this.ca_key];
    if (by === 'itself') signer = ['-signkey', key];
    if (by === 'stranger') {
      const [ca, ca_key] = [this.in_folder('stranger.pem'), this.in_folder('stranger.key')];
      sh('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', ca_key, '-out', ca, '-days', '9', '-subj', '/CN=stranger');
      signer = ['-CA', ca, '-CAkey', ca_key];
    }
    sh('openssl', 'x509', '-req', '-in', csr, ...signer, '-CAcreateserial', '-days', String(days), '-extfile', extra, '-out', cert);
    fs.chmodSync(key, 0o600);
    return { cert, key };
  }

  // ---- what clients come through

  // A TLS proxy before confab: the server and its port. `to_server` and `to_client` change what passes,
  // as texts of single bytes; null: it is kept back, {last}: the connection ends behind it.
  async front({ certificate = this.certificate('live.test'), address = kAddress, port = 0, backend = 7880, to_server, to_client }) {
    const options = { cert: fs.readFileSync(certificate.cert), key: fs.readFileSync(certificate.key) };
    const serve = (client) => {
      const server = net.connect(backend, '127.0.0.1');
      const pass = (from, to, change) => {
        from.on('data', (bytes) => {
          const changed = change ? change(bytes.toString('latin1')) : bytes;
          if (changed?.last !== undefined) to.end(Buffer.from(changed.last, 'latin1'));
          else if (changed !== null) to.write(Buffer.from(changed, 'latin1'));
        });
        from.on('close', () => to.destroy());
        from.on('error', () => to.destroy());
      };
      pass(client, server, to_server);
      pass(server, client, to_client?.());
    };
    const server = tls.createServer(options, serve);
    server.on('tlsClientError', () => {});
    await new Promise((resolve) => server.listen(port, address, resolve));
    this.suite.cleanup(() => server.close());
    return [server, server.address().port];
  }

  // ---- the machine

  set_names(names) {
    const lines = Object.entries(names).map(([name, address]) => `${address} ${name}`);
    fs.writeFileSync('/etc/hosts', ['127.0.0.1 localhost', ...lines, ''].join('\n'));
    this.names = names;
  }
  // Others than usual, until `undo`.
  with_names(changes, undo) {
    const before = this.names;
    undo(() => this.set_names(before));
    const names = { ...before, ...changes };
    for (const [name, address] of Object.entries(changes)) if (address === null) delete names[name];
    this.set_names(names);
  }
  set_buffers(bytes) {
    for (const name of ['rmem_max', 'wmem_max']) fs.writeFileSync(`/proc/sys/net/core/${name}`, `${bytes}\n`);
  }
  drop(undo, ...rule) {
    sh('iptables', '-I', 'INPUT', ...rule, '-j', 'DROP');
    undo(() => sh('iptables', '-D', 'INPUT', ...rule, '-j', 'DROP'));
  }
  async take_port(undo, port, { udp = false } = {}) {
    if (udp) {
      const socket = dgram.createSocket('udp4');
      socket.bind(port, kAddress);
      await once(socket, 'listening');
      undo(() => socket.close());
    } else {
      const server = net.createServer();
      server.listen(port, '0.0.0.0');
      await once(server, 'listening');
      undo(() => server.close());
    }
  }
}
