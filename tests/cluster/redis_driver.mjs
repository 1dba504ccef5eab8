// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What a node has of Redis (tests/redis_node) with real servers: TLS, users, outages, fail-over.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

import { certificates, redis_cluster, RedisServer, sentinel_set } from '../lib/redis_server.mjs';
import { ROOT } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';

const program = path.resolve(ROOT, process.env.CONFAB_REDIS_NODE ?? 'build/release/tests/redis_node');
const suite = new Suite({ limit: 480 });

// A node: what it prints, as lines with their times.
class Node {
  lines = [];
  #child;

  constructor(words) {
    let rest = '';
    this.#child = spawn(program, Object.entries({ channels: 'a,b', ...words }).map(([key, value]) => `${key}=${value}`), { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child.stdout.setEncoding('utf8');
    this.#child.stdout.on('data', (text) => {
      const all = (rest + text).split('\n');
      rest = all.pop();
      for (const line of all) this.lines.push({ at: Date.now(), line });
    });
    this.exit = new Promise((resolve) => this.#child.once('exit', (code, signal) => resolve(signal ?? code)));
    suite.cleanup(() => this.stop());
  }

  all(prefix, since = 0) {
    return this.lines.slice(since).filter(({ line }) => line.startsWith(prefix));
  }

  // Waits for a line that begins so, from the line of that number on; gives it.
  async line(prefix, since = 0, timeout = 10000) {
    await until(() => this.all(prefix, since).length > 0, { timeout, every: 10, what: () => `'${prefix}'; the last lines: ${this.lines.slice(-5).map(({ line }) => line).join(' | ')}` });
    return this.all(prefix, since)[0];
  }

  async up(since = 0, timeout = 10000) {
    await this.line('up commands', since, timeout);
    await this.line('up channels', since, timeout);
    await this.line('set ', since, timeout);
    await this.line('heard a ', since, timeout);
  }

  async stop() {
    this.#child.kill('SIGTERM');
    return this.exit;
  }
}

const serve = async (...args) => {
  const server = await RedisServer.start(...args);
  suite.cleanup(() => server.end());
  return server;
};

await suite.run(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-redis-'));
  suite.cleanup(() => fs.rmSync(folder, { recursive: true, force: true }));

  await suite.check('one server: writes, channels, an outage, a hang [RDS-28] [RDS-30]', async () => {
    const server = await serve();
    const node = new Node({ address: server.address });
    await node.up();
    server.cli('PUBLISH', 'b', 'from outside');
    await node.line('heard b from outside');
    assert.match(server.cli('CLIENT', 'LIST'), /name=confab/);

    let since = node.lines.length;
    await server.stop();
    await node.line('down commands: ', since);
    await node.line('down channels: ', since);
    await sleep(3000);
    const attempts = node.all('down ', since).length;
    assert.ok(attempts > 4 && attempts < 60, `${attempts} attempts in 3 s`);
    since = node.lines.length;
    await server.run();
    await node.up(since);

    since = node.lines.length;
    server.freeze();
    const begun = Date.now();
    const { at } = await node.line('down commands: Redis has not answered in time', since);
    await node.line('down channels: Redis has not answered in time', since);
    assert.ok(at - begun < 4000, `${at - begun} ms`);
    server.thaw();
    await node.up(since);
    assert.equal(await node.stop(), 0);
  }, { seconds: 60 });

  await suite.check('users: a wrong password, a forbidden channel, a forbidden command [RDS-28] [SEC-17]', async () => {
    const server = await serve(['user default off', 'user confab on >right ~* &a +@all']);
    const wrong = new Node({ address: server.address, user: 'confab', password: 'wrong' });
    await wrong.line('down commands: redis.username or redis.password is wrong');
    const node = new Node({ address: server.address, user: 'confab', password: 'right' });
    await node.up();
    const { line } = await node.line('no b: ');
    assert.match(line, /NOPERM/);
  });

  await suite.check('TLS: a certificate of ours, a client\'s, and each way it can be wrong [RDS-28]', async () => {
    const files = certificates(folder, 'DNS:redis.test,IP:127.0.0.1');
    const lines = [`tls-cert-file ${files.cert}`, `tls-key-file ${files.key}`, `tls-ca-cert-file ${files.ca}`];
    const server = await serve([...lines, 'tls-auth-clients yes'], { tls_port: true });
    const client = { cert: files.client_cert, key: files.client_key };
    await new Node({ address: server.address, ca: files.ca, ...client }).up();
    await new Node({ address: server.address, ca: files.ca, server_name: 'redis.test', ...client }).up();
    await new Node({ address: server.address, insecure: '1', ...client }).up();
    const down = async (words) => (await new Node({ address: server.address, ...words }).line('down commands: ')).line;
    assert.match(await down({ ca: files.ca, server_name: 'other.test', ...client }), /certificate is not accepted .*see redis.tls/);
    assert.match(await down({ ca: files.client_cert, ...client }), /certificate is not accepted/);
    assert.match(await down({ ca: files.ca }), /alert|certificate required|ended/i);  // it wants a certificate of ours
    assert.match(await down({}), /ended|protocol|reset/i);  // no TLS at all
    const plain = await serve();
    assert.match((await new Node({ address: plain.address, ca: files.ca }).line('down commands: ')).line, /no TLS there .*see redis.tls/);
    const unfit = new Node({ address: server.address, ca: files.ca, cert: files.client_cert, key: files.key });
    assert.match((await unfit.line('refused ')).line, /redis.tls.client_key_file/);
    const none = new Node({ address: server.address, ca: files.key });
    assert.match((await none.line('refused ')).line, /redis.tls.ca_cert_file/);
  }, { seconds: 60 });

  await suite.check('nobody there, a name that is none, one that accepts and says nothing, one that is no Redis', async () => {
    const quiet = net.createServer(() => {});
    const chatty = net.createServer((socket) => { socket.on('error', () => {}); socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'); });
    for (const one of [quiet, chatty]) {
      await new Promise((resolve) => { one.listen(0, '127.0.0.1', resolve); });
      suite.cleanup(() => one.close());
    }
    const down = async (address, words = {}) => (await new Node({ address, ...words }).line('down commands: ')).line;
    assert.match(await down('127.0.0.1:1'), /127\.0\.0\.1:1: Connection refused/);
    assert.match(await down('no.such.host.invalid:6379'), /no\.such\.host\.invalid has no address/);
    assert.match(await down(`127.0.0.1:${quiet.address().port}`), /not answered in time/);
    assert.match(await down(`127.0.0.1:${quiet.address().port}`, { insecure: '1' }), /no TLS there .*says nothing/);
    assert.match(await down(`127.0.0.1:${chatty.address().port}`), /is none/);
  }, { seconds: 40 });

  await suite.check('Sentinel: the master dies, and the node goes on with the next one [RDS-28] [RDS-30]', async () => {
    const set = await sentinel_set('main');
    for (const one of set.all) suite.cleanup(() => one.end());
    const node = new Node({ sentinels: set.sentinels.map((one) => one.address).join(','), master: 'main' });
    await node.up();
    let since = node.lines.length;
    const killed = Date.now();
    await set.master.stop();
    await node.up(since, 30000);
    const promoted = (await node.line('set ', node.lines.findIndex(({ line }, i) => i >= since && line === 'up commands'))).at - killed;
    console.log(`  written again ${promoted} ms after the master's death`);
    assert.ok(promoted < 15000, `${promoted} ms`);
    assert.match(set.replica.cli('INFO', 'replication'), /role:master/);
    set.replica.cli('PUBLISH', 'b', 'on the new master');
    await node.line('heard b on the new master', since);

    // The old one comes back, as a replica: nothing changes. Sentinel asks each 10 s, and believes
    // what it sees after 8 s only; one that stood still for 2 s does nothing for 30 s. And then by
    // hand, while both live.
    since = node.lines.length;
    await set.master.run();
    await until(() => /role:slave/.test(set.master.cli('INFO', 'replication')), { timeout: 150000, what: 'the old master to follow' });
    await until(() => /master_link_status:up/.test(set.master.cli('INFO', 'replication')), { timeout: 20000, what: 'the old master to have followed' });
    assert.deepEqual(node.all('down ', since).map(({ line }) => line), []);
    since = node.lines.length;
    await until(() => { try { return set.sentinels[0].cli('SENTINEL', 'FAILOVER', 'main') === 'OK'; } catch { return false; } }, { timeout: 30000, every: 500, what: 'a fail-over by hand' });
    await until(() => /role:master/.test(set.master.cli('INFO', 'replication')), { timeout: 20000, what: 'the fail-over' });
    await node.up(since, 20000);
    set.master.cli('PUBLISH', 'b', 'back again');
    await node.line('heard b back again', since);

    // Two of three Sentinels gone, as soon as the third one has heard of it: that one says.
    const knows = (one) => one.cli('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main').endsWith(String(set.master.port));
    await until(() => set.sentinels.every(knows), { timeout: 10000, what: 'all Sentinels to know the new master' });
    since = node.lines.length;
    await set.sentinels[0].stop();
    await set.sentinels[1].stop();
    await sleep(1500);
    assert.deepEqual(node.all('down ', since).map(({ line }) => line), []);
    const late = new Node({ sentinels: set.sentinels.map((one) => one.address).join(','), master: 'main' });
    await late.up();
  }, { seconds: 300 });

  await suite.check('Sentinel: the only one that is left has not heard of the fail-over, and the node stays with the new master [RDS-28] [RDS-30]', async () => {
    const set = await sentinel_set('main');
    for (const one of set.all) suite.cleanup(() => one.end());
    const [first, second, behind] = set.sentinels;
    const node = new Node({ sentinels: set.sentinels.map((one) => one.address).join(','), master: 'main' });
    await node.up();
    const since = node.lines.length;
    await behind.stop();
    assert.equal(first.cli('SENTINEL', 'FAILOVER', 'main'), 'OK');
    const knows = (one) => one.cli('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main').endsWith(String(set.replica.port));
    await until(() => [first, second].every(knows), { timeout: 20000, what: 'the fail-over' });
    await node.up(since, 20000);
    await until(() => node.lines.findLast(({ line }) => /^(up|down) channels/.test(line)).line.startsWith('up'), { what: 'the node at its new master' });
    for (const one of [first, second]) await one.stop();
    await behind.run();
    assert.ok(!knows(behind), 'it has heard of nothing');
    const settled = node.lines.length;
    await sleep(6000);
    assert.ok(!knows(behind), 'it has still not heard of it');
    assert.deepEqual(node.all('down ', settled).map(({ line }) => line), []);
    set.replica.cli('PUBLISH', 'b', 'at the new master');
    await node.line('heard b at the new master', settled);
    assert.ok(node.all('set ', settled).length > 3, 'it writes');
  }, { seconds: 60 });

  await suite.check('Cluster 3 + 3: every slot, slots that move, a master that dies [RDS-28] [RDS-29]', async () => {
    const all = await redis_cluster();
    for (const one of all) suite.cleanup(() => one.end());
    const node = new Node({ cluster: `127.0.0.1:1,${all[5].address}` });  // one seed is dead, one a replica
    await node.up();
    for (const one of all) one.cli('PUBLISH', 'b', `from ${one.port}`);
    for (const one of all) await node.line(`heard b from ${one.port}`);

    // All numbers in a row: each of 16 keys, on three masters, and 50 a second.
    const numbers = (since) => node.all('set ', since).map(({ line }) => Number(line.slice(4)));
    let since = node.lines.length;
    const moved = Number(all[0].cli('CLUSTER', 'KEYSLOT', 'number3'));
    const owner = all.find((one) => one.cli('CLUSTER', 'NODES').split('\n').some((line) => {
      if (!/myself,master/.test(line)) return false;
      return line.split(' ').slice(8).some((range) => { const [first, last] = range.split('-').map(Number); return first <= moved && moved <= (last ?? first); });
    }));
    const other = all.find((one) => one !== owner && /role:master/.test(one.cli('INFO', 'replication')));
    const id = (one) => one.cli('CLUSTER', 'MYID');
    other.cli('CLUSTER', 'SETSLOT', String(moved), 'IMPORTING', id(owner));
    owner.cli('CLUSTER', 'SETSLOT', String(moved), 'MIGRATING', id(other));
    await sleep(600);
    owner.cli('MIGRATE', '127.0.0.1', String(other.port), 'number3', '0', '5000', 'REPLACE');
    await sleep(600);
    // The new owner first, as redis-cli does: otherwise each says for a moment that the other has it.
    for (const one of [other, owner]) one.cli('CLUSTER', 'SETSLOT', String(moved), 'NODE', id(other));
    await sleep(600);
    // Of three servers: an answer may be on its way while the next ones are there.
    const missing = (seen) => Array.from(seen, (_, i) => Math.min(...seen) + i).filter((number) => !seen.includes(number));
    await until(() => missing(numbers(since)).length === 0, { every: 5, what: () => `all numbers, without ${missing(numbers(since))}` });
    const seen = numbers(since);
    assert.equal(node.all('down ', since).length, 0);
    assert.ok(seen.length > 60, `${seen.length} numbers`);

    since = node.lines.length;
    const victim = all.find((one) => /role:master/.test(one.cli('INFO', 'replication')));
    const killed = Date.now();
    await victim.stop();
    await node.line('down commands: ', since);
    const { at } = await node.line('up commands', since, 30000);
    console.log(`  complete again ${at - killed} ms after a master's death`);
    await node.line('set ', node.lines.length);
    const alive = all.find((one) => one !== victim);
    alive.cli('PUBLISH', 'b', 'after');
    await node.line('heard b after', since);
  }, { seconds: 120 });
});
