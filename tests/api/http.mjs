// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The HTTP under the APIs, byte for byte as SDKs in other languages look at it.

import dgram from 'node:dgram';

import { AccessToken, RoomServiceClient, WebhookReceiver } from 'livekit-server-sdk';

import { free_port } from '../lib/ports.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name, refused } from './clients.mjs';
import { exchange } from './requests.mjs';

async function bearer(grant) {
  const token = new AccessToken(KEY, SECRET, { identity: 'caller', ttl: 60 });
  token.addGrant(grant);
  return `Bearer ${await token.toJwt()}`;
}

async function post(url, grant, body) {
  return fetch(url, {
    method: 'POST',
    headers: { Authorization: await bearer(grant), 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    redirect: 'manual',
  });
}

export async function http_checks(suite, server, sink) {
  await host_checks(suite, server);
  await answer_checks(suite, server);
  await route_checks(suite, server);
  await metrics_checks(suite);
  await address_checks(suite);
  await receiver_checks(suite, server, sink);
}

async function host_checks(suite, server) {
  await suite.check('ws:// hosts, paths and trailing slashes in a host reach the API [SDK-01] [CON-04]', async () => {
    const name = fresh_name('hosted');
    for (const host of [server.http, server.ws, `${server.http}/`, `${server.ws}/some/path`]) {
      const rooms = new RoomServiceClient(host, KEY, SECRET);
      assert.equal((await rooms.createRoom({ name })).name, name, host);
    }
    // What an SDK makes that only appends: served without a redirect, so that POST stays POST.
    const twice = await post(`${server.http}//twirp/livekit.RoomService/ListRooms`, { roomList: true }, {});
    assert.equal(twice.status, 200);
    const kept = await post(`${server.http}/some/path/twirp/livekit.RoomService/ListRooms`, { roomList: true }, {});
    assert.equal(kept.status, 404);
  });
}

const kAdmin = (room) => ({ roomAdmin: true, room });

async function answer_checks(suite, server) {
  await suite.check('success is exactly 200 with exactly application/json [SDK-02] [SDK-03]', async () => {
    const room = fresh_name('exact');
    const calls = [
      ['CreateRoom', { roomCreate: true }, { name: room }],
      ['ListRooms', { roomList: true }, {}],
      ['ListParticipants', kAdmin(room), { room }],
      ['UpdateRoomMetadata', kAdmin(room), { room, metadata: 'm' }],
      ['SendData', kAdmin(room), { room, data: 'AA==' }],
      ['DeleteRoom', { roomCreate: true }, { room }],
    ];
    for (const [method, grant, body] of calls) {
      const reply = await post(`${server.http}/twirp/livekit.RoomService/${method}`, grant, body);
      const type = reply.headers.get('content-type');
      assert.equal(`${method} ${reply.status} ${type}`, `${method} 200 application/json`);
      assert.equal(typeof (await reply.json()), 'object');
    }
    const empty = await fetch(`${server.http}/twirp/livekit.RoomService/ListRooms`, {
      method: 'POST',
      headers: { Authorization: await bearer({ roomList: true }), 'Content-Type': 'application/protobuf' },
      body: '',
    });
    assert.equal(`${empty.status} ${empty.headers.get('content-type')}`, '200 application/protobuf');
  });

  await suite.check('errors are JSON with code and msg, whatever was asked [SDK-03] [API-W3]', async () => {
    const path = `${server.http}/twirp/livekit.RoomService`;
    const broken = {
      'not found': await post(`${path}/GetParticipant`, kAdmin('nowhere'), { room: 'nowhere', identity: 'x' }),
      'no grant': await post(`${path}/ListRooms`, { roomJoin: true }, {}),
      'bad argument': await post(`${path}/CreateRoom`, { roomCreate: true }, { name: 'n'.repeat(300) }),
      'no method': await post(`${path}/Nothing`, { roomList: true }, {}),
      'no json': await post(`${path}/ListRooms`, { roomList: true }, 5),
      'not implemented': await post(`${path}/MoveParticipant`, { ...kAdmin('a'), destinationRoom: 'b' }, {
        room: 'a', identity: 'x', destination_room: 'b',
      }),
    };
    for (const [what, reply] of Object.entries(broken)) {
      assert.ok(reply.status >= 400, `${what}: ${reply.status}`);
      assert.equal(reply.headers.get('content-type'), 'application/json', what);
      const error = await reply.json();
      assert.ok(typeof error.code === 'string' && error.code !== '', what);
      assert.ok(typeof error.msg === 'string' && error.msg !== '', what);
    }
    // The SDK keeps code and text, which it does for that very Content-Type only.
    const rooms = new RoomServiceClient(server.http, KEY, SECRET);
    await refused(rooms.getParticipant('nowhere', 'x'), 'not_found', 404, 'participant does not exist');
  });
}

async function route_checks(suite, server) {
  await suite.check('the root is healthy; signal paths without upgrade are 404 without a body [CON-06] [CON-30]', async () => {
    for (const method of ['GET', 'HEAD', 'POST']) {
      const reply = await fetch(`${server.http}/`, { method });
      assert.equal(reply.status, 200, method);
      if (method === 'GET') assert.equal(await reply.text(), 'OK');
    }
    for (const path of ['/rtc', '/rtc/v1', '/rtc?access_token=', '/agent']) {
      const reply = await fetch(`${server.http}${path}`);
      assert.equal(`${reply.status} ${await reply.text()}`, '404 ', path);
      assert.equal(reply.headers.get('content-type'), null, path);
    }
    const slash = await fetch(`${server.http}/rtc/`);
    assert.equal(`${slash.status} ${await slash.text()}`, '404 404 page not found\n');
  });

  await suite.check('outside of development no debug pages are served [IMM-16]', async () => {
    const closed = await start_server(suite, {}, { args: ['serve'] });
    const admin = { Authorization: await bearer({ roomCreate: true, roomList: true, roomAdmin: true }) };
    for (const path of ['/debug', '/debug/pprof/', '/debug/pprof/heap', '/debug/goroutine', '/debug/rooms', '/debug/vars']) {
      for (const headers of [{}, admin]) {
        const reply = await fetch(`${closed.http}${path}`, { headers });
        assert.equal(`${reply.status} ${await reply.text()}`, '404 404 page not found\n', path);
      }
    }
    await closed.stop();
  });

  await suite.check('a refused body is 413 with the CORS headers [CON-03] [CON-05]', async () => {
    const head = (headers) =>
      `POST /twirp/livekit.RoomService/ListRooms HTTP/1.1\r\nHost: x\r\n${headers}Connection: close\r\n\r\n`;
    const size = `Content-Length: ${64 << 20}\r\n`;
    const answer = await exchange(server.ports.http, head(`Origin: https://app.example\r\n${size}`));
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.match(answer, /\r\nAccess-Control-Allow-Origin: https:\/\/app\.example\r\n/i);
    assert.match(answer, /\r\nVary: Origin\r\n/i);
    const plain = await exchange(server.ports.http, head(size));
    assert.match(plain, /^HTTP\/1\.1 413 /);
    assert.doesNotMatch(plain, /Access-Control-Allow-Origin/i);
  });
}

async function metrics_checks(suite) {
  await suite.check('metrics ask for user and password where they are set, on a port of their own at any path [CON-10] [OBS-20]', async () => {
    const port = await free_port();
    const server = await start_server(suite, { prometheus: { port, username: 'scraper', password: 'pässwort' } });
    const scrape = (path, credentials) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        headers: credentials && { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
      });
    for (const credentials of [undefined, 'scraper:', 'scraper:wrong', 'other:pässwort', ':']) {
      const reply = await scrape('/metrics', credentials);
      assert.equal(`${reply.status} ${await reply.text()}`, '401 ', credentials);
      assert.equal(reply.headers.get('www-authenticate'), 'Basic realm="Protected Area"');
    }
    for (const path of ['/metrics', '/', '/any/where']) {
      const reply = await scrape(path, 'scraper:pässwort');
      assert.equal(reply.status, 200, path);
      assert.match(await reply.text(), /^livekit_room_total\{.*node_type="SERVER"\} 0$/m);
    }
    const open = await fetch(`${server.http}/metrics`);
    assert.equal(open.status, 401, 'nor on the main port');
    await server.stop();
  });
}

// A STUN server that tells everybody the same address (RFC 8489 §14.2).
async function stun_server(suite, ip) {
  const socket = dgram.createSocket('udp4');
  suite.cleanup(() => socket.close());
  socket.on('message', (request, from) => {
    const cookie = request.subarray(4, 8);
    const answer = Buffer.alloc(32);
    answer.writeUInt16BE(0x0101, 0);
    answer.writeUInt16BE(12, 2);
    request.copy(answer, 4, 4, 20);
    answer.writeUInt16BE(0x0020, 20);
    answer.writeUInt16BE(8, 22);
    answer.writeUInt16BE(0x0001, 24);
    answer.writeUInt16BE(from.port ^ cookie.readUInt16BE(0), 26);
    ip.split('.').forEach((part, index) => (answer[28 + index] = Number(part) ^ cookie[index]));
    socket.send(answer, from.port, from.address);
  });
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return `127.0.0.1:${socket.address().port}`;
}

async function address_checks(suite) {
  await suite.check('use_external_ip: the address a STUN server sees is told to clients [CFG-04]', async () => {
    const stun = await stun_server(suite, '203.0.113.7');
    const server = await start_server(suite, { rtc: { use_external_ip: true, stun_servers: [stun] } });
    assert.match(server.log, /advertised="?203\.0\.113\.7/);
    await server.stop();
  });

  const limits = [['num_tracks', 1], ['bytes_per_sec', 500]];
  await Promise.all(limits.map(([limit, value]) => suite.check(`limit.${limit}: a full node refuses joins and rooms [CON-32] [SUB-09]`, async () => {
    const server = await start_server(suite, { limit: { [limit]: value } });
    const join = await join_token('limited', 'alice');
    const validate = async () => {
      const reply = await fetch(`${server.http}/rtc/validate?access_token=${join}`);
      return `${reply.status} ${await reply.text()}`;
    };
    assert.equal(await validate(), '200 success');
    const alice = await Peer.join(suite, server, 'limited', 'alice');
    await alice.publish_tone();
    await until(async () => (await validate()) === '503 node has exceeded its configured limit', { what: validate });
    const rooms = new RoomServiceClient(server.http, KEY, SECRET);
    await refused(rooms.createRoom({ name: 'more' }), 'unknown', 500, 'reached configured limit for node');
    await alice.leave();
    await until(async () => (await validate()) === '200 success', { what: validate, timeout: 30000 });
    await server.stop();
  })));
}

async function receiver_checks(suite, server, sink) {
  await suite.check('a webhook receiver takes the body as it was sent, and no other [SDK-08] [HOOK-05]', async () => {
    const name = fresh_name('signed');
    await new RoomServiceClient(server.http, KEY, SECRET).createRoom({ name });
    await sink.event(name, 'room_started');
    const { body, headers } = sink.of_room(name)[0];
    const receiver = new WebhookReceiver(KEY, SECRET);
    assert.equal((await receiver.receive(body, headers.authorization)).room.name, name);
    const fails = (promise) => assert.rejects(promise);
    await fails(receiver.receive(`${body} `, headers.authorization));
    await fails(receiver.receive(body.replace(name, 'forged'), headers.authorization));
    await fails(new WebhookReceiver(KEY, 'another-secret-of-thirty-two-characters').receive(body, headers.authorization));
    const claims = JSON.parse(Buffer.from(headers.authorization.split('.')[1], 'base64url').toString());
    assert.equal(claims.iss, KEY);
    assert.ok(claims.sha256, 'the digest of the body is in the token');
  });
}
