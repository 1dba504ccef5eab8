// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The configuration that guides for self-hosting a LiveKit server end with: its ports, its own public
// address by STUN, TURN with TLS. It starts here as it is there, file names and secrets apart.

import { execFileSync, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';

import { Peer } from '../lib/rtc_peer.mjs';
import { ROOT, SECRET, KEY, Server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

const kPublic = '203.0.113.7';
const kStunPort = 19302; // of the public server that is asked where none is configured

const guide = ({ cert_file, key_file }, external_tls) => `
port: 7880
log_level: info
rtc:
  tcp_port: 7881
  port_range_start: 50000
  port_range_end: 60000
  use_external_ip: true
keys:
  ${KEY}: ${SECRET}
logging:
  json: true
  level: info
turn:
  enabled: true
  domain: turn.test
  tls_port: 5349
${external_tls ? '  external_tls: true' : `  cert_file: ${cert_file}\n  key_file: ${key_file}`}
limit:
  num_tracks: 400
  bytes_per_sec: 1_000_000_000
`;

// A STUN server that tells everybody the public address (RFC 8489 §14.2).
async function public_stun(host) {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (request, from) => {
    const head = Buffer.from([0x01, 0x01, 0, 12]);
    const value = Buffer.alloc(12);
    value.writeUInt32BE(0x00200008, 0);
    value.writeUInt16BE(0x0001, 4);
    value.writeUInt16BE(from.port ^ request.readUInt16BE(4), 6);
    kPublic.split('.').forEach((part, index) => (value[8 + index] = Number(part) ^ request[4 + index]));
    socket.send(Buffer.concat([head, request.subarray(4, 20), value]), from.port, from.address);
  });
  await new Promise((resolve) => socket.bind(kStunPort, host, resolve));
  return socket;
}

// With the file as the only argument; the name of the STUN server is that of `host`.
function start(suite, { host, folder }, file) {
  const hosts = path.join(folder, 'hosts');
  fs.writeFileSync(hosts, `${fs.readFileSync('/etc/hosts', 'utf8')}\n${host} stun.l.google.com\n`);
  // The one that run_turn mounted there has no name any more, which nothing can be mounted over.
  const script = `umount /etc/hosts; mount --bind ${hosts} /etc/hosts; exec "$@"`;
  const program = path.resolve(ROOT, process.env.CONFAB_BINARY ?? 'build/release/confab');
  const child = spawn('unshare', ['--mount', 'bash', '-ec', script, 'bash', program, 'serve', '--config', file], { cwd: ROOT });
  const server = new Server(child, { http: 7880 });
  suite.cleanup(() => server.stop());
  return server;
}

const certificate_of = (host, servername, ca) => new Promise((resolve, reject) => {
  const socket = tls.connect({ host, port: 5349, servername, ca }, () => {
    resolve(socket.getPeerCertificate().subject.CN);
    socket.destroy();
  });
  socket.on('error', reject);
});

async function check_guide(place, external_tls) {
  const { suite, host, folder, certificate } = place;
  const stun = await public_stun(host);
  // What a cloud's network does for a machine with a public address.
  execFileSync('ip', ['addr', 'add', `${kPublic}/32`, 'dev', 'lo']);
  try {
    const file = path.join(folder, 'livekit.yaml');
    fs.writeFileSync(file, guide(certificate, external_tls), { mode: 0o600 });
    const server = start(suite, place, file);
    await until(async () => server.exited || (await fetch(`${server.http}/`)).status === 200, { timeout: 15000, what: () => server.log });
    assert.ok(!server.exited, server.log);
    const lines = server.log.trim().split('\n').map((line) => JSON.parse(line));
    assert.ok(lines.some((line) => line.msg === 'public address found' && line.ip === kPublic), server.log);
    assert.doesNotMatch(server.log, /not implemented/);
    assert.match(server.log, /log_level is deprecated; use logging\.level/);
    if (!external_tls) assert.equal(await certificate_of(host, 'turn.test', fs.readFileSync(certificate.cert_file)), 'turn.test');
    const alice = await Peer.join(suite, server, 'guide', 'alice');
    const bob = await Peer.join(suite, server, 'guide', 'bob');
    await alice.local.publishData(new TextEncoder().encode('hello'), { reliable: true });
    await until(() => bob.data.some((one) => one.text === 'hello'), { what: 'data' });
    await Promise.all([alice.leave(), bob.leave()]);
    await server.stop();
    server.assert_sound();
  } finally {
    execFileSync('ip', ['addr', 'del', `${kPublic}/32`, 'dev', 'lo']);
    stun.close();
  }
}

export async function self_hosting_checks(place) {
  const { suite } = place;
  await suite.check('the file of the self-hosting guides starts as it is: ports, public address, TURN over TLS [CFG-01] [CFG-04] [TURN-01]',
    () => check_guide(place, false), { seconds: 60 });
  await suite.check('the file of the self-hosting guides with a proxy that ends TLS for TURN [CFG-01] [TURN-01]',
    () => check_guide(place, true), { seconds: 60 });
}
