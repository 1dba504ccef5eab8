// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// How the server behaves as a program: full rooms, what is open to whom, drain, scarce descriptors.

import fs from 'node:fs';
import net from 'node:net';

import { DisconnectReason, LeaveRequest_Action } from '@livekit/protocol';

import { Scrape } from '../lib/metrics.mjs';
import { free_port } from '../lib/ports.mjs';
import { resident } from '../lib/process_stats.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { start_server } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name, room_client } from './clients.mjs';

const kIdleBytes = Number(process.env.CONFAB_IDLE_MB ?? 160) * 2 ** 20;

async function full_room_checks(suite, server) {
  await suite.check('a full room is refused in words, at the upgrade and at validate [ROOM-06] [CON-22] [CON-33]', async () => {
    const name = fresh_name('full');
    await room_client(server).createRoom({ name, maxParticipants: 1 });
    const alice = await Peer.join(suite, server, name, 'alice');
    const text = 'the room is full (max_participants is 1)';
    const error = await Peer.join(suite, server, name, 'bob').then(() => new Error('joined'), (caught) => caught);
    assert.ok(error.message.includes(text), error.message);
    const validate = async (identity) => {
      const token = await join_token(name, identity);
      const reply = await fetch(`${server.http}/rtc/validate?access_token=${token}`);
      return `${reply.status} ${await reply.text()}`;
    };
    assert.equal(await validate('bob'), `403 ${text}`);
    assert.equal(await validate('alice'), '200 success', 'who is inside may come again');
    await alice.leave();
  });
}

const basic = (credentials) => ({ headers: { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` } });

async function open_to_all_checks(suite) {
  await suite.check('/metrics on the main port takes Basic authentication [CON-10]', async () => {
    const server = await start_server(suite, { prometheus: { username: 'scraper', password: 'pass' } });
    const scrape = (...options) => fetch(`${server.http}/metrics`, ...options);
    assert.equal((await scrape(basic('scraper:pass'))).status, 200);
    const refused = await scrape(basic('scraper:wrong'));
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get('www-authenticate'), 'Basic realm="Protected Area"');
    await server.stop();
  });

  await suite.check('--dev with an own key: no page, no tokens, no metrics for everybody [CFG-03] [TOK-15]', async () => {
    const closed = await start_server(suite, { confab: { demo_enabled: false, metrics_enabled: false } }, { args: ['serve', '--dev'] });
    const token = { method: 'POST', body: JSON.stringify({ room_name: 'r', participant_name: 'p' }) };
    for (const [path, options] of [['/api/token', token], ['/demo/'], ['/metrics']]) {
      assert.equal((await fetch(closed.http + path, options)).status, 404, path);
    }
    assert.doesNotMatch(closed.log, /devkey/);
    await closed.stop();
  });

  await suite.check('--dev with the placeholder key is open, on loopback only [CFG-03] [TOK-15]', async () => {
    const port = await free_port();
    const server = await start_server(suite, { keys: {} }, { args: ['serve', '--dev'], port });
    assert.match(server.log, new RegExp(`listening http="127\\.0\\.0\\.1:${port}"`));
    assert.doesNotMatch(server.log, /listening http="(\[::\]|0\.0\.0\.0):/);
    assert.equal((await fetch(`${server.http}/metrics`)).status, 200);
    await server.stop();
  });

  await suite.check('the log is JSON where that is asked for, with names that others use too, and of the level that is asked for [OBS-22]', async () => {
    const lines = async (level) => {
      const server = await start_server(suite, { logging: { json: true, level } }, { args: ['serve'] });
      await (await SignalClient.join(server, 'logged', 'alice')).leave();
      await server.stop();
      server.forget();
      return server.log.split('\n').filter(Boolean).map((line) => JSON.parse(line));
    };
    const all = await lines('info');
    for (const line of all) assert.ok(line.level && line.ts && line.msg, JSON.stringify(line));
    const started = all.find(({ msg }) => msg === 'room_started');
    assert.deepEqual([started.level, started.room], ['info', 'logged']);
    assert.match(started.roomID, /^RM_/);
    assert.deepEqual((await lines('error')).filter(({ level }) => level !== 'error'), []);
  });

  await suite.check('a Redis that is not there ends the start after a while, and is named [CFG-07] [RDS-28]', async () => {
    const address = `127.0.0.1:${await free_port()}`;
    const error = await start_server(suite, { redis: { address } }).catch((caught) => caught);
    assert.ok(error.message.includes(`no connection to Redis (${address}): ${address}: Connection refused`), error.message);
  });
}

async function drain_checks(suite) {
  await suite.check('SIGTERM waits for who is there, a second one ends their calls [CON-11]', async () => {
    const server = await start_server(suite, {}, { args: ['serve'] });
    const alice = await Peer.join(suite, server, 'draining', 'alice');
    server.signal('SIGTERM');
    await until(() => server.log.includes('draining'), { what: 'the drain to begin' });
    // It still serves: health, a further join, and who is there.
    assert.equal((await fetch(`${server.http}/`)).status, 200);
    const bob = await Peer.join(suite, server, 'draining', 'bob');
    await until(() => alice.remote('bob'));
    assert.ok(!server.exited);
    await bob.leave();
    await alice.leave();
    assert.deepEqual(await server.ended, { code: 0, signal: null });
    assert.match(server.log, /stopped/);

    const forced = await start_server(suite, {}, { args: ['serve'] });
    const carol = await Peer.join(suite, forced, 'forced', 'carol');
    forced.signal('SIGTERM');
    await until(() => forced.log.includes('draining'), { what: 'the drain to begin' });
    assert.ok(!forced.exited);
    forced.signal('SIGTERM');
    assert.deepEqual(await forced.ended, { code: 0, signal: null });
    await carol.leave();
  }, { seconds: 60 });

  await suite.check('a drain ends at confab.drain_timeout: who is still there is told so [CON-11] [NODE-13] [SIG-143]', async () => {
    const server = await start_server(suite, { confab: { drain_timeout: '5s' } }, { args: ['serve'] });
    const alice = await Peer.join(suite, server, 'deadline', 'alice');
    const bob = await SignalClient.join(server, 'deadline', 'bob');
    const begin = Date.now();
    server.signal('SIGTERM');
    await until(() => /draining.*participants=\d seconds_left=5 /.test(server.log), { what: 'the drain to begin' });
    assert.equal((await fetch(`${server.http}/`)).status, 200);
    const { reason, action } = await bob.wait('leave');
    assert.equal(reason, DisconnectReason.SERVER_SHUTDOWN);
    assert.equal(action, LeaveRequest_Action.RECONNECT);
    assert.deepEqual(await server.ended, { code: 0, signal: null });
    assert.ok(Date.now() - begin >= 5000);
    assert.match(server.log, /the time to drain is over: ending the calls participants=2/);
    await alice.leave();
    // Who leaves in time is not waited for.
    const early = await start_server(suite, { confab: { drain_timeout: '1h' } }, { args: ['serve'] });
    const carol = await Peer.join(suite, early, 'deadline', 'carol');
    early.signal('SIGTERM');
    await until(() => /draining.*seconds_left=3600 /.test(early.log), { what: 'the drain to begin' });
    await carol.leave();
    assert.deepEqual(await early.ended, { code: 0, signal: null });
    assert.doesNotMatch(early.log, /the time to drain is over/);
  }, { seconds: 60 });
}

// Connections that say nothing; `closed` of them were ended by the server.
class IdleClients {
  sockets = [];
  closed = 0;

  async open(port, count) {
    for (let i = 0; i < count; ++i) {
      const socket = net.connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.on('close', () => (this.closed += 1));
      socket.resume();
      this.sockets.push(socket);
    }
    await until(() => this.sockets.every((one) => one.readyState !== 'opening'), { what: 'connections' });
  }

  end() {
    for (const socket of this.sockets) socket.destroy();
  }
}

async function descriptor_checks(suite) {
  await suite.check('the soft limit of open files is raised: 1500 connections at 1024 [IMM-15]', async () => {
    const server = await start_server(suite, {}, { program: ['prlimit', '--nofile=1024:8192'] });
    assert.match(server.log, /limit of open files was=1024 is=8192/);
    assert.match(server.log, /few files may be open.*remedy/);
    const clients = new IdleClients();
    await clients.open(server.ports.http, 1500);
    await until(async () => (await Scrape.of(server)).value('confab_http_connections') >= 1500, { what: '1500 connections' });
    assert.equal(clients.closed, 0);
    clients.end();
    await server.stop();
  });

  await suite.check('when connections are scarce, the longest idle gives way and calls go on [IMM-15]', async () => {
    const limits = { max_connections: 64, max_connections_per_address: 64 };
    const server = await start_server(suite, { confab: limits });
    const alice = await Peer.join(suite, server, 'scarce', 'alice');
    const clients = new IdleClients();
    await clients.open(server.ports.http, 200);
    await until(() => clients.closed >= 137, { what: () => `${clients.closed} closed` });
    assert.equal((await fetch(`${server.http}/`, { headers: { Connection: 'close' } })).status, 200);
    const bob = await Peer.join(suite, server, 'scarce', 'bob');
    await until(() => alice.remote('bob'));
    const scrape = await Scrape.of(server);
    assert.ok(scrape.value('confab_http_connections_evicted_total') >= 137);
    assert.equal(scrape.value('confab_http_connections_refused_total'), 0);
    clients.end();
    await Promise.all([alice.leave(), bob.leave()]);
    await server.stop();
  });

  await suite.check('out of descriptors: it is said, counted and passes [IMM-15]', async () => {
    const server = await start_server(suite, { rtc: { node_ip: '127.0.0.1' } }, { program: ['prlimit', '--nofile=128:128'] });
    const clients = new IdleClients();
    // Other descriptors than those of HTTP: media over TCP.
    const media = new IdleClients();
    await media.open(server.ports.tcp, 100);
    await clients.open(server.ports.http, 100);
    // Had HTTP been quicker than the media worker, it would have all it needs by now: one more each time.
    await until(async () => {
      await clients.open(server.ports.http, 1);
      return /a connection could not be taken.*error="?Too many open files/.test(server.log);
    }, { what: 'the warning' });
    media.end();
    clients.end();
    await until(async () => (await Scrape.of(server)).value('confab_http_accept_errors_total') > 0);
    await server.stop();
  });
}

async function memory_checks(suite) {
  await suite.check('sixteen idle workers take little memory: rings are made on first use [IMM-15]', async () => {
    const server = await start_server(suite, { confab: { workers: 16 } });
    const bytes = resident(server.pid);
    assert.ok(bytes < kIdleBytes, `${(bytes / 2 ** 20).toFixed(0)} MB`);
    await server.stop();
  });
}

// Which processors each thread may use.
function masks_of(pid) {
  const tasks = fs.readdirSync(`/proc/${pid}/task`).map((task) => fs.readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8'));
  return tasks.map((status) => [status.match(/^Name:\s+(.*)$/m)[1], status.match(/^Cpus_allowed_list:\s+(.*)$/m)[1]]);
}

async function processor_checks(suite) {
  await suite.check('who gives it one processor finds all of its threads there, the media workers too [DES-01]', async () => {
    const server = await start_server(suite, { confab: { workers: 1 } }, { program: ['taskset', '-c', '0'] });
    const masks = masks_of(server.pid);
    assert.ok(masks.some(([name]) => name === 'media-0'), JSON.stringify(masks));
    assert.deepEqual(masks.filter(([, mask]) => mask !== '0'), []);
    await server.stop();
  });
}

export async function operation_checks(suite, server) {
  await full_room_checks(suite, server);
  await open_to_all_checks(suite);
  await drain_checks(suite);
  await descriptor_checks(suite);
  await memory_checks(suite);
  await processor_checks(suite);
}
