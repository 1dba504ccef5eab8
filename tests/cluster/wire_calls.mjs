// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Calls on Redis as somebody else makes, serves and hears them, byte by byte (03 section 2).

import { createHash } from 'node:crypto';

import { RoomServiceClient } from 'livekit-server-sdk';

import { Worker } from '../agents/worker.mjs';
import { room_client, refused } from '../api/clients.mjs';
import { encode, envelope_of, escaped, Fields, nanoseconds, Peer } from '../lib/psrpc.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { RedisTap } from './redis_tap.mjs';

const kKeepalive = '0a25747970652e676f6f676c65617069732e636f6d2f7270632e4b656570616c69766550696e6712060880e2cfaa06';
const kQuietMillis = 700; // for what must not come

const lock_of = (payload) => createHash('sha256').update(payload).digest('base64');
const create = (node, name) => ({ on: `RoomManager|CreateRoom|${node.node}|REQ`, request: encode({ 1: name, 2: 60n }) });

// The bytes of a request as `peer` sends it, and who says that they would carry it out.
class Question {
  claims = [];
  answers = [];

  static async of(peer, service, { request, id = 'REQ_questionxxxx', age = 0, ...more }) {
    const question = new Question();
    const sent = Date.now() - age;
    const fields = { 1: id, 2: peer.client_id, 3: nanoseconds(sent), 4: nanoseconds(sent + 3000), 8: request, ...more };
    question.payload = envelope_of('internal.Request', encode(fields));
    const keep = (list) => (message) => { if (message.text(1) === id) list.push(message); };
    await peer.listen(`${service}|${peer.client_id}|CLAIM`, keep(question.claims));
    await peer.listen(`${service}|${peer.client_id}|RES`, keep(question.answers));
    return question;
  }
}

async function envelope_check(suite, nodes) {
  await suite.check('what is no request is dropped, and the node serves the next one, whose fields are known by their numbers [PSR-01] [PSR-02] [PSR-03]', async () => {
    const [node] = nodes.all;
    const peer = await Peer.start(suite, nodes.redis.port, 'bytesbytes01');
    const { on, request } = create(node, 'by-bytes');
    const good = await Question.of(peer, 'RoomManager', { request });
    const junk = [
      Buffer.from('no protobuf at all'), Buffer.alloc(0), Buffer.from([0xff, 0xff, 0xff]), good.payload.subarray(0, good.payload.length - 7),
      envelope_of('internal.NoSuchType', encode({ 1: 'x' })), envelope_of('internal.ClaimRequest', encode({ 1: 'REQ_x', 2: 'SRV_x', 3: { float: 1 } })),
      envelope_of('internal.Request', Buffer.from([0x0a, 0x7f, 0x01])), Buffer.alloc(3_000_000, 0x41),
    ];
    for (const payload of junk) await peer.commands.send('PUBLISH', on, payload);
    await sleep(kQuietMillis);
    assert.deepEqual([good.claims.length, good.answers.length], [0, 0]);
    const { answer, claims } = await peer.call('RoomManager', 'CreateRoom', request, { topic: node.node });
    assert.equal(claims, 1);
    const room = new Fields(answer);
    assert.match(room.text(1), /^RM_/);
    assert.deepEqual([room.text(2), room.number(3)], ['by-bytes', 60]);
    await room_client(node).deleteRoom('by-bytes');
    peer.end();
  });
}

async function ping_check(suite, nodes) {
  await suite.check('heartbeats have the bytes of others, and bring the record [PSR-07] [PSR-22] [RPC-22]', async () => {
    assert.equal(Buffer.from(envelope_of('rpc.KeepalivePing', encode({ 1: 1700000000n }))).toString('hex'), kKeepalive);
    const [{ node }] = nodes.all;
    const tap = await RedisTap.start(suite, nodes.redis.port);
    const pings = () => tap.published.filter(({ channel }) => channel === `Keepalive|Ping|${node}|REQ`);
    await until(() => pings().length >= 2, { what: 'two heartbeats' });
    const { payload } = pings().at(-1);
    const time = new Fields(new Fields(payload).bytes(2)).number(1);
    assert.ok(Math.abs(time - Date.now() / 1000) <= 3, `${time} is not now`);
    assert.deepEqual(payload, Buffer.from(envelope_of('rpc.KeepalivePing', encode({ 1: BigInt(time) }))));
    await until(() => tap.written.some(({ words }) => String(words[0]) === 'HSET' && String(words[1]) === 'nodes' && String(words[2]) === node), { what: 'its record' });
    tap.end();
  });
}

async function id_check(suite, nodes) {
  await suite.check('ids and channels of a call between two of ours, and of a room with odd letters [PSR-04] [PSR-06] [PSR-18]', async () => {
    const [holder, away] = nodes.all;
    const name = 'team room/é🚀_bob-1';
    const topic = 'teamu+0020roomu+002fu+00e9U+0001f680_bobu+002d1';
    assert.equal(escaped(name), topic);
    await room_client(holder).createRoom({ name, nodeId: holder.node, emptyTimeout: 60 });
    const tap = await RedisTap.start(suite, nodes.redis.port);
    await room_client(away).updateRoomMetadata(name, 'of a room with odd letters');
    const [asked] = await until(() => { const found = tap.published.filter(({ channel }) => channel === `Room|UpdateRoomMetadata|${topic}|REQ`); return found.length > 0 && found; }, { what: () => `the call, there are ${[...new Set(tap.published.map(({ channel }) => channel))]}` });
    const request = new Fields(new Fields(asked.payload).bytes(2));
    assert.match(request.text(1), /^REQ_[0-9A-Za-z]{12}$/);
    assert.match(request.text(2), /^CLI_[0-9A-Za-z]{12}$/);
    const replies = await until(() => { const found = tap.published.filter(({ channel }) => channel === `Room|${request.text(2)}|RES`); return found.length > 0 && found; }, { what: 'the answer' });
    assert.match(new Fields(new Fields(replies[0].payload).bytes(2)).text(2), /^SRV_[0-9A-Za-z]{12}$/);
    tap.end();
    await room_client(away).deleteRoom(name);
  });
}

async function lock_check(suite, nodes) {
  await suite.check("a request is carried out by who has its lock, once, and by nobody where somebody else has it [PSR-09] [RDS-20]", async () => {
    const [node] = nodes.all;
    const peer = await Peer.start(suite, nodes.redis.port, 'lockslocks01');
    const { on, request } = create(node, 'locked');
    const first = await Question.of(peer, 'RoomManager', { request, id: 'REQ_firstxxxxxxx' });
    for (let i = 0; i < 3; i += 1) await peer.commands.send('PUBLISH', on, first.payload);
    await until(() => first.claims.length > 0, { what: 'a claim' });
    const kept = Number(await peer.commands.send('PTTL', lock_of(first.payload)));
    assert.ok(kept > 0 && kept <= 5000, `its lock for ${kept} ms`);
    await sleep(kQuietMillis);
    assert.equal(first.claims.length, 1, 'who sends the same thrice is claimed once');
    const taken = await Question.of(peer, 'RoomManager', { request, id: 'REQ_takenxxxxxxx' });
    assert.equal(await peer.commands.send('SET', lock_of(taken.payload), '1', 'EX', '5', 'NX'), 'OK');
    await peer.commands.send('PUBLISH', on, taken.payload);
    await sleep(kQuietMillis);
    assert.deepEqual(taken.claims, [], 'somebody else has its lock');
    // What every node serves is carried out by one of them.
    for (let i = 0; i < 8; i += 1) {
      const { claims } = await peer.call('IOInfo', 'ListEgress', encode({ 1: `none-${i}` }));
      assert.equal(claims, 1);
    }
    peer.end();
  });
}

async function expiry_check(suite, nodes) {
  await suite.check('a request that comes after its end is dropped and counted [PSR-13]', async () => {
    const [node] = nodes.all;
    const expired = async () => Number((await (await fetch(`${node.http}/metrics`)).text()).match(/^livekit_psrpc_requests_expired_total\{.*service="RoomManager".*\} (\d+)$/m)?.[1] ?? 0);
    const before = await expired();
    const peer = await Peer.start(suite, nodes.redis.port, 'latelatelate');
    const { on, request } = create(node, 'late');
    const late = await Question.of(peer, 'RoomManager', { request, age: 4000 });
    await peer.commands.send('PUBLISH', on, late.payload);
    await until(async () => (await expired()) > before, { what: 'the count of what came too late' });
    assert.deepEqual(late.claims, []);
    assert.equal(nodes.redis.cli('HEXISTS', 'rooms', 'late'), '0');
    peer.end();
  });
}

async function multi_check(suite, nodes) {
  await suite.check('a question to all is answered by all, without claims [PSR-14] [RPC-06]', async () => {
    const peer = await Peer.start(suite, nodes.redis.port, 'allallallall');
    const question = await Question.of(peer, 'AgentInternal', { request: new Uint8Array(), 5: true });
    await peer.commands.send('PUBLISH', 'AgentInternal|CheckEnabled|REQ', question.payload);
    await until(() => question.answers.length === nodes.all.length, { what: () => `all answers, there are ${question.answers.length}` });
    assert.equal(new Set(question.answers.map((answer) => answer.text(2))).size, nodes.all.length);
    assert.deepEqual([question.claims.length, ...question.answers.map((answer) => answer.text(5))], [0, '', '']);
    peer.end();
  });
}

// Codes that services say, and what a client of the API is told of them (01 API-W3).
const kCodes = {
  canceled: [408, 'canceled'], malformed_request: [400, 'invalid_argument'], malformed_result: [500, 'internal'], deadline_exceeded: [408, 'deadline_exceeded'], unavailable: [503, 'unavailable'],
  unknown: [500, 'unknown'], invalid_argument: [400, 'invalid_argument'], not_found: [404, 'not_found'], not_acceptable: [500, 'unknown'], already_exists: [409, 'already_exists'],
  permission_denied: [403, 'permission_denied'], resource_exhausted: [429, 'resource_exhausted'], failed_precondition: [412, 'failed_precondition'], aborted: [409, 'aborted'], out_of_range: [400, 'out_of_range'],
  unimplemented: [501, 'unimplemented'], internal: [500, 'internal'], data_loss: [500, 'data_loss'], unauthenticated: [401, 'unauthenticated'], unprocessable_entity: [500, 'unknown'],
  upstream_server_error: [500, 'internal'], upstream_client_error: [400, 'invalid_argument'], 'of-nobody': [500, 'unknown'],
};

async function code_check(suite, nodes) {
  await suite.check('each code that a service may end a call with, as a client of the API sees it [PSR-18]', async () => {
    const [node] = nodes.all;
    const peer = await Peer.start(suite, nodes.redis.port, 'codescodes01');
    const asked = {};
    for (const code of Object.keys(kCodes)) {
      await peer.serve('Room', 'SendData', escaped(code), () => {
        asked[code] = (asked[code] ?? 0) + 1;
        throw { code, text: `it is ${code}` };
      });
    }
    for (const [code, [status, name]] of Object.entries(kCodes))
      await refused(room_client(node).sendData(code, new Uint8Array([1]), 0, {}), name, status, `it is ${code}`);
    // A retry is for what may be otherwise the next time (PSR-17).
    const again = (code) => ['deadline_exceeded', 'unavailable'].includes(code);
    for (const code of Object.keys(kCodes)) assert.equal(asked[code], again(code) ? 3 : 1, code);
    peer.end();
  }, { seconds: 60 });
}

async function retry_check(suite, nodes) {
  await suite.check('who claims and is slow is asked thrice, for 3, 5 and 7 s, each time anew; where nobody listens the call ends soon [PSR-12] [PSR-17]', async () => {
    const [node] = nodes.all;
    const tap = await RedisTap.start(suite, nodes.redis.port);
    const requests = (room) => tap.published.filter(({ channel }) => channel === `Room|SendData|${room}|REQ`).map(({ payload }) => new Fields(new Fields(payload).bytes(2)));
    const begin = Date.now();
    await refused(room_client(node).sendData('nobody', new Uint8Array([1]), 0, {}), 'unavailable', 503, 'no response from servers');
    assert.ok(Date.now() - begin < 6000, 'long before 3, 5 and 7 s are over');
    assert.ok(new Set(requests('nobody').map((one) => one.text(1))).size <= 3);
    const peer = await Peer.start(suite, nodes.redis.port, 'slowslowslow');
    await peer.serve('Room', 'SendData', 'slow', () => new Promise(() => {}));
    const patient = new RoomServiceClient(node.http, KEY, SECRET, { requestTimeout: 30 });
    await refused(patient.sendData('slow', new Uint8Array([1]), 0, {}), 'deadline_exceeded', 408);
    const asked = requests('slow');
    assert.deepEqual(asked.map((one) => Math.round(Number(one.all(4).at(-1) - one.all(3).at(-1)) / 1e9)), [3, 5, 7]);
    assert.equal(new Set(asked.map((one) => one.text(1))).size, 3, 'the ids of the requests');
    tap.end();
    peer.end();
  }, { seconds: 60 });
}

// RegisterWorkerRequest of each, and where jobs of rooms are then asked for.
const kWorkers = [
  [{}, 'AgentInternal|JobRequest|room|REQ'],
  [{ agentName: 'bot' }, 'AgentInternal|JobRequest|bot|room|REQ'],
  [{ namespace: 'space' }, 'AgentInternal|JobRequest|space|room|REQ'],
  [{ agentName: 'bot', namespace: 'space' }, 'AgentInternal|JobRequest|bot_space|room|REQ'],
  [{ agentName: 'bot-2' }, 'AgentInternal|JobRequest|botu+002d2|room|REQ'],
];

async function agent_check(suite, nodes) {
  await suite.check('jobs are asked for by the name and the namespace of a worker, until it leaves [RPC-32] [RPC-07] [PSR-06]', async () => {
    const [node] = nodes.all;
    const channels = () => nodes.redis.cli('PUBSUB', 'CHANNELS', 'AgentInternal|JobRequest|*').split('\n').filter(Boolean);
    for (const [registration, channel] of kWorkers) {
      const worker = await Worker.start(suite, node, registration);
      await until(() => channels().includes(channel), { what: () => `${channel}, there are ${channels()}` });
      worker.stop();
      await until(() => !channels().includes(channel), { what: () => `no ${channel} any more` });
    }
  });
}

export async function call_on_wire_checks(suite, nodes) {
  for (const check of [envelope_check, ping_check, id_check, lock_check, expiry_check, multi_check, code_check, retry_check, agent_check]) await check(suite, nodes);
}
