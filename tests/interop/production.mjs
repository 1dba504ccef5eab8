// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A server as an operator runs it: `serve --config FILE` without --dev, keys of its own, ports of its
// own. A call works, and nothing that development opens is open.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { AccessToken, RoomServiceClient } from 'livekit-server-sdk';

import { Peer } from '../lib/rtc_peer.mjs';
import { start_server } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';

const kKey = 'APIproduction';
const kSecret = 'the-own-secret-of-this-node-0123456789';

const suite = new Suite({ limit: 200 });
await suite.run(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-production-'));
  suite.cleanup(() => fs.rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'config.yaml');
  const server = await start_server(suite, { keys: { [kKey]: kSecret } }, { file });
  const rooms = new RoomServiceClient(server.http, kKey, kSecret);
  const own = { key: kKey, secret: kSecret };

  await suite.check('the log says what is open and holds no secret [CFG-02]', async () => {
    await until(() => server.log.includes('confab is ready'), { what: 'the last line of the start' });
    assert.ok(!server.log.includes(kSecret), 'the secret is in the log');
    assert.ok(!/devkey|API key:/.test(server.log), server.tail().join('\n'));
  });

  for (const single of [true, false]) {
    const label = single ? 'single PC' : 'dual PC';
    await suite.check(`${label}: a call with own keys: picture, tone, data [SIG-80] [SIG-100] [MC-01]`, async () => {
      const room = `production-${single}`;
      const join = async (identity, number) =>
        Peer.join(suite, server, room, identity, { number, single, token: await join_token(room, identity, own) });
      const [alice, bob] = [await join('alice', 1), await join('bob', 2)];
      for (const peer of [alice, bob]) {
        await peer.publish_picture();
        await peer.publish_tone();
      }
      await Promise.all([alice.sees(bob), bob.sees(alice), alice.hears(bob), bob.hears(alice)]);
      await alice.local.publishData(new TextEncoder().encode('hello'), { reliable: true });
      await until(() => bob.data.some((one) => one.text === 'hello'), { what: 'data' });
      const listed = await rooms.listParticipants(room);
      assert.deepEqual(listed.map((one) => one.identity).sort(), ['alice', 'bob']);
      await Promise.all([alice.leave(), bob.leave()]);
    }, { seconds: 60 });
  }

  await suite.check('the placeholder key opens nothing [TOK-02] [CON-21]', async () => {
    for (const [key, secret] of [['devkey', 'secret'], [kKey, 'secret'], ['devkey', kSecret]]) {
      const token = new AccessToken(key, secret, { identity: 'mallory', ttl: 600 });
      token.addGrant({ roomJoin: true, room: 'r', roomList: true, roomCreate: true });
      const jwt = await token.toJwt();
      const reply = await fetch(`${server.http}/rtc/validate?access_token=${jwt}`);
      assert.equal(reply.status, 401, `${key}: ${await reply.text()}`);
      const call = await fetch(`${server.http}/twirp/livekit.RoomService/ListRooms`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${jwt}`, 'Content-Type': 'application/json' },
        body: '{}',
      });
      assert.equal(call.status, 401, `${key}: ${await call.text()}`);
    }
  });

  await suite.check('no demo page, no tokens, no metrics for whoever asks [IMM-16] [CON-10]', async () => {
    for (const place of ['/demo/', '/demo', '/demo/token?room=r&identity=a', '/demo/token', '/metrics']) {
      const reply = await fetch(`${server.http}${place}`, { redirect: 'manual' });
      const text = await reply.text();
      assert.ok([401, 403, 404].includes(reply.status), `${place}: ${reply.status} ${text.slice(0, 80)}`);
      assert.ok(!/eyJ[\w-]{8,}\./.test(text), `${place} gives a token`);
    }
    const body = JSON.stringify({ room_name: 'r', participant_name: 'p' });
    assert.equal((await fetch(`${server.http}/api/token`, { method: 'POST', body })).status, 404, 'tokens');
    assert.equal((await fetch(`${server.http}/`)).status, 200);
  });
});
