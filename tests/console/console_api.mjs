// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The interface of the console at a real server, with two participants.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { RoomServiceClient } from 'livekit-server-sdk';

import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { live_checks } from './live.mjs';
import { funnel_checks, history_checks, webhook_checks } from './past.mjs';
import { sign_in_checks } from './sign_in.mjs';
import { kOperator, kViewer, Visitor } from './visitor.mjs';

const kSecrets = { turn: 'turn-shared-secret', hook: 'hook-password', tree: 'storage-secret' };
const kRooms = 2000;

async function config_checks(suite) {
  await suite.check('config: as effective, and no secret in it', async () => {
    const server = await start_server(suite, {
      confab: { console_password: kOperator, console_viewer_password: kViewer },
      rtc: { turn_servers: [{ host: 'turn.example', port: 3478, protocol: 'udp', secret: kSecrets.turn }] },
      room: { departure_timeout: 21, room_configurations: { p: { egress: { room: { roomName: 'p', fileOutputs: [{ filepath: 'x', s3: { secret: kSecrets.tree } }] } } } } },
      webhook: { api_key: KEY, urls: [`http://127.0.0.1:9/hook?token=${kSecrets.hook}`] },
    });
    const viewer = await Visitor.signed_in(server, { password: kViewer });
    const { options } = await viewer.get('config');
    const text = JSON.stringify(options);
    for (const secret of [SECRET, kOperator, kViewer, ...Object.values(kSecrets)]) assert.ok(!text.includes(secret), secret);
    const value = (name) => options.find((one) => one.name === name);
    assert.deepEqual([value('room.departure_timeout').value, value('room.departure_timeout').default], ['21', false]);
    assert.equal(value('keys').value, '(set)');
    assert.equal(value('confab.console_password').value, '(set)');
    assert.equal(value('room.empty_timeout').default, true);
    assert.match(value('webhook.urls').value, /127\.0\.0\.1:9/);
    await server.stop();
  });
}

async function reload_checks(suite) {
  await suite.check('reload: another password ends sessions of the first', async () => {
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'console-')), 'confab.yaml');
    suite.cleanup(() => fs.rmSync(path.dirname(file), { recursive: true, force: true }));
    const server = await start_server(suite, { confab: { console_password: kOperator } }, { file });
    const visitor = await Visitor.signed_in(server, { password: kOperator });
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(kOperator, 'another-word'));
    server.signal('SIGHUP');
    await until(async () => (await visitor.ask('GET', 'overview')).status === 401, { timeout: 10000, what: () => 'the end of the session' });
    await Visitor.signed_in(server, { password: 'another-word' });
    await server.stop();
  });
}

async function many_checks(suite, server, visitor) {
  await suite.check(`many: ${kRooms} rooms are listed, searched and sorted`, async () => {
    const rooms = new RoomServiceClient(server.http, KEY, SECRET);
    const before = (await visitor.get('rooms?limit=1')).total;
    for (let from = 0; from < kRooms; from += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, i) => rooms.createRoom({ name: `many-${String(from + i).padStart(4, '0')}`, metadata: 'some words of metadata' })));
    }
    const took = [];
    let all;
    for (let round = 0; round < 5; ++round) {
      const begin = performance.now();
      all = await visitor.get(`rooms?limit=${kRooms}&search=many-&sort=name&order=desc`);
      took.push(performance.now() - begin);
    }
    console.log(`  a list of ${kRooms} rooms took ${Math.min(...took).toFixed(1)} ms at best, ${Math.max(...took).toFixed(1)} ms at worst`);
    assert.equal(all.total, kRooms);
    assert.equal(all.rooms.length, kRooms);
    assert.equal(all.rooms[0].name, 'many-1999');
    const page = await visitor.get('rooms?search=MANY-19&offset=90&limit=20');
    assert.deepEqual([page.total, page.rooms.length, page.rooms[0].name], [100, 10, 'many-1990']);
    assert.equal((await visitor.get('overview')).totals.rooms, before + kRooms);
  }, { seconds: 120 });
}

const suite = new Suite({ limit: 400 });
await suite.run(async () => {
  const server = await start_server(suite, { confab: { console_password: kOperator, console_viewer_password: kViewer } });
  await sign_in_checks(suite, server);
  const visitor = await Visitor.signed_in(server, { password: kOperator });
  await live_checks(suite, server, visitor);
  await funnel_checks(suite, server, visitor);
  await config_checks(suite);
  await reload_checks(suite);
  await webhook_checks(suite);
  await history_checks(suite);
  await many_checks(suite, server, visitor);
});
