// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Certificates of files: served, changed, wrong; what HTTP without TLS is told.

import fs from 'node:fs';
import http from 'node:http';
import tls from 'node:tls';

import { Scrape } from '../lib/metrics.mjs';
import { free_port } from '../lib/ports.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { TurnClient, turn_attributes } from '../lib/turn_client.mjs';
import { until } from '../lib/wait.mjs';
import { write_pair } from './authority.mjs';
import { certificate_at, kServerIp, start_tls_server } from './place.mjs';

const kTurnPort = 5349;

const plain = (port, options = {}) => new Promise((resolve, reject) => {
  const request = http.request({ host: kServerIp, port, ...options }, (reply) => {
    reply.resume().on('end', () => resolve({ status: reply.statusCode, location: reply.headers.location }));
  });
  request.on('error', reject).end();
});

// A TURN client over TLS, at the port that TURN has for itself or shares.
export async function turn_over_tls(server, port, servername) {
  const { username, credential } = await turn_credentials(server);
  const socket = tls.connect({ host: kServerIp, port, servername });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  return new TurnClient(socket, username, credential);
}

export async function turn_credentials(server) {
  const client = await SignalClient.join(server, 'credentials', 'someone');
  const { iceServers } = client.last.join;
  await client.leave();
  return iceServers[0];
}

export async function allocates(client) {
  let answer = await client.request('allocate', [turn_attributes.transport()]);
  if (answer.error === 401) answer = await client.request('allocate', [turn_attributes.transport()]);
  assert.equal(answer.error, 0);
  return answer;
}

async function serves({ authority }, server) {
  const seen = await certificate_at(server.ports.http, 'meet.test', { ALPNProtocols: ['h2', 'http/1.1'] });
  assert.ok(seen.authorized);
  assert.equal(seen.protocol, 'http/1.1');
  await assert.rejects(certificate_at(server.ports.http, 'meet.test', { ca: authority.issue(['x.test']).cert }), /unable to (verify|get)|self.signed/i);
  const reply = await fetch(`${server.http}/rtc/validate`, { headers: { Origin: 'https://elsewhere.test' } });
  assert.equal(reply.status, 401);
  assert.equal(reply.headers.get('access-control-allow-origin'), '*');
  const client = await SignalClient.join(server, 'one', 'alice');
  assert.ok(client.last.join.room.sid);
  await client.leave();
}

// `port` has HTTPS, `redirect_port` nothing but this.
async function sends_on(server, redirect_port) {
  const { http: port } = server.ports;
  for (const [from, host, path, to] of [
    [redirect_port, 'meet.test', '/a?b=c', `https://meet.test:${port}/a?b=c`],
    [redirect_port, `meet.test:${redirect_port}`, '/', `https://meet.test:${port}/`],
    [port, `meet.test:${port}`, '/rtc', `https://meet.test:${port}/rtc`],
    [port, 'a b', '/', `https://meet.test:${port}/`],
  ]) {
    assert.deepEqual(await plain(from, { path, headers: { Host: host } }), { status: 308, location: to }, `${from} ${host}`);
  }
  for (const from of [redirect_port, port]) {
    assert.equal((await plain(from, { method: 'POST', path: '/twirp/livekit.RoomService/ListRooms' })).status, 308);
    const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };
    assert.equal((await plain(from, { path: '/rtc', headers: upgrade })).status, 308);
  }
}

async function renewal({ authority }, server, folder) {
  const client = await SignalClient.join(server, 'renewal', 'alice');
  const turn = await turn_over_tls(server, kTurnPort, 'turn.test');
  await allocates(turn);
  const before = await certificate_at(server.ports.http, 'meet.test');
  write_pair(folder, authority.issue(['meet.test', 'turn.test'], { end: 7200 }));
  const renewed = async (port, name) => (await certificate_at(port, name)).fingerprint256 !== before.fingerprint256;
  for (const [port, name] of [[server.ports.http, 'meet.test'], [kTurnPort, 'turn.test']]) {
    await until(() => renewed(port, name), { what: `another certificate at ${port}` });
  }
  // Those who were there go on.
  assert.equal((await turn.request('refresh', [turn_attributes.lifetime(600)])).error, 0);
  await client.send('pingReq', { timestamp: 1n, rtt: 0n });
  await client.wait('pongResp');
  turn.close();
  await client.leave();
}

const kWrong = {
  'half written': { pair: (a) => ({ ...a.issue(['meet.test', 'turn.test']), cert: a.issue(['meet.test', 'turn.test']).cert.slice(0, 250) }), says: /tls\.cert_file: \S+ is cut short or damaged; write it as a whole/ },
  'a half-written key': { pair: (a) => { const { cert, key } = a.issue(['meet.test', 'turn.test']); return { cert, key: key.slice(0, 80) }; }, says: /tls\.key_file: \S+ is cut short or damaged/ },
  expired: { pair: (a) => a.issue(['meet.test', 'turn.test'], { begin: -7200, end: -60 }), says: /tls\.cert_file: \S+ expired at .*; renew it, or set the clock/ },
  'not valid yet': { pair: (a) => a.issue(['meet.test', 'turn.test'], { begin: 3600, end: 7200 }), says: /tls\.cert_file: \S+ is not valid before/ },
  'of another host': { pair: (a) => a.issue(['other.test']), says: /tls\.cert_file: \S+ is not for meet\.test but for other\.test; write a certificate that names it/ },
  'with the key of another': { pair: (a) => ({ ...a.issue(['meet.test', 'turn.test']), key: a.issue(['meet.test']).key }), says: /tls\.key_file: \S+ is not the key of this certificate; write both files/ },
};

async function wrong({ authority }, server, folder, { pair, says }) {
  const before = await certificate_at(server.ports.http, 'meet.test');
  const failures = async () => (await Scrape.of(server)).value('confab_tls_certificate_failures_total', { use: 'http' }) ?? 0;
  const counted = await failures();
  const mark = server.log.length;
  write_pair(folder, pair(authority));
  await until(() => says.test(server.log.slice(mark)), { what: `the log to say ${says}` });
  assert.ok((await failures()) > counted);
  assert.equal((await certificate_at(server.ports.http, 'meet.test')).fingerprint256, before.fingerprint256);
  const age = Date.now() / 1000 - (await Scrape.of(server)).value('confab_tls_certificate_last_failure_seconds', { use: 'http' });
  assert.ok(age < 60, `${age} s`);
}

async function no_start({ suite, authority }, { cert, key }, says, more = {}) {
  const folder = authority.folder();
  const files = write_pair(folder, { cert: cert ?? '', key: key ?? '' });
  if (cert === undefined) fs.rmSync(files.cert_file);
  await assert.rejects(start_tls_server(suite, { tls: { domain: 'meet.test', ...files, ...more } }), says);
}

export async function certificate_checks(place) {
  const { suite, authority } = place;
  const folder = authority.folder();
  const files = write_pair(folder, authority.issue(['meet.test', 'turn.test']));
  const redirect_port = await free_port();
  const server = await start_tls_server(suite, {
    tls: { domain: 'meet.test', one_port: false, redirect_port, ...files },
    turn: { enabled: true, tls_port: kTurnPort, domain: 'turn.test' },
  });
  await suite.check('HTTPS and WSS by a certificate of files, with CORS as ever; nobody else vouches for it [CON-01] [CON-03]', () => serves(place, server));
  await suite.check('HTTP is sent on to HTTPS, at its own port and at that of HTTPS [CON-01]', () => sends_on(server, redirect_port));
  await suite.check('a renewed certificate is shown within seconds, by HTTPS and TURN/TLS; sessions and allocations go on [TURN-18]', () => renewal(place, server, folder));
  await suite.check('the end of the certificate is a figure [TURN-18]', async () => {
    const { valid_to } = await certificate_at(server.ports.http, 'meet.test');
    for (const use of ['http', 'turn']) assert.equal((await Scrape.of(server)).value('confab_tls_certificate_expiry_seconds', { use }), Date.parse(valid_to) / 1000);
  });
  for (const [name, kind] of Object.entries(kWrong)) {
    await suite.check(`a certificate ${name}: the one before stays, the log says what to do [TURN-18]`, () => wrong(place, server, folder, kind));
  }
  await suite.check('behind wrong ones a good one is taken at once [TURN-18]', async () => {
    const before = await certificate_at(server.ports.http, 'meet.test');
    write_pair(folder, authority.issue(['meet.test', 'turn.test']));
    await until(async () => (await certificate_at(server.ports.http, 'meet.test')).fingerprint256 !== before.fingerprint256, { what: 'another certificate' });
  });
  await server.stop();
  const good = authority.issue(['meet.test']);
  for (const [name, pair, says, more] of [
    ['without a file', { key: good.key }, /tls\.cert_file: \S+cert\.pem: No such file.*correct tls\.cert_file/],
    ['with an empty one', { cert: '', key: good.key }, /has no certificate in it/],
    ['with the key of another', { cert: good.cert, key: authority.issue(['x.test']).key }, /is not the key of this certificate/],
    ['with a redirect at its own port', good, /tls\.redirect_port and port are both 7443/, { redirect_port: 7443 }],
  ]) {
    await suite.check(`no start ${name}: the error names file and remedy [CFG-07]`, () => (more
      ? assert.rejects(start_tls_server(suite, { tls: { ...write_pair(authority.folder(), pair), ...more } }, { port: 7443 }), says)
      : no_start(place, pair, says)));
  }
  await suite.check('a certificate that clients will refuse is served at a start, and the log says why [TURN-18]', async () => {
    const late = authority.folder();
    const pair = write_pair(late, authority.issue(['meet.test'], { begin: -7200, end: -60 }));
    const expired = await start_tls_server(suite, { tls: { domain: 'meet.test', ...pair } }, { answers: (one) => certificate_at(one.ports.http, 'meet.test', { any: true }) });
    assert.match(expired.log, /clients will refuse the certificate.*expired at/);
    write_pair(late, authority.issue(['meet.test']));
    await until(async () => (await certificate_at(expired.ports.http, 'meet.test')).authorized, { what: 'the renewed certificate' });
    await expired.stop();
  });
}

