// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The listener: where it listens, in which order a request is looked at, the form of plain errors.

import tls from 'node:tls';

import { start_server } from '../lib/server.mjs';
import { open_websocket } from '../lib/raw_websocket.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { fresh_name } from './clients.mjs';
import { call, exchange, get, join_claims, mint } from './requests.mjs';

const kGone = '404 page not found\n';
const kText = 'text/plain; charset=utf-8';

async function place_checks(suite) {
  await suite.check('a listener on each of bind_addresses and on no other; without them on all [CON-01]', async () => {
    const bound = await start_server(suite, { bind_addresses: ['127.0.0.1', '127.0.0.2'] }, { args: ['serve'] });
    const at = (host) => exchange(bound.ports.http, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', host);
    for (const host of ['127.0.0.1', '127.0.0.2']) assert.match(await at(host), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nOK$/);
    await assert.rejects(at('127.0.0.3'), /ECONNREFUSED/);
    const all = await start_server(suite, {}, { args: ['serve'] });
    for (const host of ['127.0.0.1', '127.0.0.3']) {
      assert.match(await exchange(all.ports.http, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', host), /^HTTP\/1\.1 200 /);
    }
    await Promise.all([bound.stop(), all.stop()]);
  });

  await suite.check('one port has every public endpoint, in plain HTTP/1.1 [CON-01]', async () => {
    const server = await start_server(suite, {}, { args: ['serve'] });
    const room = fresh_name('endpoints');
    const token = mint(join_claims(room, { video: { roomJoin: true, room, agent: true, roomList: true } }));
    assert.equal((await get(server, '/', { token })).text, 'OK');
    assert.equal((await get(server, '/rtc/validate', { token })).text, 'success');
    assert.equal((await call(server, 'RoomService/ListRooms', {}, { token })).status, 200);
    const whip = await get(server, '/whip/v1', { token, method: 'POST' });
    assert.equal(whip.status, 400, 'WHIP wants application/sdp');
    const agent = await open_websocket({ port: server.ports.http, path: '/agent', headers: { Authorization: `Bearer ${token}` } });
    assert.equal(agent.status, 101);
    agent.ws.destroy();
    const client = await SignalClient.join(server, room, 'caller', { token });
    client.destroy();
    const encrypted = new Promise((resolve) => {
      const socket = tls.connect({ port: server.ports.http, host: '127.0.0.1', rejectUnauthorized: false });
      socket.on('secureConnect', () => resolve('TLS'));
      socket.on('error', () => resolve('no TLS'));
      socket.on('close', () => resolve('no TLS'));
    });
    assert.equal(await encrypted, 'no TLS');
    await server.stop();
  });
}

async function order_checks(suite, server) {
  await suite.check('CORS before slashes before the token before the route [CON-02]', async () => {
    const origin = 'https://app.example';
    const cors = { Origin: origin };
    const has_cors = (reply, what) => assert.equal(reply.headers.get('access-control-allow-origin'), origin, what);
    // A preflight is answered before its token is looked at.
    const preflight = await get(server, '/twirp/x', {
      method: 'OPTIONS', token: 'nonsense', headers: { ...cors, 'Access-Control-Request-Method': 'POST' },
    });
    assert.equal(preflight.status, 204);
    has_cors(preflight, 'preflight');
    // Slashes come before the token, and CORS is there already.
    const slashes = await get(server, '/rtc//validate?a=b', { token: 'nonsense', headers: cors });
    assert.deepEqual([slashes.status, slashes.headers.get('location')], [307, '/rtc/validate?a=b']);
    has_cors(slashes, 'redirect');
    // The token is refused on every path, whether there is such a route or not.
    for (const path of ['/', '/nope', '//nope', '/rtc', '/agent', '/settings/regions', '/twirp/livekit.RoomService/Nope']) {
      const refused = await get(server, path, { token: 'nonsense', headers: cors });
      assert.equal(`${path} ${refused.status} ${refused.text}`, `${path} 401 invalid authorization token`);
      has_cors(refused, path);
      const expired = await get(server, path, { token: mint({ sub: 'a', exp: 1 }) });
      assert.equal(expired.status, 401, path);
    }
    // With a good one, or none, the route decides.
    const good = mint({ sub: 'a' });
    assert.equal((await get(server, '/', { token: good })).status, 200);
    for (const token of [good, undefined]) {
      const gone = await get(server, '/nope', { token, headers: cors });
      assert.equal(`${gone.status} ${gone.text}`, `404 ${kGone}`);
      has_cors(gone, '/nope');
    }
  });

  await suite.check('a body over the limit is refused before its token is looked at [CON-02]', async () => {
    const head = (length) =>
      `POST /twirp/livekit.RoomService/ListRooms HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer nonsense\r\n${length}Connection: close\r\n\r\n`;
    const over = await exchange(server.ports.http, head(`Content-Length: ${11 << 20}\r\n`));
    assert.match(over, /^HTTP\/1\.1 413 [^]*\r\n\r\nrequest body too large$/);
    assert.match(await exchange(server.ports.http, head('')), /^HTTP\/1\.1 401 [^]*\r\n\r\ninvalid authorization token$/);
  });
}

async function error_checks(suite, server) {
  await suite.check('plain errors: status, text/plain, the text without newline; unknown paths end with one [CON-07]', async () => {
    const room = fresh_name('plain');
    const plain = async (path, claims, expected) => {
      const token = claims === undefined ? undefined : typeof claims === 'string' ? claims : mint(claims);
      const { status, headers, text } = await get(server, path, { token });
      assert.deepEqual([path, `${status} ${text}`, headers.get('content-type')], [path, expected, kText]);
    };
    await plain('/rtc/validate', undefined, '401 no permissions to access the room');
    await plain('/rtc/validate', 'a.b.c', '401 invalid authorization token');
    await plain('/rtc/validate', { sub: 'a', video: { room } }, '401 permissions denied');
    await plain('/rtc/validate', { video: { roomJoin: true, room } }, '400 identity cannot be empty');
    await plain('/rtc/validate', { sub: 'a', video: { roomJoin: true } }, '400 no room name');
    await plain('/rtc/v1/validate', join_claims(room), '400 join_request is required');
    await plain('/rtc/v1/validate?join_request=***', join_claims(room), '400 cannot base64 decode wrapped join request');
    for (const path of ['/nope', '/rtc/', '/rtc/v2', '/settings/regions']) {
      await plain(path, undefined, `404 ${kGone}`);
      const { headers } = await get(server, path);
      assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
    }
    // The refused upgrade has the same form.
    const refused = await SignalClient.ask(server, room, '', { v1: false, token: mint({ video: { roomJoin: true, room } }) });
    assert.equal(`${refused.status} ${refused.body}`, '400 identity cannot be empty');
    assert.match(refused.head, /\r\nContent-Type: text\/plain; charset=utf-8(\r\n|$)/i);
  });
}

export async function listener_checks(suite, server) {
  await place_checks(suite);
  await order_checks(suite, server);
  await error_checks(suite, server);
}
