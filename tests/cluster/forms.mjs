// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Redis in its forms, for Nodes.start(): {config: the section redis, cli(), end()}.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { certificates, redis_cluster, RedisServer, sentinel_set } from '../lib/redis_server.mjs';

export async function single_form() {
  const server = await RedisServer.start();
  return { config: { address: server.address }, port: server.port, cli: (...words) => server.cli(...words), end: () => server.end() };
}

// The rights that the guide names, TLS and a user.
export async function guarded_form(suite) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-redis-'));
  suite.cleanup(() => fs.rmSync(folder, { recursive: true, force: true }));
  const files = certificates(folder, 'IP:127.0.0.1');
  const server = await RedisServer.start([
    `tls-cert-file ${files.cert}`, `tls-key-file ${files.key}`, `tls-ca-cert-file ${files.ca}`, 'tls-auth-clients yes',
    'user default off', 'user confab on >a-password ~* &* +@all -@admin -@dangerous',
  ], { tls_port: true });
  const as_user = ['--tls', '--cacert', files.ca, '--cert', files.client_cert, '--key', files.client_key, '--user', 'confab', '--pass', 'a-password', '--no-auth-warning'];
  return {
    config: {
      address: server.address, username: 'confab', password: 'a-password',
      tls: { enabled: true, ca_cert_file: files.ca, client_cert_file: files.client_cert, client_key_file: files.client_key },
    },
    cli: (...words) => server.cli(...as_user, ...words),
    end: () => server.end(),
  };
}

// With kill_master(): the replica is the master then.
export async function sentinel_form() {
  const set = await sentinel_set('main');
  const form = {
    config: { sentinel_master_name: 'main', sentinel_addresses: set.sentinels.map((one) => one.address) },
    master: set.master,
    cli: (...words) => form.master.cli(...words),
    end: async () => { for (const one of set.all) await one.end(); },
    kill_master: async () => {
      await set.master.stop();
      form.master = set.replica;
    },
  };
  return form;
}

export async function cluster_form() {
  const all = await redis_cluster();
  return {
    config: { cluster_addresses: all.slice(0, 2).map((one) => one.address) },
    cli: (...words) => execFileSync('redis-cli', ['-c', '-p', String(all[0].port), ...words], { encoding: 'utf8', timeout: 10000 }).trim(),
    end: async () => { for (const one of all) await one.end(); },
  };
}
