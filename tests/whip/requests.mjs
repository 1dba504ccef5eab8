// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Requests that are refused, and the life of a session whose media never comes.

import { randomUUID } from 'node:crypto';

import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { ask, error_of, gone, kFragment, kSdp, people, rooms_of } from './http.mjs';

const kFingerprint = Array.from({ length: 32 }, (_, index) => index.toString(16).padStart(2, '0').toUpperCase()).join(':');

// An offer of a microphone that nobody stands behind.
export const offer = (ufrag = 'abcd') => [
  'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=mid:0', `a=ice-ufrag:${ufrag}`,
  'a=ice-pwd:0123456789012345678901', `a=fingerprint:sha-256 ${kFingerprint}`, 'a=setup:actpass',
  'a=rtcp-mux', 'a=sendonly', 'a=rtpmap:111 opus/48000/2', '',
].join('\r\n');

async function refused(server, expected, request) {
  const answer = await ask(server, request.method ?? 'POST', request);
  assert.equal(answer.status, expected.status, answer.text);
  if (expected.error) assert.match(error_of(answer), expected.error);
  if (expected.type) assert.equal(answer.headers.get('content-type'), expected.type);
}

export async function request_checks(suite, server) {
  const room = `whip-${randomUUID()}`;
  const token = await join_token(room, 'encoder');

  await suite.check('POST: what is wrong with it is said [CON-60] [CON-32]', async () => {
    const good = { token, type: kSdp, body: offer() };
    const no_room = await join_token('', 'encoder');
    const no_join = await join_token(room, 'encoder', { grant: { roomJoin: false } });
    const listener = await join_token(room, 'encoder', { grant: { canPublish: false } });
    await refused(server, { status: 400, error: /application\/sdp/, type: 'text/plain; charset=utf-8' }, { ...good, type: 'application/json' });
    await refused(server, { status: 400, error: /application\/sdp/ }, { ...good, type: 'application/sdp; charset=utf-8' });
    await refused(server, { status: 401, error: /no permissions to access the room/, type: kSdp }, { ...good, token: undefined });
    await refused(server, { status: 401, error: /permissions denied/ }, { ...good, token: no_join });
    await refused(server, { status: 401, error: /no permissions to publish/ }, { ...good, token: listener });
    await refused(server, { status: 400, error: /no room name/ }, { ...good, token: no_room });
    await refused(server, { status: 400, error: /no SDP offer/ }, { ...good, body: '' });
    await refused(server, { status: 400, error: /invalid SDP offer/ }, { ...good, body: 'hello' });
    await refused(server, { status: 400, error: /no valid a=ice-ufrag/ }, { ...good, body: offer().replace(/a=ice-ufrag.*\r\n/, '') });
    await refused(server, { status: 413, error: /too large/ }, { ...good, body: `${offer()}${'a=x\r\n'.repeat(1 << 18)}` });
    await refused(server, { status: 405 }, { method: 'DELETE', token });
    assert.equal((await people(server, room)).size, 0);
  });

  await suite.check('what can be asked for before and beside a session [CON-60] [CON-61]', async () => {
    for (const path of ['', '/PA_x'])
      for (const method of ['GET', 'HEAD']) assert.equal((await ask(server, method, { location: `/whip/v1${path}` })).status, 204, `${method} ${path}`);
    const options = await ask(server, 'OPTIONS', {});
    const said = ['origin', 'headers', 'methods'].map((what) => options.headers.get(`access-control-allow-${what}`));
    assert.deepEqual([options.status, ...said], [200, '*', '*', 'PATCH, OPTIONS, GET, POST, DELETE']);
    await refused(server, { status: 401, error: /no permissions to access the room/, type: 'text/plain; charset=utf-8' }, { method: 'DELETE', location: '/whip/v1/PA_x' });
    await refused(server, { status: 405 }, { method: 'PUT', token });
  });

  await suite.check('a session without media: answer, changes, end [CON-60] [CON-61]', async () => {
    const created = await ask(server, 'POST', { token, type: kSdp, body: offer() });
    assert.equal(created.status, 201, created.text);
    const location = created.headers.get('location');
    const etag = created.headers.get('etag');
    assert.match(location, /^\/whip\/v1\/PA_/);
    assert.equal(created.headers.get('content-type'), kSdp);
    assert.ok(created.text.includes(`a=ice-ufrag:${etag}\r\n`), 'the ETag is not the ICE ufrag');
    assert.match(created.text, /a=candidate:/);
    assert.match(created.text, /a=end-of-candidates/);
    assert.match(created.headers.get('link'), /^<stun:[^>]+>; rel="ice-server"/);
    const encoder = (await people(server, room)).get('encoder');
    assert.equal(encoder.sid, location.split('/').at(-1));

    const change = { token, location, type: kFragment };
    const candidate = 'a=mid:0\r\na=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\n';
    const match = (tag) => ({ headers: { 'If-Match': tag } });
    await refused(server, { status: 428, error: /missing entity tag/, type: kFragment }, { ...change, method: 'PATCH', body: candidate });
    await refused(server, { status: 400, error: /invalid sdp fragment/ }, { ...change, method: 'PATCH', body: 'hello', ...match(etag) });
    const mismatch = new RegExp(`ice session mismatch, expected: ${etag}, got: "${etag}"`.replace('+', '\\+'));
    await refused(server, { status: 500, error: mismatch }, { ...change, method: 'PATCH', body: candidate, ...match(`"${etag}"`) });
    await refused(server, { status: 401, error: /no permissions/ }, { ...change, method: 'PATCH', body: candidate, token: undefined, ...match(etag) });
    const stranger = await join_token(room, 'stranger');
    await refused(server, { status: 404, error: /participant does not exist/ }, { ...change, method: 'PATCH', body: candidate, token: stranger, ...match(etag) });
    assert.equal((await ask(server, 'PATCH', { ...change, body: candidate, ...match(etag) })).status, 204);
    assert.equal((await ask(server, 'GET', change)).status, 204);
    const options = await ask(server, 'OPTIONS', { location, headers: { Origin: 'https://studio.test' } });
    assert.equal(options.status, 200);
    assert.equal(options.headers.get('access-control-allow-origin'), 'https://studio.test');

    await refused(server, { status: 404, error: /participant does not exist/ }, { ...change, method: 'DELETE', token: stranger });
    assert.equal((await ask(server, 'DELETE', { ...change, location: '/whip/v1/PA_another' })).status, 200);
    await gone(server, room, 'encoder');
    await refused(server, { status: 404, error: /participant does not exist/ }, { ...change, method: 'DELETE' });
  });

  await suite.check('a second encoder of the same identity takes over; who is removed is gone [CON-60] [SIG-142]', async () => {
    const first = await ask(server, 'POST', { token, type: kSdp, body: offer() });
    const second = await ask(server, 'POST', { token, type: kSdp, body: offer('efgh') });
    assert.equal(second.status, 201, second.text);
    assert.notEqual(first.headers.get('location'), second.headers.get('location'));
    assert.equal((await people(server, room)).get('encoder').sid, second.headers.get('location').split('/').at(-1));
    await rooms_of(server).removeParticipant(room, 'encoder');
    await gone(server, room, 'encoder');
    await refused(server, { status: 404, error: /participant does not exist/ }, { method: 'DELETE', token, location: second.headers.get('location'), type: kFragment });
  });

  await suite.check('a token that was revoked publishes no more, a newer one does [CON-60] [TOK-14]', async () => {
    const revoked = `whip-revoked-${randomUUID()}`;
    const old = await join_token(revoked, 'encoder');
    assert.equal((await ask(server, 'POST', { token: old, type: kSdp, body: offer() })).status, 201);
    const soon = BigInt(Math.floor(Date.now() / 1000) + 1);
    await rooms_of(server).removeParticipant(revoked, 'encoder', { revokeTokenTs: soon });
    await refused(server, { status: 401, error: /token was revoked/ }, { token: old, type: kSdp, body: offer() });
    await until(async () => BigInt(Math.floor(Date.now() / 1000)) >= soon, { what: 'the next second' });
    const fresh = await join_token(revoked, 'encoder');
    assert.equal((await ask(server, 'POST', { token: fresh, type: kSdp, body: offer() })).status, 201);
  });

  await suite.check('a room that is full, or may not be made: no session [CON-60] [CON-32] [ROOM-06]', async () => {
    const full = `whip-full-${randomUUID()}`;
    await rooms_of(server).createRoom({ name: full, maxParticipants: 1 });
    const [one, two] = await Promise.all(['one', 'two'].map((identity) => join_token(full, identity)));
    assert.equal((await ask(server, 'POST', { token: one, type: kSdp, body: offer() })).status, 201);
    await refused(server, { status: 503 }, { token: two, type: kSdp, body: offer() });
    const strict = await start_server(suite, { room: { auto_create: false } });
    await refused(strict, { status: 404, error: /requested room does not exist/ }, { token, type: kSdp, body: offer() });
    await strict.stop();
  });
}
