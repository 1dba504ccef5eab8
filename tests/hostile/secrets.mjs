// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What the server said and opened while all this went on.

import { open_ports } from '../lib/process_stats.mjs';
import { SECRET } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { ice_of } from '../lib/sdp.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';

const kLogLimit = 8 << 20; // of lib/server.mjs

export async function secret_checks(place) {
  const { suite, server, room } = place;

  await suite.check('the log at its most verbose holds no secret [IMM-16]', async () => {
    const token = await join_token(room, 'spy');
    const client = await SignalClient.join(server, room, 'spy', { v1: false, token });
    const offer = await client.wait('offer');
    const wrong = `${token.slice(0, -8)}AAAAAAAA`;
    await SignalClient.ask(server, room, 'spy', { token: wrong });
    await SignalClient.ask(server, room, 'spy', { token: wrong, query: { access_token: wrong } });
    const renewed = await client.wait('refreshToken');
    const { pwd, ufrag } = ice_of(offer.sdp);
    client.destroy();
    const { log } = server;
    assert.ok(log.length < kLogLimit, 'the log is too long to be looked through');
    assert.ok(log.includes(' debug '), 'the log is not verbose');
    assert.ok(pwd.length > 20 && ufrag.length > 3);
    const words = {
      'API secret': SECRET,
      token: token,
      signature: token.split('.')[2],
      claims: token.split('.')[1],
      'wrong token': wrong,
      'refreshed token': renewed,
      'ice-pwd': pwd,
    };
    for (const [what, word] of Object.entries(words)) {
      assert.ok(typeof word === 'string' && word.length >= 16, `${what} is ${word}`);
      assert.ok(!log.includes(word), `${what} in the log: ${line_with(log, word)}`);
    }
    for (const pattern of [
      /eyJ[\w-]{8,}\.eyJ[\w-]{8,}/,
      /a=ice-pwd/,
      /BEGIN [A-Z ]*PRIVATE KEY/,
      /a=fingerprint/,
      /access_token=[^&\s"]{12,}/,
    ]) {
      const found = pattern.exec(log);
      assert.ok(!found, `in the log: ${found && line_with(log, found[0])}`);
    }
    console.log(`   ${log.length} bytes of log`);
  });

  await suite.check('no port is open but those that were asked for [IMM-16]', async () => {
    const { http, tcp, udp } = server.ports;
    const open = open_ports(server.pid);
    assert.deepEqual([...open.tcp].sort(), [http, tcp].sort());
    assert.deepEqual(open.udp, [udp]);
    // In development /debug/rooms is there for tokens that may list rooms (CON-09).
    const paths = { '/debug/pprof/': 404, '/debug/rooms': 401, '/debug': 404, '/config': 404 };
    for (const [path, status] of Object.entries(paths)) {
      const reply = await fetch(`${server.http}${path}`);
      await reply.arrayBuffer();
      assert.equal(reply.status, status, path);
    }
  });
}

const line_with = (log, word) =>
  log
    .split('\n')
    .find((line) => line.includes(word))
    ?.slice(0, 300);
