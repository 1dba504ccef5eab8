// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What differs between releases of livekit-server: the newer way.

import { start_server } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name } from './clients.mjs';
import { exchange, join_claims, validate } from './requests.mjs';

export async function release_checks(suite, server) {
  await suite.check('where releases differ, the newer one: exp, texts, the sizes of messages and bodies [CON-47]', async () => {
    const room = fresh_name('newer');
    assert.match(await validate(server, join_claims(room, { exp: undefined })), /^401 invalid authorization token: /);
    assert.equal(await validate(server, join_claims(room, { iss: 'nobody' })), '401 invalid API key');
    const over = `POST /twirp/x HTTP/1.1\r\nHost: x\r\nContent-Length: ${11 << 20}\r\nConnection: close\r\n\r\n`;
    assert.match(await exchange(server.ports.http, over), /^HTTP\/1\.1 413 [^]*\r\n\r\nrequest body too large$/);
    const [small, large] = await Promise.all([1, 3].map(async (mebibytes) => {
      const client = await SignalClient.join(server, room, `of ${mebibytes} MiB`, { v1: false });
      // A field that nobody knows, which is as good as none: 15, length-delimited.
      const size = mebibytes << 20;
      const length = [size & 127 | 128, size >> 7 & 127 | 128, size >> 14 & 127 | 128, size >> 21];
      await client.send_bytes(Buffer.concat([Buffer.from([0xf2, 0x7f, ...length]), Buffer.alloc(size)]));
      await client.send('pingReq', { timestamp: 1n, rtt: 0n });
      await until(() => client.counts.pongResp || !client.open, { what: 'an answer or the end' });
      return client;
    }));
    assert.equal(small.counts.pongResp, 1);
    assert.deepEqual([large.counts.pongResp, large.ws.code], [undefined, 1009]);
    small.destroy();
    const half = await start_server(suite, { prometheus: { username: 'only' } }).catch((error) => error);
    assert.match(half.message, /prometheus\.username and prometheus\.password go together/);
    const full = await start_server(suite, { room: { enable_full_room_in_webhooks: true }, turn: { per_user_relay_allocation_limit: 1 } });
    await full.stop();
  });
}
