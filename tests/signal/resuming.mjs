// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What a client says and gets when it comes back to its session.

import { DataPacket, LeaveRequest_Action } from '@livekit/protocol';

import { room_client } from '../api/clients.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client, fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';

async function first_checks(suite, server) {
  await suite.check('reconnect comes first, with ICE servers, the server and the last packet it has [SIG-46] [SIG-121]', async () => {
    const room = fresh_room('resume');
    const alice = await MediaClient.join(suite, server, room, 'alice', { v1: true });
    const bob = await MediaClient.join(suite, server, room, 'bob', { v1: true });
    for (const peer of [alice, bob]) await until(() => peer.channels._reliable.readyState === 'open');
    const packet = (sequence) => new DataPacket({ sequence, value: { case: 'user', value: { payload: Buffer.from(`n${sequence}`) } } });
    for (const sequence of [1, 2, 3]) alice.channels._reliable.send(Buffer.from(packet(sequence).toBinary()));
    await until(() => bob.data.some((one) => one.bytes.includes('n3')));
    // The number may be some packets behind for a moment; who resumes sends those again.
    const again = await until(async () => {
      const resumed = await alice.client.resume(server, room, { v1: true });
      suite.cleanup(() => resumed.destroy());
      return (await resumed.told('reconnect')).lastMessageSeq === 3 && resumed;
    }, { timeout: 3000, every: 100 });
    const [{ kind, value: reconnect }] = again.log;
    assert.equal(kind, 'reconnect');
    assert.ok(reconnect.iceServers.length > 0 && reconnect.iceServers[0].urls.length > 0);
    const { version, protocol, nodeId } = alice.client.joined.serverInfo;
    assert.deepEqual([reconnect.serverInfo.version, reconnect.serverInfo.protocol, reconnect.serverInfo.nodeId], [version, protocol, nodeId]);
    assert.equal(again.all('join').length, 0);
    const quiet = await bob.client.resume(server, room, { v1: true });
    suite.cleanup(() => quiet.destroy());
    assert.equal((await quiet.told('reconnect')).lastMessageSeq, 0);
  });

  await suite.check('livekit-client before 1.6.3 resumes without a reconnect message [SIG-46] [SIG-67]', async () => {
    const first = async (version) => {
      const room = fresh_room('resume');
      const alice = await Client.join(suite, server, room, 'alice', { query: { version } });
      const query = { version, reconnect: '1', sid: alice.sid };
      const again = await alice.resume(server, room, { query });
      await again.told_of('alice');
      again.destroy();
      return again.log[0].kind;
    };
    assert.equal(await first('1.6.2'), 'update');
    assert.equal(await first('1.6.3'), 'reconnect');
  });
}

// Resumes and says this sync_state; gives the new client.
async function synced(suite, server, room, client, state) {
  const again = await client.resume(server, room);
  suite.cleanup(() => again.destroy());
  await again.told('reconnect');
  again.send('syncState', state);
  return again;
}

async function sync_checks(suite, server) {
  await suite.check('sync_state: its subscriptions hold, and the tracks that it disables [SIG-11] [SIG-161]', async () => {
    const room = fresh_room('resume');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const [audio, video] = [await alice.publish('audio'), await alice.publish('video')];
    const bob = await MediaClient.join(suite, server, room, 'bob', { subscribe: false });
    await alice.client.fence(bob.client);
    const again = await synced(suite, server, room, bob.client, { subscription: { trackSids: [audio.sid], subscribe: true } });
    await again.told('subscriptionPermissionUpdate', (one) => one.trackSid === audio.sid);
    await alice.client.fence(again);
    assert.equal(again.all('subscriptionPermissionUpdate', (one) => one.trackSid === video.sid).length, 0);

    const carol = await MediaClient.join(suite, server, room, 'carol');
    await until(() => carol.packets.get('video')?.count > 20);
    await synced(suite, server, room, carol.client, { trackSidsDisabled: [video.sid], subscription: { trackSids: [], subscribe: false } });
    const count = (kind) => carol.packets.get(kind).count;
    await until(async () => {
      const [begin, going] = [count('video'), count('audio')];
      await until(() => count('audio') > going + 25);
      return count('video') === begin;
    });
  });

  await suite.check('sync_state with tracks that are not there asks for a full reconnect [SIG-11] [SIG-146] [SIG-161]', async () => {
    const wrong = [
      { publishTracks: [{ cid: 'x' }] },
      { publishTracks: [{ cid: 'x', track: { sid: 'TR_AMnonesuch123' } }] },
      { publishDataTracks: [{ info: { pubHandle: 1, sid: 'DTR_nonesuch1234', name: 'x' } }] },
    ];
    for (const state of wrong) {
      const room = fresh_room('resume');
      const alice = await Client.join(suite, server, room, 'alice');
      const again = await synced(suite, server, room, alice, state);
      const { code, leave } = await again.ended();
      assert.deepEqual([code, leave?.action, leave?.reason], [1000, LeaveRequest_Action.RECONNECT, 6], JSON.stringify(state));
      await until(async () => (await room_client(server).listParticipants(room)).length === 0);
    }
    const room = fresh_room('resume');
    const alice = await Client.join(suite, server, room, 'alice');
    alice.send('addTrack', { cid: 'mic', type: 0, source: 2 });
    const published = await alice.told('trackPublished');
    const again = await synced(suite, server, room, alice, { publishTracks: [published] });
    await again.fence();
    assert.ok(again.open);
  });
}

// Unpublished: nothing that the client said it has makes it join anew.
async function rights_check(suite, server) {
  await suite.check('what ended with a right that was taken meanwhile is told to who resumes, and no reason to join anew [SIG-44] [SIG-53] [TOK-13] [SIG-160] [SIG-161]', async () => {
    for (const v1 of [false, true]) {
      const room = fresh_room('resume');
      const alice = await MediaClient.join(suite, server, room, 'alice', { v1 });
      const track = await alice.publish('audio');
      alice.client.send('addTrack', { cid: 'pending', type: 0, source: 2 });
      const { track: pending } = await alice.client.told('trackPublished', (one) => one.cid === 'pending');
      alice.client.send('publishDataTrackRequest', { pubHandle: 7, name: 'pose' });
      const { info } = await alice.client.told('publishDataTrackResponse');
      alice.client.destroy();
      await room_client(server).updateParticipant(room, 'alice', { permission: { canSubscribe: true } });
      const again = await alice.client.resume(server, room, { v1 });
      suite.cleanup(() => again.destroy());
      await again.told('reconnect');
      const publishTracks = [track, pending].map((one) => ({ cid: one.name, track: one }));
      again.send('syncState', { publishTracks, publishDataTracks: [{ info }] });
      for (const { sid } of [track, pending]) await again.told('trackUnpublished', (one) => one.trackSid === sid);
      assert.equal((await again.told('unpublishDataTrackResponse')).info.sid, info.sid);
      const told = again.log.findIndex(({ kind }) => kind === 'trackUnpublished');
      assert.equal(again.updates_of('alice')[0].permission.canPublish, false);
      assert.ok(again.log.findIndex(({ kind }) => kind === 'update') < told, 'the end comes before the reason');
      again.send('ping', BigInt(Date.now()));
      await again.told('pong');
      assert.equal(again.all('leave').length, 0);
    }
  });
}

export async function resuming_checks(suite, server) {
  await Promise.all([first_checks, sync_checks, rights_check].map((group) => group(suite, server)));
}
