// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Webhooks that outlive the process: kill -9, receivers that are away, replay by API, and folders
// that do not serve.

import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

import { AccessToken, WebhookReceiver } from 'livekit-server-sdk';

import { Scrape } from '../lib/metrics.mjs';
import { free_port } from '../lib/ports.mjs';
import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name, room_client } from './clients.mjs';

const kAdmin = { roomAdmin: true, roomList: true };

// A receiver that comes and goes. While `holding` it takes requests and does not answer.
class Receiver {
  deliveries = [];
  holding = false;
  #server;
  #receiver = new WebhookReceiver(KEY, SECRET);

  static async make(suite) {
    const receiver = new Receiver();
    receiver.port = await free_port();
    receiver.url = `http://127.0.0.1:${receiver.port}/hook`;
    suite.cleanup(() => receiver.go());
    return receiver;
  }

  async come() {
    this.#server = http.createServer((request, response) => this.#take(request, response));
    await new Promise((resolve) => this.#server.listen(this.port, '127.0.0.1', resolve));
  }

  go() {
    this.#server?.closeAllConnections?.();
    this.#server?.close();
    this.#server = undefined;
  }

  async #take(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('utf8');
    const event = await this.#receiver.receive(body, request.headers.authorization);
    const sequence = Number(request.headers['x-confab-sequence']);
    this.deliveries.push({ event, body, sequence, outbox: request.headers['x-confab-outbox'], answered: !this.holding });
    if (!this.holding) response.writeHead(200).end();
  }

  // Events by name of their room, in order of arrival, each once.
  story(room) {
    const names = new Map(this.deliveries.filter((one) => one.event.room.name === room).map((one) => [one.event.id, one.event.event]));
    return [...names.values()];
  }

  get ids() {
    return new Set(this.deliveries.map((one) => one.event.id));
  }
}

function data_dir(suite) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-outbox-'));
  suite.cleanup(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

// max_age would drop what waits longer, were there no outbox.
const config = (receiver, folder, confab = {}) => ({
  webhook: { urls: [receiver.url], api_key: KEY, resource_url_notifier: { max_age: '1s', max_depth: 5 } },
  confab: { data_dir: folder, webhook_flush_timeout: '300ms', ...confab },
});

async function call(server, method, request = {}, grant = kAdmin) {
  const token = new AccessToken(KEY, SECRET, { ttl: 600 });
  token.addGrant(grant);
  const reply = await fetch(`${server.http}/twirp/confab.Webhooks/${method}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${await token.toJwt()}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(request),
  });
  return { status: reply.status, ...(await reply.json()) };
}

const list = async (server, selection = {}) => (await call(server, 'ListEvents', { selection, limit: 1000 })).events;

// Each begins and ends: two events.
async function use_rooms(server, count) {
  const rooms = room_client(server);
  const names = Array.from({ length: count }, () => fresh_name('kept'));
  for (const name of names) {
    await rooms.createRoom({ name });
    await rooms.deleteRoom(name);
  }
  return names;
}

const in_order = (numbers) => [...numbers].sort((a, b) => a - b);
const upto = (last) => Array.from({ length: last }, (_, i) => i + 1);
const kLife = ['room_started', 'room_finished'];

async function kill(server) {
  server.signal('SIGKILL');
  await server.ended;
}

async function restart_checks(suite) {
  await suite.check('kill -9 while the receiver is away: the next start sends all, in order, numbered without a gap [HOOK-10] [HOOK-11] [HOOK-07]', async () => {
    const receiver = await Receiver.make(suite);
    const folder = data_dir(suite);
    const first = await start_server(suite, config(receiver, folder));
    const names = await use_rooms(first, 12);
    await until(async () => (await list(first, { states: ['WEBHOOK_PENDING'] })).length === 24, { what: 'the events on disk' });
    await kill(first);

    const second = await start_server(suite, config(receiver, folder));
    names.push(...(await use_rooms(second, 3)));
    await receiver.come();
    // It may just have been found away, and is asked after 30 s at the latest.
    await until(() => receiver.ids.size === 30, { timeout: 45000, what: () => `${receiver.ids.size} of 30 events` });
    for (const name of names) assert.deepEqual(receiver.story(name), kLife, name);
    assert.deepEqual(in_order(receiver.deliveries.map((one) => one.sequence)), upto(30));
    assert.equal(new Set(receiver.deliveries.map((one) => one.outbox)).size, 1);
    await until(async () => (await list(second, { states: ['WEBHOOK_DELIVERED'] })).length === 30, { what: 'all to be marked' });
    const scrape = await Scrape.of(second);
    assert.equal(scrape.value('confab_webhook_outbox_works'), 1);
    assert.equal(scrape.value('confab_webhook_outbox_waiting'), 0);
    assert.equal(scrape.value('confab_webhook_outbox_events'), 30);
  });

  await suite.check('kill -9 while an event is under way: it comes again with the same id and body [HOOK-10]', async () => {
    const receiver = await Receiver.make(suite);
    await receiver.come();
    receiver.holding = true;
    const folder = data_dir(suite);
    const first = await start_server(suite, config(receiver, folder));
    const [name] = await use_rooms(first, 1);
    await until(() => receiver.deliveries.length === 1, { what: 'the first event' });
    await until(async () => (await list(first)).length === 2, { what: 'both on disk' });
    await kill(first);
    receiver.holding = false;
    await start_server(suite, config(receiver, folder));
    await until(() => receiver.deliveries.some((one) => one.event.event === 'room_finished'), { what: 'both events' });
    const [before] = receiver.deliveries;
    const again = receiver.deliveries.find((one) => one.answered);
    const last = receiver.deliveries.at(-1);
    assert.deepEqual([again.body, again.sequence, again.event.id], [before.body, before.sequence, before.event.id]);
    assert.equal(last.event.event, 'room_finished');
    assert.deepEqual(receiver.story(name), kLife);
  });

  await suite.check('a server that stops keeps what its receiver does not take for the next start [HOOK-10] [CON-11]', async () => {
    const receiver = await Receiver.make(suite);
    const folder = data_dir(suite);
    const first = await start_server(suite, config(receiver, folder));
    const room = fresh_name('kept');
    await room_client(first).createRoom({ name: room });
    first.signal('SIGTERM');
    assert.equal((await first.ended).code, 0);
    assert.match(first.log, /webhooks wait for the next start events=2/);
    assert.doesNotMatch(first.log, /given up/);
    await receiver.come();
    const second = await start_server(suite, config(receiver, folder));
    await until(() => receiver.story(room).length === 2, { what: 'both events' });
    assert.deepEqual(receiver.story(room), kLife);
    assert.match(second.log, /webhooks of an earlier start are sent events=2/);
  });
}

async function address_checks(suite) {
  await suite.check('what waits for an address that is configured no more is kept, and sent where the operator says [HOOK-10] [HOOK-12] [SEC-10]', async () => {
    const [before, now] = [await Receiver.make(suite), await Receiver.make(suite)];
    const folder = data_dir(suite);
    const first = await start_server(suite, config(before, folder));
    const [name] = await use_rooms(first, 1);
    await until(async () => (await list(first)).length === 2, { what: 'both on disk' });
    await kill(first);
    await before.come();
    await now.come();
    const second = await start_server(suite, config(now, folder));
    assert.match(second.log, /webhooks wait for addresses that are not configured any more events=2/);
    const selection = { since_sequence: 1, url: before.url };
    assert.equal((await call(second, 'ReplayEvents', { selection, to_url: before.url })).code, 'invalid_argument');
    assert.equal((await call(second, 'ReplayEvents', { selection })).replayed, 0);
    assert.equal((await list(second, { states: ['WEBHOOK_PENDING'] })).length, 2);
    const reply = await call(second, 'ReplayEvents', { selection, to_url: now.url });
    assert.deepEqual([reply.replayed, reply.refused], [2, 0]);
    await until(() => now.deliveries.length === 2, { what: 'both events' });
    assert.deepEqual(now.story(name), kLife);
    assert.deepEqual(now.deliveries.map((one) => one.sequence), [1, 2]);
    assert.equal(before.deliveries.length, 0);
    await until(async () => (await list(second, { states: ['WEBHOOK_PENDING'] })).length === 0, { what: 'their marks' });
    const mode = (file) => fs.statSync(path.join(folder, file)).mode & 0o777;
    assert.deepEqual(['webhooks.db', 'webhooks.db-wal'].map(mode), [0o600, 0o600]);
  });
}

async function replay_checks(suite) {
  const receiver = await Receiver.make(suite);
  await receiver.come();
  const server = await start_server(suite, config(receiver, data_dir(suite)));
  const [name, other] = await use_rooms(server, 2);
  await until(async () => (await list(server, { states: ['WEBHOOK_DELIVERED'] })).length === 4, { what: 'four events' });
  const seen = receiver.deliveries.map((one) => ({ ...one }));

  await suite.check('ListEvents: every event with its state, by pages [HOOK-12]', async () => {
    const events = await list(server);
    assert.deepEqual(in_order(events.map((one) => Number(one.sequence))), [1, 2, 3, 4]);
    for (const one of events) {
      assert.deepEqual([one.state, one.url, one.status], ['WEBHOOK_DELIVERED', receiver.url, 200]);
      assert.ok(receiver.ids.has(one.id));
      assert.ok(Number(one.settled_at) >= Number(one.created_at) && Number(one.created_at) > 1e9);
    }
    assert.deepEqual((await list(server, { key: name })).map((one) => one.event), kLife);
    const pages = [];
    for (let after = '0', more = true; more; ) {
      const page = await call(server, 'ListEvents', { limit: 3, after });
      pages.push(page.events.length);
      after = page.next;
      more = after !== '0';
    }
    assert.deepEqual(pages, [3, 1]);
  });

  await suite.check('ReplayEvents: by id and since a sequence number; id, number and body as before [HOOK-12] [HOOK-11]', async () => {
    const one = seen.find((delivery) => delivery.event.room.name === other);
    const from = receiver.deliveries.length;
    const reply = await call(server, 'ReplayEvents', { selection: { ids: [one.event.id] } });
    assert.deepEqual([reply.status, reply.replayed, reply.refused], [200, 1, 0]);
    await until(() => receiver.deliveries.length === from + 1, { what: 'the replay' });
    const again = receiver.deliveries[from];
    assert.deepEqual([again.body, again.sequence], [one.body, one.sequence]);
    await until(async () => (await list(server, { states: ['WEBHOOK_PENDING'] })).length === 0, { what: 'its mark' });
    assert.equal((await call(server, 'ReplayEvents', { selection: { since_sequence: 3, url: receiver.url } })).replayed, 2);
    await until(() => receiver.deliveries.length === from + 3, { what: 'two more' });
    assert.deepEqual(in_order(receiver.deliveries.slice(from + 1).map((two) => two.sequence)), [3, 4]);
    assert.equal((await call(server, 'ReplayEvents', { selection: { ids: ['EV_unknown'] } })).replayed, 0);
    assert.equal(receiver.ids.size, 4);
  });

  await suite.check('Webhooks: refused without the grants of all rooms, or with senseless requests [HOOK-12] [API-W4]', async () => {
    for (const grant of [{}, { roomAdmin: true }, { roomList: true, roomCreate: true }, { ...kAdmin, room: name }])
      for (const method of ['ListEvents', 'ReplayEvents']) {
        const reply = await call(server, method, { selection: { since: 1 } }, grant);
        assert.deepEqual([reply.status, reply.code], [401, 'unauthenticated'], `${method} ${JSON.stringify(grant)}`);
        assert.equal(reply.events, undefined);
      }
    for (const [method, request] of [['ReplayEvents', {}], ['ListEvents', { limit: 1001 }], ['ReplayEvents', { selection: { since: -1 } }]])
      assert.equal((await call(server, method, request)).code, 'invalid_argument', JSON.stringify(request));
    assert.equal((await call(server, 'ListEvents', { limit: 1000 })).status, 200);
  });
}

async function folder_checks(suite) {
  const receiver = await Receiver.make(suite);
  await receiver.come();
  const delivers = async (server) => {
    const [name] = await use_rooms(server, 1);
    await until(() => receiver.story(name).length === 2, { what: () => `webhooks of ${name}` });
    assert.deepEqual(receiver.story(name), kLife);
    return receiver.deliveries.filter((one) => one.event.room.name === name);
  };

  await suite.check('a data_dir that cannot be written: log and metric say so, webhooks go on without it [HOOK-10]', async () => {
    const folder = data_dir(suite);
    fs.writeFileSync(path.join(folder, 'file'), 'no folder');
    const server = await start_server(suite, config(receiver, path.join(folder, 'file', 'data')));
    const deliveries = await delivers(server);
    assert.ok(deliveries.every((one) => Number.isNaN(one.sequence)));
    assert.match(server.log, /webhooks are kept in memory only.*confab\.data_dir/);
    assert.equal((await Scrape.of(server)).value('confab_webhook_outbox_works'), 0);
    assert.equal((await call(server, 'ListEvents')).code, 'failed_precondition');
  });

  await suite.check('a damaged outbox is set aside, and a new one begun [HOOK-10]', async () => {
    const folder = data_dir(suite);
    fs.writeFileSync(path.join(folder, 'webhooks.db'), 'z'.repeat(5000));
    const server = await start_server(suite, config(receiver, folder));
    assert.deepEqual((await delivers(server)).map((one) => one.sequence), [1, 2]);
    assert.match(server.log, /webhooks\.db: damaged, set aside as .*webhooks\.db\.damaged/);
    assert.equal(fs.readFileSync(path.join(folder, 'webhooks.db.damaged'), 'utf8')[0], 'z');
  });

  await suite.check('a disk that is full: webhooks go on in memory, log and metric say so [HOOK-10]', async () => {
    // A limit on the size of files is a full disk to the one who writes.
    const program = ['sh', '-c', 'trap "" XFSZ; ulimit -f 400; exec "$@"', 'sh'];
    const server = await start_server(suite, config(receiver, data_dir(suite)), { program });
    const failures = async () => (await Scrape.of(server)).value('confab_webhook_outbox_failures_total');
    for (let round = 0; round < 40 && !(await failures()); round += 1) await delivers(server);
    await until(failures, { what: 'a write that failed' });
    await delivers(server);
    assert.equal((await Scrape.of(server)).value('confab_webhook_outbox_works'), 0);
    assert.match(server.log, /webhooks are kept in memory only/);
  });
}

export async function webhook_outbox_checks(suite) {
  await restart_checks(suite);
  await address_checks(suite);
  await replay_checks(suite);
  await folder_checks(suite);
}
