// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Whose events webhooks tell of, and who may list them and have them sent again.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name } from './clients.mjs';
import { acme, acme_too, globex, keys, operator, tenants } from './tenant_clients.mjs';
import { WebhookSink } from './webhook_sink.mjs';

const decoded = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());

async function call(server, party, method, request) {
  const token = party.mint({ roomAdmin: true, roomList: true });
  const reply = await fetch(`${server.http}/twirp/confab.Webhooks/${method}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(request),
  });
  return reply.json();
}
// "acme room_started", in order.
async function listed(server, party, selection = {}) {
  const { events } = await call(server, party, 'ListEvents', { selection, limit: 1000 });
  return events.map((one) => `${one.tenant || '-'} ${one.key}`);
}

async function operator_checks(suite) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-tenants-'));
  suite.cleanup(() => fs.rmSync(folder, { recursive: true, force: true }));
  const sink = await WebhookSink.start(suite);
  const webhook = { urls: [sink.url], api_key: operator.key };
  const server = await start_server(suite, { keys, webhook, confab: { tenants, data_dir: folder, control_threads: 2 } });
  const name = fresh_name('told');

  await suite.check("an operator's webhook tells of all rooms, and signs whose each is [TEN-10] [HOOK-05]", async () => {
    for (const party of [acme, globex, operator]) await party.rooms(server).createRoom({ name });
    await until(() => sink.of_room(name).length === 3, { what: 'three events' });
    const whose = sink.of_room(name).map(({ headers }) => {
      const signed = decoded(headers.authorization).attributes?.['confab.tenant'];
      assert.equal(signed, headers['x-confab-tenant']);
      return signed ?? '-';
    });
    assert.deepEqual(whose.sort(), ['-', 'acme', 'globex']);
    for (const { body } of sink.of_room(name)) assert.doesNotMatch(body, /acme|globex|\\u001f/);
  });

  await suite.check('the outbox lists and replays the events of the tenant that asks [TEN-10] [HOOK-12]', async () => {
    await until(async () => (await listed(server, operator, { states: ['WEBHOOK_DELIVERED'] })).length === 3, { what: 'all to be marked' });
    assert.deepEqual((await listed(server, operator)).sort(), [`- ${name}`, `acme ${name}`, `globex ${name}`]);
    assert.deepEqual(await listed(server, acme_too), [`acme ${name}`]);
    assert.deepEqual(await listed(server, globex, { key: name }), [`globex ${name}`]);
    // Whatever it asks for.
    assert.deepEqual(await listed(server, globex, { tenant: 'acme' }), [`globex ${name}`]);
    assert.deepEqual(await listed(server, operator, { key: name }), [`- ${name}`]);
    assert.deepEqual(await listed(server, operator, { tenant: 'acme' }), [`acme ${name}`]);
    const ids = sink.of_room(name).map(({ event }) => event.id);
    const { replayed } = await call(server, globex, 'ReplayEvents', { selection: { ids } });
    assert.equal(replayed, 1);
    await until(() => sink.of_room(name).length === 4, { what: 'the replay' });
    assert.equal(sink.of_room(name)[3].headers['x-confab-tenant'], 'globex');
  });
  await server.stop();
}

export async function tenant_webhook_checks(suite) {
  await operator_checks(suite);
  await suite.check("a tenant's webhook tells of the tenant's rooms alone [TEN-10]", async () => {
    const sink = await WebhookSink.start(suite, acme);
    const server = await start_server(suite, { keys, webhook: { urls: [sink.url], api_key: acme.key }, confab: { tenants } });
    const [first, last] = [fresh_name('mine'), fresh_name('mine')];
    await acme_too.rooms(server).createRoom({ name: first });
    for (const party of [globex, operator]) await party.rooms(server).createRoom({ name: fresh_name('not-mine') });
    await acme.rooms(server).createRoom({ name: last });
    await sink.event(last, 'room_started');
    await server.stop(); // which delivers what waits
    assert.deepEqual([...new Set(sink.deliveries.map(({ event }) => event?.room.name))].sort(), [first, last]);
  });
}
