// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What the console keeps: joins that were refused, sessions, events, series, webhooks; over restarts
// and a file that is damaged.

import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

import { SignalClient } from '../lib/signal_client.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { kOperator, Visitor } from './visitor.mjs';

async function refused_join(server, token) {
  const url = `${server.http}/rtc?protocol=16&access_token=${token}`;
  const { hostname, port, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const asked = http.request({ hostname, port, path: pathname + search, headers: { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' } });
    asked.on('response', (reply) => (reply.resume(), resolve(reply.statusCode)));
    asked.on('upgrade', (reply, socket) => (socket.destroy(), resolve(reply.statusCode)));
    asked.on('error', reject);
    asked.end();
  });
}

export async function funnel_checks(suite, server, visitor) {
  await suite.check('funnel: joins that are refused are counted by their reasons, and noted', async () => {
    const count = (view, reason) => view.joins.refused.find((one) => one.reason.startsWith(reason))?.count ?? 0;
    const before = await visitor.get('overview');
    assert.equal(await refused_join(server, 'a.b.c'), 401);
    assert.equal(await refused_join(server, await join_token('r', 'eve', { secret: 'another-secret-of-thirty-two-characters' })), 401);
    assert.equal(await refused_join(server, await join_token('r', 'eve', { grant: { roomJoin: false } })), 401);
    await visitor.call('RoomService/CreateRoom', { name: 'full', max_participants: 1 });
    const first = await SignalClient.join(server, 'full', 'first');
    assert.equal(await refused_join(server, await join_token('full', 'second')), 403);
    await first.leave();
    const after = await visitor.get('overview');
    for (const reason of ['token signature is invalid', 'permissions denied', 'the room is full'])
      assert.equal(count(after, reason), count(before, reason) + 1, reason);
    assert.ok(after.joins.attempted >= before.joins.attempted + 4);
    const { events } = await visitor.get('events?kind=join_refused');
    assert.ok(events.some(({ room, identity, text }) => room === 'full' && identity === 'second' && text.startsWith('the room is full')), JSON.stringify(events));
  });

  await suite.check('funnel: joins over a limit are among those that are refused [OPS-05]', async () => {
    const limits = { joins_of_identity: 1, trusted: ['192.0.2.1/32'] };
    const limited = await start_server(suite, { confab: { console_password: kOperator, limits } });
    const looker = await Visitor.signed_in(limited, { password: kOperator });
    const codes = [];
    for (let i = 0; i < 15; ++i) codes.push(await refused_join(limited, await join_token('r', 'eve', { grant: { roomJoin: true } })));
    const refused = codes.filter((code) => code === 503).length;
    assert.ok(refused > 0, `${codes}`);
    const { joins } = await looker.get('overview');
    assert.equal(joins.refused.find(({ reason }) => reason === 'this participant joins too often')?.count, refused, JSON.stringify(joins.refused));
    await limited.stop();
  });
}

export async function history_checks(suite) {
  const new_folder = () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'console-'));
    suite.cleanup(() => fs.rmSync(folder, { recursive: true, force: true }));
    return folder;
  };
  const start = (folder) => start_server(suite, { confab: { console_password: kOperator, data_dir: folder } });
  const enter = (server) => Visitor.signed_in(server, { password: kOperator });

  await suite.check('history: sessions, events and minutes are there after a restart', async () => {
    const folder = new_folder();
    const server = await start(folder);
    const visitor = await enter(server);
    const alice = await Peer.join(suite, server, 'kept', 'alice', { number: 1 });
    await alice.publish_tone();
    const { sid } = alice.local;
    const joined = await visitor.eventually('sessions?room=kept', ({ total }) => total === 1, 'a session');
    assert.equal(joined.sessions[0].left_at, null);
    // A minute of the node is kept once it is over; one in which she came may have been over before her quality was known.
    const at_of = ({ series }) => series.participants.findIndex((value, i) => value === 1 && series.quality[i] !== null);
    const minute = (history) => at_of(history) >= 0;
    await visitor.eventually(`history?from=${Date.now() - 600e3}&points=60`, minute, 'a minute with one participant', 75000);
    await alice.leave();
    const { sessions: [left] } = await visitor.eventually('sessions?room=kept', ({ sessions }) => sessions[0].left_at !== null, 'the end of the session');
    assert.deepEqual([left.identity, left.sid, left.path, left.sdk, left.reason], ['alice', sid, 'udp', 'node', 'CLIENT_INITIATED']);
    assert.ok(left.quality > 3);
    const cookie = visitor.cookie;
    await server.stop();

    const again = await start(folder);
    const later = new Visitor(again);
    later.cookie = cookie; // sessions outlive the process
    assert.deepEqual((await later.get('sessions?identity=alice')).sessions, [left]);
    const kinds = (await later.get('events')).events.map(({ kind }) => kind);
    for (const kind of ['server_started', 'server_stopped', 'room_started', 'participant_joined', 'participant_left', 'signed_in']) assert.ok(kinds.includes(kind), kind);
    const kept = await later.get(`history?from=${Date.now() - 600e3}&points=60`);
    assert.ok(minute(kept));
    const at = at_of(kept);
    assert.ok(kept.series.bytes_in[at] > 100, `${kept.series.bytes_in[at]} bytes a second`);
    assert.ok(kept.series.bytes_out[at] < kept.series.bytes_in[at], `${kept.series.bytes_out[at]} bytes a second for nobody`);
    assert.ok(kept.series.joins.some((value) => value === 1));
    assert.ok(kept.series.quality[at] > 3);
    assert.ok(kept.series.participants.includes(null));
    await again.stop();
  }, { seconds: 120 });

  await suite.check('sign-in: who signed out stays so after a restart', async () => {
    const folder = new_folder();
    const first = await start(folder);
    const [left, stayed] = [await enter(first), await enter(first)];
    const cookie = left.cookie;
    assert.equal((await left.ask('DELETE', 'session')).status, 200);
    await first.stop();
    assert.equal(fs.statSync(path.join(folder, 'console-signed-out')).mode & 0o777, 0o600);
    const again = await start(folder);
    const ask = async (kept) => (await Object.assign(new Visitor(again), { cookie: kept }).ask('GET', 'overview')).status;
    assert.deepEqual([await ask(cookie), await ask(stayed.cookie)], [401, 200]);
    await again.stop();
  }, { seconds: 40 });

  await suite.check('history: a damaged file is set aside, told, and begun anew', async () => {
    const folder = new_folder();
    const file = path.join(folder, 'history.db');
    fs.writeFileSync(file, Buffer.alloc(20000, 'x'));
    const server = await start(folder);
    assert.match(server.log, /history of the console is begun anew.*history\.db\.set-aside.*damaged/);
    const visitor = await enter(server);
    assert.equal((await visitor.get('sessions')).total, 0);
    assert.ok((await visitor.get('events')).events.length > 0);
    assert.equal(fs.readFileSync(`${file}.set-aside`).length, 20000);
    assert.equal((await visitor.get('overview')).history, '');
    await server.stop();
  });
}

export async function webhook_checks(suite) {
  await suite.check('webhooks: deliveries, newest first, and sent again', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'console-'));
    suite.cleanup(() => fs.rmSync(folder, { recursive: true, force: true }));
    const got = [];
    let status = 200;
    const receiver = http.createServer((request, response) => {
      let body = '';
      request.on('data', (text) => (body += text)).on('end', () => {
        got.push({ ...JSON.parse(body), path: request.url });
        response.writeHead(status).end();
      });
    });
    await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    suite.cleanup(() => receiver.close());
    const urls = ['/hook', '/other'].map((path) => `http://127.0.0.1:${receiver.address().port}${path}`);
    const server = await start_server(suite, { confab: { console_password: kOperator, data_dir: folder }, webhook: { api_key: 'testkey', urls } });
    const visitor = await Visitor.signed_in(server, { password: kOperator });
    await visitor.call('RoomService/CreateRoom', { name: 'hooked' });
    await visitor.call('RoomService/DeleteRoom', { room: 'hooked' });
    const settled = ({ deliveries }) => deliveries.length === 4 && deliveries.every(({ status }) => status === 'delivered');
    const { deliveries } = await visitor.eventually('webhooks', settled, 'two deliveries to each');
    const to = (url) => deliveries.filter((one) => one.url === url);
    for (const url of urls) assert.deepEqual(to(url).map(({ event, room, error }) => [event, room, error]), [['room_finished', 'hooked', ''], ['room_started', 'hooked', '']]);
    const { id } = to(urls[1])[1];
    const sent = (path) => got.filter((event) => event.id === id && event.path === path).length;
    // To one of its receivers, or to all.
    assert.deepEqual((await visitor.ask('POST', 'webhooks/replay', { id, url: urls[1] })).json, { replayed: 1 });
    await visitor.eventually('webhooks', () => sent('/other') === 2, 'the event once more');
    assert.equal(sent('/hook'), 1);
    assert.deepEqual((await visitor.ask('POST', 'webhooks/replay', { id })).json, { replayed: 2 });
    await visitor.eventually('webhooks', () => sent('/hook') === 2 && sent('/other') === 3, 'the event once more for each');
    assert.equal((await visitor.ask('POST', 'webhooks/replay', { id: 'EV_nothing' })).status, 404);
    assert.ok((await visitor.get('events?kind=action')).events.some(({ text }) => text === `webhook sent again: ${id}`));
    // What is given up says so, and waits no more.
    status = 501;
    await visitor.call('RoomService/CreateRoom', { name: 'never' });
    const never = ({ deliveries: all }) => all.filter(({ room }) => room === 'never');
    const given_up = await visitor.eventually('webhooks', (page) => never(page).length === 2 && never(page).every(({ attempts }) => attempts > 0), 'deliveries that were given up');
    for (const one of never(given_up)) assert.deepEqual([one.status, one.error], ['failed', 'HTTP 501']);
    status = 503;
    await visitor.call('RoomService/CreateRoom', { name: 'late' });
    const late = ({ deliveries: all }) => all.filter(({ room }) => room === 'late');
    const refused = await visitor.eventually('webhooks', (page) => late(page).length === 2 && late(page).every(({ attempts }) => attempts > 0), 'deliveries that were refused');
    for (const one of late(refused)) assert.deepEqual([one.status, one.error], ['waiting', 'HTTP 503']);
    status = 200;
    await visitor.eventually('webhooks', (page) => late(page).every((one) => one.status === 'delivered'), 'their delivery');
    await server.stop();
  }, { seconds: 60 });
}
