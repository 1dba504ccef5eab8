// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Webhooks of many rooms at once to a receiver that takes its time, and at the end of the server.

import http from 'node:http';

import { KEY, start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name, room_client } from './clients.mjs';

const kRooms = 300; // more than may be under way
const kAnswerMillis = 100;

// Counts events and connections; answers each after a while, or never once `silent`.
class SlowSink {
  counts = new Map();
  connections = 0;
  silent = false;

  static async start(suite) {
    const sink = new SlowSink();
    const server = http.createServer((request, response) => sink.#take(request, response));
    server.keepAliveTimeout = 60000;
    server.on('connection', () => (sink.connections += 1));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    sink.url = `http://127.0.0.1:${server.address().port}/`;
    suite.cleanup(() => {
      server.closeAllConnections?.();
      server.close();
    });
    return sink;
  }

  count(event) {
    return this.counts.get(event) ?? 0;
  }

  async #take(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (this.silent) return;
    const { event } = JSON.parse(Buffer.concat(chunks));
    setTimeout(() => {
      this.counts.set(event, this.count(event) + 1);
      response.writeHead(200).end();
    }, kAnswerMillis);
  }
}

async function create_rooms(server, count) {
  const rooms = room_client(server);
  const names = Array.from({ length: count }, () => fresh_name('flood'));
  await Promise.all(names.map((name) => rooms.createRoom({ name })));
}

export async function webhook_flood_checks(suite) {
  await suite.check('webhooks of 300 rooms wait their turn, over few connections, and none is lost at the end [HOOK-06] [HOOK-07] [CON-11]', async () => {
    const sink = await SlowSink.start(suite);
    const server = await start_server(suite, { webhook: { urls: [sink.url], api_key: KEY } });
    await create_rooms(server, kRooms);
    await until(() => sink.count('room_started') === kRooms, { what: () => `${sink.count('room_started')} events` });
    server.signal('SIGTERM');
    assert.equal((await server.ended).code, 0);
    assert.equal(sink.count('room_finished'), kRooms);
    assert.doesNotMatch(server.log, /webhook/i);
    assert.ok(sink.connections <= 64, `${sink.connections} connections`);
  });

  await suite.check('a receiver that is silent does not keep the server; what was given up is in the log [HOOK-07] [CON-11]', async () => {
    const sink = await SlowSink.start(suite);
    const server = await start_server(suite, {
      webhook: { urls: [sink.url], api_key: KEY },
      confab: { webhook_flush_timeout: '500ms' },
    });
    await create_rooms(server, 3);
    await until(() => sink.count('room_started') === 3);
    sink.silent = true;
    server.signal('SIGTERM');
    assert.equal((await server.ended).code, 0);
    assert.match(server.log, /webhooks given up at the end.*room_finished 3/);
  });
}
