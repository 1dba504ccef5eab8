// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What goes through a reverse proxy: calls that last longer than its timeouts, idle sockets, the API.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { RoomServiceClient } from 'livekit-server-sdk';

import { Peer } from '../lib/rtc_peer.mjs';
import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { sleep } from '../lib/wait.mjs';
import { MediaClient } from '../signal/media.mjs';
import { kProxies, start_proxy } from './proxies.mjs';

const kMinutes = Number(process.env.CONFAB_TEST_MINUTES ?? 0);
// The server pings every 10 s: less than that and a proxy would be right to close.
const kTimeout = kMinutes > 0 ? 60 : 16;
const kCallSeconds = kMinutes > 0 ? kMinutes * 60 : 2 * kTimeout + 2;

const kTrouble = ['reconnecting', 'reconnected', 'disconnected'];

async function proxy_checks(suite, kind, server, folder) {
  await suite.check(`${kind}: a call and idle sockets outlast its timeouts by the server's pings [CON-43]`, async () => {
    const proxy = await start_proxy(suite, kind, server, folder, kTimeout);
    const room = `proxy-${kind}`;
    const alice = await Peer.join(suite, proxy, room, 'alice', { number: 1 });
    const bob = await Peer.join(suite, proxy, room, 'bob', { number: 2, single: false });
    await Promise.all([alice.publish_tone(), bob.publish_tone()]);
    // Neither of them says a word, apart from the connection without which they would be sent away:
    // only pings of the server are on these sockets.
    const idle = await Promise.all([true, false].map((v1) =>
      MediaClient.join(suite, proxy, `idle-${kind}`, `idle-${v1}`, { v1 })));
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    await sleep(kCallSeconds * 1000);
    for (const { client } of idle) assert.ok(client.open, `${client.identity}: closed after less than ${kCallSeconds} s`);
    for (const peer of [alice, bob]) assert.deepEqual(peer.events.filter((one) => kTrouble.includes(one.name)), []);
    await Promise.all([alice.hears(bob), bob.hears(alice)]);
    const rooms = new RoomServiceClient(proxy.http, KEY, SECRET);
    assert.equal((await rooms.listParticipants(room)).length, 2);
    await Promise.all([alice.leave(), bob.leave(), ...idle.map((one) => one.close())]);
  }, { seconds: kCallSeconds + 60 });
}

const suite = new Suite({ limit: kCallSeconds + 300 });
await suite.run(async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-proxy-'));
  suite.cleanup(() => fs.rmSync(folder, { recursive: true }));
  const server = await start_server(suite);
  await Promise.all(kProxies.map((kind) => proxy_checks(suite, kind, server, folder)));
});
