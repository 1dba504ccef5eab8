// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The long timers of a session, all at the same time: a join that never gets a connection, and
// publications without media where the configuration asks for a reconnect, a media path that is cut.

import { LeaveRequest_Action } from '@livekit/protocol';

import { room_client } from '../api/clients.mjs';
import { MediaProxy } from '../lib/media_proxy.mjs';
import { start_server } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { Client, fresh_room } from './client.mjs';
import { slow_ice_checks } from './ice.mjs';
import { slow_stream_checks } from './ice_streams.mjs';
import { MediaClient } from './media.mjs';

const { DISCONNECT, RECONNECT, RESUME } = LeaveRequest_Action;
const kJoinFailure = 7;
const kStateMismatch = 6;
const kConnectionTimeout = 14;
const kMicrophone = { cid: 'mic', type: 0, source: 2 };

// How somebody is sent away, and after how many seconds.
async function sent_away(client, seconds) {
  const begin = Date.now();
  const { code, leave } = await client.ended({ seconds });
  return { code, action: leave?.action, reason: leave?.reason, after: (Date.now() - begin) / 1000 };
}

async function join_check(suite, server) {
  await suite.check('who is not active a minute after the join is sent away [SIG-148]', async () => {
    const room = fresh_room('timers');
    const bob = await MediaClient.join(suite, server, room, 'bob');
    const names = { v0: false, v1: true };
    const waits = Object.entries(names).map(async ([identity, v1]) => {
      const client = await Client.join(suite, server, room, identity, { v1 });
      const { after, ...end } = await sent_away(client, 75);
      assert.deepEqual(end, { code: 1000, action: DISCONNECT, reason: kJoinFailure }, identity);
      assert.ok(after > 58 && after < 70, `after ${after} s`);
      const gone = await bob.client.told_of(identity, (one) => one.state === 3);
      assert.equal(gone.disconnectReason, kJoinFailure);
    });
    await Promise.all(waits);
    assert.ok(bob.client.open);
    const left = await room_client(server).listParticipants(room);
    assert.deepEqual(left.map((one) => one.identity), ['bob']);
  }, { seconds: 90 });
}

async function publication_check(suite, server, strict) {
  await suite.check('30 s without media of what was announced, or with media that was not: a reconnect where it is configured [SIG-107] [SIG-146]', async () => {
    const joined = async (server_of, identity, break_it) => {
      const peer = await MediaClient.join(suite, server_of, 'timers-publication', identity);
      await break_it(peer);
      return peer;
    };
    // The 30 s begin between two moments here, which a loaded machine takes apart.
    const sent_off = async (identity, break_it) => {
      let earliest;
      const peer = await joined(strict, identity, (one) => {
        earliest = Date.now();
        return break_it(one);
      });
      const latest = Date.now();
      const { after, ...found } = await sent_away(peer.client, 40);
      assert.deepEqual(found, { code: 1000, action: RECONNECT, reason: kStateMismatch }, identity);
      const times = { after, whole: after + (latest - earliest) / 1000 };
      assert.ok(times.whole > 28 && times.after < 36, `${identity}: ${JSON.stringify(times)}`);
    };
    const announce = async ({ client }) => {
      client.send('addTrack', kMicrophone);
      await client.told('trackPublished');
    };
    const patient = await joined(server, 'patient', announce);
    const honest = await joined(strict, 'honest', (peer) => peer.publish('audio'));
    await Promise.all([sent_off('silent', announce), sent_off('smuggler', (peer) => peer.smuggle('audio'))]);
    // They began earlier.
    for (const { client } of [patient, honest]) {
      await client.fence();
      assert.ok(client.open, `${client.identity} was sent away`);
    }
    await until(async () => (await room_client(strict).listParticipants('timers-publication')).length === 1);
  }, { seconds: 60 });
}

const is_check = (bytes) => bytes[0] === 0 && bytes[1] === 1; // a Binding request

async function path_check(suite, server) {
  await suite.check('a path that answers is checked every 5 s; cut, it counts as disconnected after 10 s and as failed after 15 s [SIG-145] [SIG-165] [ICE-04]', async () => {
    const proxy = await MediaProxy.start(suite, server);
    const room = fresh_room('timers-path');
    const through = { ports: { http: Number(new URL(proxy.ws).port) } };
    const cut = await MediaClient.join(suite, through, room, 'cut');
    const bystander = await MediaClient.join(suite, server, room, 'bystander');
    const checks = [];
    proxy.to_client = (bytes) => {
      if (is_check(bytes)) checks.push(Date.now());
      return true;
    };
    await sleep(13000);
    const gaps = checks.slice(1).map((at, index) => at - checks[index]);
    assert.ok(checks.length >= 2 && Math.max(...gaps) < 7000, `checks of the server come after ${gaps} ms`);
    assert.ok(gaps.at(-1) > 3500, `checks of the server come after ${gaps} ms`);

    const begin = Date.now();
    const after = async (state) => {
      // The bystander's path is whole: its connection says nothing of the kind.
      await until(() => server.log.includes(`peer connection ${state}`), { timeout: 20000, what: () => `a connection that has ${state}` });
      return (Date.now() - begin) / 1000;
    };
    proxy.to_server = proxy.to_client = () => false;
    const [disconnected, failed] = await Promise.all([after('disconnected'), after('failed')]);
    // What was heard last came up to one check before the cut.
    assert.ok(disconnected > 4 && disconnected < 14, `disconnected after ${disconnected} s`);
    assert.ok(failed - disconnected > 4 && failed - disconnected < 8, `failed ${failed - disconnected} s after that`);
    assert.equal(server.log.match(/peer connection (disconnected|failed)/g).length, 2);
    await bystander.client.fence();
    const { code, leave } = await cut.client.ended({ seconds: 5 });
    assert.deepEqual([code, leave?.action, leave?.reason], [1000, RESUME, kConnectionTimeout]);
    assert.ok(bystander.client.open);
  }, { seconds: 60 });
}

const suite = new Suite({ limit: 150 });
await suite.run(async () => {
  const server = await start_server(suite);
  const strict = await start_server(suite, { rtc: { reconnect_on_publication_error: true } });
  // Its log is read: nobody else's connections may be in it.
  const quiet = await start_server(suite);
  await Promise.all([join_check(suite, server), publication_check(suite, server, strict), path_check(suite, quiet), slow_ice_checks(suite, server), slow_stream_checks(suite, server)]);
});
