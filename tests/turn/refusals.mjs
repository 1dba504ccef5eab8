// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Configurations that are refused, peers and credentials that are, and floods.

import { execFile } from 'node:child_process';
import dgram from 'node:dgram';
import path from 'node:path';
import { promisify } from 'node:util';

import { resident } from '../lib/process_stats.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep } from '../lib/wait.mjs';
import { credentials, kUdpPort, metric, metric_becomes, start_turn_server } from './settings.mjs';

const kStrangers = 200_000;

// What turnutils_uclient says; it ends with an error where it is refused.
async function attempt(host, { username, credential }, peer) {
  const args = ['-c', '-u', username, '-w', credential, '-e', peer, '-m', '1', '-n', '2', '-p', String(kUdpPort), host];
  const run = promisify(execFile)('turnutils_uclient', args, { timeout: 20000 });
  const { stdout } = await run.catch((error) => error);
  return stdout;
}

export async function refusal_checks(place) {
  const { suite, host, folder } = place;
  const starts = {
    'no port [TURN-01] [CFG-07]': [{ udp_port: 0 }, /invalid TURN ports/],
    'TLS without a domain [TURN-01] [CFG-07]': [{ tls_port: 5349 }, /TURN domain required/],
    'TLS without a certificate [TURN-01] [CFG-07]': [{ tls_port: 5349, domain: 'turn.test' }, /TURN tls cert required/],
    'a certificate that is not there [TURN-01]': [
      { tls_port: 5349, domain: 'turn.test', cert_file: path.join(folder, 'none.pem'), key_file: path.join(folder, 'none.key') },
      /turn\.cert_file: .*none\.pem: No such file/,
    ],
    'an address family that the node does not have [TURN-01]': [{ bind_addresses: ['::'] }, /turn\.bind_addresses: .*IPv6/],
    'a malformed block of peers [SEC-01]': [{ deny_peer_cidrs: ['10.0.0.0/33'] }, /invalid CIDR 10\.0\.0\.0\/33/],
  };
  for (const [what, [turn, expected]] of Object.entries(starts)) {
    await suite.check(`start is refused: ${what}`, async () => {
      await assert.rejects(start_turn_server(place, turn), expected);
    });
  }
  const names = {
    secrets: 'wrong password, and an unknown user: 400, no allocation [TURN-11] [SEC-02]',
    peers: 'peers on the host and in private networks: 403 [TURN-06] [SEC-01]',
    flood: `${kStrangers} strangers cost no memory and get few answers [TURN-11] [SEC-03]`,
  };
  if (!Object.values(names).some((name) => suite.selected(name))) return;
  const server = await start_turn_server(place);
  const good = await credentials(server);
  await suite.check(names.secrets, async () => {
    for (const bad of [{ ...good, credential: 'wrong' }, { ...good, username: 'nobody' }]) {
      assert.match(await attempt(host, bad, host), /error 400/);
    }
    assert.equal(await metric(server, 'confab_turn_allocations_made_total'), 0);
  }, { seconds: 60 });
  await suite.check(names.peers, async () => {
    for (const peer of ['127.0.0.1', '10.71.0.2', '169.254.169.254', '192.168.1.1']) {
      assert.match(await attempt(host, good, peer), /error 403/, peer);
    }
    for (const name of ['confab_turn_allocations_made_total', 'confab_turn_refused_total']) {
      await metric_becomes(server, name, (count) => count >= 4);
    }
  }, { seconds: 90 });
  await suite.check(names.flood, async () => {
    const socket = dgram.createSocket('udp4');
    let answers = 0;
    socket.on('message', () => (answers += 1));
    const request = Buffer.from('000300082112a442000102030405060708090a0b0019000411000000', 'hex');
    const before = resident(server.pid);
    for (let sent = 0; sent < kStrangers; sent += 1) {
      request.writeUInt32BE(sent, 8);
      socket.send(request, kUdpPort, host);
      if (sent % 500 === 0) await sleep(1);
    }
    await sleep(300);
    socket.close();
    assert.ok(answers > 0 && answers < 5000, `${answers} answers`);
    const grown = resident(server.pid) - before;
    assert.ok(grown < 4 << 20, `${grown} bytes`);
    // Who knows a password is served all the same.
    assert.doesNotMatch(await attempt(host, good, '127.0.0.1'), /error 40[01]/);
  }, { seconds: 60 });
  await server.stop();
}
