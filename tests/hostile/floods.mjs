// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Floods that the limits of confab.limits refuse, each from an address of loopback of its own beside
// a call that loses nothing. No address but kTrusted is trusted, and limits are low, so that few
// seconds of a flood reach them.

import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

import { RoomServiceClient, TwirpError } from 'livekit-server-sdk';

import { change, read_config } from '../lib/config_file.mjs';
import { Scrape } from '../lib/metrics.mjs';
import { free_port } from '../lib/ports.mjs';
import { resident } from '../lib/process_stats.mjs';
import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { TurnClient } from '../lib/turn_client.mjs';
import { until } from '../lib/wait.mjs';
import { call, is_taken, join, many, request, stun_flood, tally } from './flood_tools.mjs';
import { attack, Witness } from './witness.mjs';

const kTrusted = '127.0.0.9';
const kOther = { key: 'APIother', secret: 'the-secret-of-somebody-else-0123456789' };
// In a second; ten times as many at once.
const kLimits = {
  trusted: [`${kTrusted}/32`],
  connections: 10, requests: 5, websockets: 6, bad_tokens: 1,
  joins_of_identity: 1, joins_of_room: 3, joins_of_key: 10,
  calls_of_key: 3, calls_of_method: 2,
  signals: 20, stun: 10, turn_allocations: 1,
};
const kLost = 0.005; // of the frames of the call
const kMemory = 2 * 2 ** 20; // that may be left of 30 000 checks

const counted = async (server, layer) => (await Scrape.of(server)).value('confab_ratelimit_total', { layer }) ?? 0;

// A flood beside the call: it loses less than kLost, and the limit of that layer is counted.
function flood(place, layer, name, action, settings) {
  const { server, witness } = place;
  return attack(place, name, async () => {
    const [before, frames] = [await counted(server, layer), await witness.frames()];
    await action();
    await until(async () => (await counted(server, layer)) > before, { what: `confab_ratelimit_total of ${layer}` });
    await witness.lost_few(frames, kLost);
    console.log(`   ${(await counted(server, layer)) - before} counted as ${layer}`);
  }, settings);
}

// Seconds to wait, of an answer that refuses.
function retry_after({ headers, head }) {
  const value = Number(headers?.['retry-after'] ?? /retry-after: (\d+)/i.exec(head ?? '')?.[1]);
  assert.ok(value >= 1 && value <= 60, `Retry-After: ${value}`);
  return value;
}

// So many of `count` were let in at least, and the others refused with that status.
function assert_shares(statuses, { let_in, refused, least, most }) {
  const shares = tally(statuses);
  const passed = shares[let_in] ?? 0;
  assert.ok(passed >= least && passed <= most, `${passed} let in: ${JSON.stringify(shares)}`);
  assert.equal(passed + (shares[refused] ?? 0), statuses.length, JSON.stringify(shares));
  console.log(`   ${JSON.stringify(shares)}`);
}

async function connection_checks(place) {
  const { server } = place;
  await flood(place, 'connection', 'connections of one address are closed, others are taken [OPS-05]', async () => {
    const taken = await many(400, () => is_taken(server, '127.0.0.2'));
    assert_shares(taken, { let_in: true, refused: false, least: 100, most: 250 });
    assert.ok(await is_taken(server, '127.0.0.3'));
    assert.match(server.log, /a limit is reached.*too many connections from this address.*127\.0\.0\.2.*confab\.limits\.connections/);
    assert.equal(server.log.match(/too many connections from this address/g).length, 1, 'a flood of connections is none of lines');
  });

  await flood(place, 'request', 'requests to signalling of one address are 503 with Retry-After, whoever asks [OPS-05]', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    const validate = async () => request(server, { local: '127.0.0.4', path: `/rtc/validate?access_token=${place.token}`, agent });
    const replies = await many(120, validate);
    assert_shares(replies.map((one) => one.status), { let_in: 200, refused: 503, least: 50, most: 100 });
    const refused = replies.find((one) => one.status === 503);
    assert.match(refused.text, /^too many requests from this address, try again in \d+ s$/);
    retry_after(refused);
    assert.equal((await request(server, { local: '127.0.0.4', path: '/', agent })).status, 200);
    agent.destroy();
  });

  await flood(place, 'token', 'bad tokens of one address wait longer and longer, good ones are let in [OPS-05]', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    const bad = () => call(server, { local: '127.0.0.5', token: 'x.y.z', method: 'ListRooms', agent });
    const replies = await many(60, bad);
    assert_shares(replies.map((one) => one.status), { let_in: 401, refused: 429, least: 10, most: 40 });
    const refused = replies.filter((one) => one.status === 429);
    assert.match(refused[0].text, /^too many invalid tokens from this address/);
    assert.ok(retry_after(refused.at(-1)) > 30, 'the wait of the last one');
    const good = await request(server, { local: '127.0.0.5', path: `/rtc/validate?access_token=${place.token}`, agent });
    assert.equal(good.status, 200);
    agent.destroy();
  });
}

async function join_checks(place) {
  const { server } = place;
  await flood(place, 'join_identity', 'one identity that joins in a loop is 503, and validation says why [OPS-05] [CON-22]', async () => {
    const token = await join_token('loop', 'looper');
    const replies = await many(40, () => join(server, { local: '127.0.0.10', token }), { at_once: 4 });
    assert_shares(replies.map((one) => one.status), { let_in: 101, refused: 503, least: 10, most: 25 });
    const refused = replies.find((one) => one.status === 503);
    assert.match(refused.body, /^this participant joins too often, try again in \d+ s$/);
    retry_after(refused);
    const told = await request(server, { local: '127.0.0.10', path: `/rtc/validate?access_token=${token}` });
    assert.equal(told.status, 503);
  });

  await flood(place, 'join_room', 'a flood of new identities fills its own room alone [OPS-05]', async () => {
    // From several addresses, below what one of them may.
    const tokens = await Promise.all(Array.from({ length: 60 }, (_, i) => join_token('flooded', `new${i}`)));
    const replies = await many(60, (i) => join(server, { local: `127.0.1.${1 + (i % 4)}`, token: tokens[i] }), { at_once: 4 });
    assert_shares(replies.map((one) => one.status), { let_in: 101, refused: 503, least: 30, most: 50 });
    assert.equal((await join(server, { local: '127.0.1.9', token: await join_token('calm', 'guest') })).status, 101);
  });

  await flood(place, 'join_key', 'a flood with one API key leaves the joins of others as they are [OPS-05]', async () => {
    const tokens = await Promise.all(Array.from({ length: 180 }, (_, i) => join_token(`room${i}`, 'guest', kOther)));
    const replies = await many(180, (i) => join(server, { local: `127.0.2.${1 + (i % 8)}`, token: tokens[i] }), { at_once: 4 });
    assert_shares(replies.map((one) => one.status), { let_in: 101, refused: 503, least: 100, most: 170 });
    assert.match(replies.find((one) => one.status === 503).body, /^too many join with this API key now/);
    assert.equal((await join(server, { local: '127.0.2.9', token: await join_token('calm', 'guest2') })).status, 101);
  });

  await flood(place, 'websocket', 'WebSockets of one address that are open at once, until they close [OPS-05]', async () => {
    const local = '127.0.0.11';
    const open = (i) => SignalClient.ask(server, `open${i}`, 'guest', { local });
    const replies = await many(12, open, { at_once: 3 });
    assert.deepEqual(tally(replies.map((one) => one.status)), { 101: kLimits.websockets, 503: 12 - kLimits.websockets });
    for (const { client } of replies) client?.destroy();
    await until(async () => (await open(20)).status === 101, { every: 300, what: 'a place of those that have closed' });
  });
}

async function api_checks(place) {
  const { server } = place;
  await flood(place, 'api_method', 'calls of the API: resource_exhausted for that key, as the SDK says it [OPS-05] [API-W5]', async () => {
    const api = new RoomServiceClient(server.http, kOther.key, kOther.secret);
    const outcomes = await many(60, () => api.listRooms().then(() => 'ok', (error) => error), { at_once: 4 });
    const refused = outcomes.filter((one) => one !== 'ok');
    assert.ok(refused.length >= 20 && refused.length <= 40, `${refused.length} of 60 were refused`);
    assert.ok(refused.every((one) => one instanceof TwirpError && one.code === 'resource_exhausted' && one.status === 429));
    assert.match(refused[0].message, /^too many calls of this method with this API key, try again in \d+ s$/);
    const mine = new RoomServiceClient(server.http, KEY, SECRET);
    assert.ok((await mine.listRooms()).length > 0);
    const all = await many(30, (i) => api.updateRoomMetadata(`none${i}`, 'x').then(() => 'ok', (error) => error.code), { at_once: 2 });
    assert.ok(all.includes('resource_exhausted') && all.includes('not_found'), JSON.stringify(tally(all)));
    assert.ok((await counted(server, 'api_key')) > 0);
  });
}

async function media_checks(place) {
  const { server } = place;
  await flood(place, 'stun', 'checks that name nobody: no answer, no memory, no loss [OPS-05] [IMM-3]', async () => {
    const before = resident(server.pid);
    const told = await stun_flood(server, { local: '127.0.0.12', count: 30000 });
    assert.deepEqual(told, { sent: 30000, answers: 0 });
    assert.ok(resident(server.pid) - before < kMemory, `${resident(server.pid) - before} octets more`);
  });

  await flood(place, 'turn_allocation', 'TURN allocations of one address are 486, of others made [OPS-05] [SEC-03]', async () => {
    const user = await SignalClient.join(server, 'turn', 'user');
    const [credentials] = user.last.join.iceServers;
    const allocate = async (local) => {
      const client = await TurnClient.open('127.0.0.1', server.ports.turn, credentials, { local });
      const { error } = await client.allocate();
      if (error === 0) await client.refresh(0);
      client.close();
      return error;
    };
    const errors = await many(40, () => allocate('127.0.0.13'), { at_once: 4 });
    assert_shares(errors, { let_in: 0, refused: 486, least: 10, most: 20 });
    assert.equal(await allocate('127.0.0.14'), 0);
    await user.leave();
  });

  await flood(place, 'signal', 'signal messages beyond the limit wait in their connection, none is lost [OPS-05]', async () => {
    const client = await SignalClient.join(server, 'talker', 'talker', { local: '127.0.0.15' });
    const began = Date.now();
    const count = 260; // 200 at once, 20 a second
    for (let i = 1; i <= count; ++i) void client.send('pingReq', { timestamp: BigInt(i), rtt: 0n });
    await client.wait('pongResp', { count, timeout: 20000 });
    assert.equal(client.last.pongResp.lastPingTimestamp, BigInt(count));
    assert.ok(Date.now() - began >= 2800, `${count} messages in ${Date.now() - began} ms`);
    await client.leave();
  });
}

async function exemption_checks(place) {
  const { server, file } = place;
  await place.suite.check('a trusted address is not limited, and says for whom it asks [OPS-05] [SEC-07]', async () => {
    const refused = () => Promise.all(['request', 'connection'].map((layer) => counted(server, layer)));
    const before = await refused();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
    const path_ = `/rtc/validate?access_token=${place.token}`;
    const own = await many(150, () => request(server, { local: kTrusted, path: path_, agent }));
    assert.deepEqual(tally(own.map((one) => one.status)), { 200: 150 });
    assert.deepEqual(tally(await many(300, () => is_taken(server, kTrusted))), { true: 300 });
    assert.deepEqual(await refused(), before);
    // As a proxy: the limit is its client's, whatever that claims to be.
    const claims = (i) => ({ 'X-Forwarded-For': `198.51.100.${i % 200}, 203.0.113.1` });
    const proxied = await many(150, (i) => request(server, { local: kTrusted, path: path_, headers: claims(i), agent }));
    assert_shares(proxied.map((one) => one.status), { let_in: 200, refused: 503, least: 50, most: 110 });
    const another = { 'X-Forwarded-For': '203.0.113.1, 203.0.113.2' };
    assert.equal((await request(server, { local: kTrusted, path: path_, headers: another, agent })).status, 200);
    agent.destroy();
  }, { seconds: 60 });

  await place.suite.check('a reload changes limits under a call [OPS-05] [NODE-13]', async () => {
    const validate = () => request(server, { local: '127.0.0.20', path: `/rtc/validate?access_token=${place.token}` });
    const outcome = async () => tally((await many(60, validate, { at_once: 4 })).map((one) => one.status));
    assert.ok((await outcome())[503] > 0);
    const { confab } = read_config(file);
    const reload = async (limits, more = {}) => {
      const mark = server.log.length;
      change(file, { confab: { ...confab, ...more, limits: { ...kLimits, ...limits } } });
      server.signal('SIGHUP');
      await until(() => /configuration reloaded.*confab\.limits/.test(server.log.slice(mark)), { what: 'the reload' });
    };
    await reload({ requests: 0, connections: 0 });
    assert.deepEqual(await outcome(), { 200: 60 });
    const stun = await counted(server, 'stun');
    await reload({ stun: 0 }, { trusted_proxies: [`${kTrusted}/32`] });
    await stun_flood(server, { local: '127.0.0.21', count: 500 });
    assert.equal(await counted(server, 'stun'), stun);
    // Where proxies are named, participants show what they say (CON-08 has it otherwise).
    const room = 'behind';
    const headers = { 'X-Forwarded-For': '198.51.100.7, 203.0.113.8' };
    const client = await SignalClient.join(server, room, 'guest', { local: kTrusted, headers });
    await until(() => server.log.includes(`room="${room}"`), { what: 'its line' });
    assert.match(server.log, new RegExp(`signal connection.*room="?${room}"?.*address="?203\\.0\\.113\\.8"? `));
    client.destroy();
    await place.witness.fine();
  }, { seconds: 60 });
}

const suite = new Suite({ limit: 600 });
await suite.run(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-floods-'));
  suite.cleanup(() => fs.rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'config.yaml');
  const turn = await free_port();
  const server = await start_server(suite, {
    logging: { level: 'debug' },
    keys: { [KEY]: SECRET, [kOther.key]: kOther.secret },
    rtc: { enable_loopback_candidate: true },
    turn: { enabled: true, udp_port: turn, relay_range_start: 31000, relay_range_end: 31999 },
    confab: { metrics_enabled: true, watch_config: false, limits: kLimits },
  }, { file });
  server.ports.turn = turn;
  const place = { suite, server, file, token: await join_token('validated', 'guest') };
  await suite.check('a call is up', async () => {
    place.witness = await Witness.start(suite, server, 'witnessed');
  }, { needed: true, seconds: 60 });
  if (!place.witness) return;
  const frames = await place.witness.frames();
  await connection_checks(place);
  await join_checks(place);
  await api_checks(place);
  await media_checks(place);
  await exemption_checks(place);
  // A flood is over within a second, which few frames fall into.
  await suite.check('all floods together: the call loses less than a two-hundredth [OPS-05]', () => place.witness.lost_few(frames, kLost));
});
