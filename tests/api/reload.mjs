// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A new configuration while calls go on: by SIGHUP, and by a file that changes.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { RoomServiceClient } from 'livekit-server-sdk';

import { Worker, worker_token } from '../agents/worker.mjs';
import { change, read_config } from '../lib/config_file.mjs';
import { Scrape } from '../lib/metrics.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until, within } from '../lib/wait.mjs';
import { fresh_name, refused } from './clients.mjs';

const kNext = { key: 'APInext', secret: 'the-next-secret-of-this-node-0123456789' };

// Waits for a line of the log that comes after `action`.
async function told(server, line, action) {
  const from = server.log.length;
  await action();
  await until(() => line.test(server.log.slice(from)), { what: () => `${line} in ${server.log.slice(from)}` });
  return server.log.slice(from);
}

const status_of = async (server, key, secret) => {
  const token = await join_token('reloaded', 'somebody', { key, secret });
  return (await fetch(`${server.http}/rtc/validate?access_token=${token}`)).status;
};

async function signal_checks(suite, folder) {
  const file = path.join(folder, 'signal.yaml');
  const start = { confab: { control_threads: 2, watch_config: false, metrics_enabled: true } };
  const server = await start_server(suite, start, { file });
  const reload = (line) => told(server, line, () => server.signal('SIGHUP'));

  await suite.check('SIGHUP: new keys hold, old ones no more, who is inside stays [NODE-13] [TOK-02]', async () => {
    const room = fresh_name('reloaded');
    const alice = await Peer.join(suite, server, room, 'alice');
    assert.equal(await status_of(server, kNext.key, kNext.secret), 401);
    change(file, { keys: { [kNext.key]: kNext.secret } });
    assert.match(await reload(/configuration reloaded/), /changed="?keys/);
    assert.equal(await status_of(server, KEY, SECRET), 401);
    assert.equal(await status_of(server, kNext.key, kNext.secret), 200);
    const bob = await Peer.join(suite, server, room, 'bob', { token: await join_token(room, 'bob', kNext) });
    await alice.local.publishData(new TextEncoder().encode('still here'), { reliable: true });
    await until(() => bob.data.some((one) => one.text === 'still here'), { what: 'data' });
    await Promise.all([alice.leave(), bob.leave()]);
  });

  await suite.check('SIGHUP: a mistake in the file changes nothing, and is told with its line', async () => {
    const good = fs.readFileSync(file, 'utf8');
    fs.writeFileSync(file, `${good}limits: {num_tracks: 1}\n`.replace(kNext.secret, 'another-secret-nobody-may-read-0123456789'));
    const log = await reload(/is not reloaded, all stays as it was/);
    assert.match(log, /field limits not found/);
    assert.doesNotMatch(server.log, /another-secret|the-next-secret/);
    assert.equal(await status_of(server, kNext.key, kNext.secret), 200);
    fs.writeFileSync(file, good);
    const scrape = await Scrape.of(server);
    assert.equal(scrape.value('livekit_config_reload_total', { status: 'failure' }), 1);
    assert.equal(scrape.value('livekit_config_reload_total', { status: 'success' }), 1);
  });

  await suite.check('SIGHUP: agent workers of a key that is gone are cut, others stay [DSP-10]', async () => {
    const { keys } = read_config(file);
    change(file, { keys: { ...keys, [KEY]: SECRET } });
    await reload(/configuration reloaded/);
    const goes = await Worker.start(suite, server, { agentName: 'reloaded' });
    const stays = await Worker.start(suite, server, { agentName: 'reloaded' }, { token: await worker_token(kNext) });
    change(file, { keys });
    await reload(/configuration reloaded/);
    await within(5000, 'the end of the connection', goes.ws.closed);
    await new RoomServiceClient(server.http, kNext.key, kNext.secret).createRoom({ name: 'staffed', agents: [{ agentName: 'reloaded' }] });
    await stays.assigned('staffed');
    assert.equal(goes.offers.length, 0);
    stays.stop();
  });

  await suite.check('SIGHUP: rooms on every control thread begin with the new defaults, old ones keep theirs [ROOM-05]', async () => {
    const rooms = new RoomServiceClient(server.http, kNext.key, kNext.secret);
    const names = Array.from({ length: 8 }, () => fresh_name('defaults'));
    await rooms.createRoom({ name: names[0] });
    change(file, { room: { empty_timeout: 77 } });
    await reload(/configuration reloaded.*room\.empty_timeout/);
    for (const name of names.slice(1)) assert.equal((await rooms.createRoom({ name })).emptyTimeout, 77);
    assert.equal((await rooms.listRooms([names[0]]))[0].emptyTimeout, 300);
  });

  await suite.check('SIGHUP: what needs a restart is named, and has no effect', async () => {
    const before = fs.readFileSync(file, 'utf8');
    change(file, { rtc: { ...read_config(file).rtc, tcp_port: 1 }, logging: { level: 'debug' } });
    const log = await reload(/need a restart/);
    assert.match(log, /settings="?rtc\.tcp_port/);
    assert.match(log, /changed="?logging\.level/);
    const alice = await Peer.join(suite, server, 'after', 'alice', { token: await join_token('after', 'alice', kNext) });
    await alice.leave();
    fs.writeFileSync(file, before);
    await reload(/configuration reloaded.*logging\.level/);
  });
  await server.stop();
}

async function watch_checks(suite, folder) {
  await suite.check('files are watched: limits, and a key file that is exchanged for another [CFG-02] [ROOM-07]', async () => {
    const file = path.join(folder, 'watched.yaml');
    const key_file = path.join(folder, 'keys.yaml');
    const write_keys = (name, { key, secret }) => fs.writeFileSync(path.join(folder, name), `${key}: ${secret}\n`, { mode: 0o600 });
    write_keys('keys.yaml', { key: KEY, secret: SECRET });
    const server = await start_server(suite, { key_file, keys: {} }, { file });
    const old = new RoomServiceClient(server.http, KEY, SECRET);
    await old.createRoom({ name: 'twelve-bytes' });
    await told(server, /configuration reloaded.*limit\.max_room_name_length/, () => change(file, { limit: { max_room_name_length: 10 } }));
    await refused(old.createRoom({ name: 'twelve-bytes' }), 'invalid_argument', 400, 'max length 10');

    write_keys('keys.next', kNext);
    await told(server, /configuration reloaded.*keys/, () => fs.renameSync(path.join(folder, 'keys.next'), key_file));
    assert.equal(await status_of(server, KEY, SECRET), 401);
    assert.equal(await status_of(server, kNext.key, kNext.secret), 200);

    // Readable by everybody: refused as at the start, the last keys go on.
    await told(server, /is not reloaded.*others permissions/, () => {
      write_keys('keys.open', { key: KEY, secret: SECRET });
      fs.chmodSync(path.join(folder, 'keys.open'), 0o644);
      fs.renameSync(path.join(folder, 'keys.open'), key_file);
    });
    assert.equal(await status_of(server, kNext.key, kNext.secret), 200);
    await server.stop();
  });
}

export async function reload_checks(suite) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-reload-'));
  suite.cleanup(() => fs.rmSync(folder, { recursive: true }));
  await signal_checks(suite, folder);
  await watch_checks(suite, folder);
}
