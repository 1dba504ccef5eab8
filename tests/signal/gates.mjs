// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What depends on the protocol version that a client names.

import { room_client } from '../api/clients.mjs';
import { assert } from '../lib/suite.mjs';
import { Client, fresh_room } from './client.mjs';
import { MediaClient, more } from './media.mjs';

const [kActive, kGone] = [2, 3];
const kClientInitiated = 1;
const of_protocol = (protocol) => ({ query: { protocol: String(protocol) } });

async function start_check(suite, server) {
  await suite.check('from protocol 8 on subscriptions begin at the join, before that when there is a connection [SIG-62] [SDP-43]', async () => {
    const room = fresh_room('gates');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const { sid } = await alice.publish('audio');
    const told = (peer) => peer.client.all('subscriptionPermissionUpdate', (one) => one.trackSid === sid).length;
    const fast = await MediaClient.join(suite, server, room, 'fast', { ...of_protocol(8), silent: true });
    const slow = await MediaClient.join(suite, server, room, 'slow', { ...of_protocol(7), silent: true });
    await fast.client.told('subscriptionPermissionUpdate', (one) => one.trackSid === sid);
    await alice.client.fence(fast.client, slow.client);
    assert.equal(told(slow), 0, 'subscribed before it is connected');
    slow.silent = false;
    await slow.answer(slow.client.all('offer').at(-1));
    await slow.active();
    await slow.client.told('subscriptionPermissionUpdate', (one) => one.trackSid === sid);
  });
}

async function missed_check(suite, server) {
  await suite.check('from protocol 9 on a resume tells who left meanwhile, and why [SIG-63] [SIG-160] [SDP-43]', async () => {
    const room = fresh_room('gates');
    const leaver = await Client.join(suite, server, room, 'leaver');
    const watcher = await MediaClient.join(suite, server, room, 'watcher');
    const peers = [];
    for (const protocol of [8, 9]) {
      const peer = await MediaClient.join(suite, server, room, `p${protocol}`, of_protocol(protocol));
      assert.ok(peer.client.joined.otherParticipants.some((one) => one.sid === leaver.sid));
      peers.push({ peer, protocol });
    }
    for (const { peer } of peers) peer.client.destroy();
    leaver.send('leave', { reason: 1 });
    // Who is not told of it live has missed it: departures go out in batches.
    await watcher.client.told_of('leaver', (one) => one.state === kGone);
    for (const { peer, protocol } of peers) {
      const query = { reconnect: '1', sid: peer.sid, protocol: String(protocol) };
      const again = await peer.client.resume(server, room, { query });
      suite.cleanup(() => again.destroy());
      await again.told('roomUpdate');
      const gone = again.updates_of('leaver').filter((one) => one.state === kGone);
      assert.deepEqual(gone.map((one) => [one.sid, one.disconnectReason]), protocol > 8 ? [[leaver.sid, kClientInitiated]] : [], `protocol ${protocol}`);
    }
  });
}

async function stream_check(suite, server) {
  await suite.check('from protocol 10 on tracks of a room with sync_streams share a stream [SIG-63] [SIG-75] [SDP-43] [SDP-04]', async () => {
    const room = fresh_room('gates');
    await room_client(server).createRoom({ name: room, syncStreams: true });
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const { sid } = await alice.publish('audio');
    const stream = async (protocol) => {
      const { client } = await MediaClient.join(suite, server, room, `p${protocol}`, of_protocol(protocol));
      const { sdp } = await client.told('offer', (one) => one.sdp.includes(sid));
      return /^a=msid:(\S+) (\S+)\r$/m.exec(sdp).slice(1);
    };
    assert.deepEqual(await stream(10), [`${alice.sid}|camera`, sid]);
    assert.deepEqual(await stream(9), [`${alice.sid}|${sid}`, sid]);
  });
}

async function speaker_check(suite, server) {
  await suite.check('speakers and a subscriber connection are for clients from protocol 3 on [SIG-60] [SIG-37] [SDP-43]', async () => {
    const room = fresh_room('gates');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const peers = [];
    for (const protocol of [2, 3]) peers.push(await MediaClient.join(suite, server, room, `p${protocol}`, of_protocol(protocol)));
    const [old, recent] = peers.map((one) => one.client);
    assert.deepEqual([old.joined.subscriberPrimary, recent.joined.subscriberPrimary], [false, true]);
    await alice.publish('audio');
    for (const peer of peers) await more(peer, 'audio', 5);
    alice.loud = true;
    const fits = (one, active) => one.sid === alice.sid && one.active === active && (one.level > 0) === active;
    const speaks = (active) => ({ speakers }) => speakers.some((one) => fits(one, active));
    for (const client of [recent, alice.client]) await client.told('speakersChanged', speaks(true));
    alice.loud = false;
    for (const client of [recent, alice.client]) await client.told('speakersChanged', speaks(false));
    await alice.client.fence(old);
    assert.equal(old.all('speakersChanged').length, 0);
  });
}

async function duplicate_check(suite, server) {
  await suite.check('who joins again ends its old sid only for those up to protocol 11 [SIG-64] [SIG-133] [SDP-43]', async () => {
    const room = fresh_room('gates');
    const old = await Client.join(suite, server, room, 'p11', of_protocol(11));
    const recent = await Client.join(suite, server, room, 'p12', of_protocol(12));
    const first = await Client.join(suite, server, room, 'alice');
    for (const one of [old, recent]) await one.told_of('alice', (info) => info.sid === first.sid);
    const second = await Client.join(suite, server, room, 'alice');
    await old.told_of('alice', (info) => info.sid === first.sid && info.state === kGone);
    for (const one of [old, recent]) await one.told_of('alice', (info) => info.sid === second.sid);
    assert.equal(recent.updates_of('alice').filter((one) => one.state === kGone).length, 0);
    assert.equal((await first.ended()).leave.reason, 2);
  });
}

async function takeover_check(suite, server) {
  await suite.check('a session in place of one that did not leave is told when it is active, so that nobody lets go of its tracks [SIG-64] [SIG-133]', async () => {
    const room = fresh_room('gates');
    const old = await Client.join(suite, server, room, 'p11', of_protocol(11));
    const recent = await Client.join(suite, server, room, 'p12', of_protocol(12));
    const first = await MediaClient.join(suite, server, room, 'alice');
    await first.publish('audio');
    for (const one of [old, recent]) await one.told_of('alice', (info) => info.tracks.length === 1);
    // Right behind a tick, so that there is time until the next one.
    await Client.join(suite, server, room, 'clock');
    await recent.told_of('clock');
    const from = recent.log.length;
    const second = await MediaClient.join(suite, server, room, 'alice');
    await second.publish('audio');
    const begun = (info) => info.sid === second.sid;
    for (const one of [old, recent]) await one.told_of('alice', (info) => begun(info) && info.tracks.length === 1);
    const seen = recent.updates_of('alice', from);
    assert.deepEqual(seen.map((info) => [info.sid, info.state]), seen.map(() => [second.sid, kActive]));
    const all = old.updates_of('alice');
    const end = all.findIndex((info) => info.sid === first.sid && info.state === kGone);
    assert.ok(end >= 0 && end < all.findIndex(begun), 'the new session is told before the end of the old one');
  });
}

async function response_check(suite, server) {
  await suite.check('requests that went well are answered from protocol 15 on [SDP-43]', async () => {
    for (const protocol of [14, 15]) {
      const alice = await Client.join(suite, server, fresh_room('gates'), 'alice', of_protocol(protocol));
      alice.send('updateMetadata', { name: 'Alice', requestId: 3 });
      await alice.told_of('alice', (one) => one.name === 'Alice');
      alice.send('mute', { sid: 'TR_nonesuch', muted: true }); // what went wrong is, whatever the version
      await alice.told('requestResponse', (one) => one.request.case === 'mute');
      const answers = alice.all('requestResponse', (one) => one.requestId === 3);
      assert.deepEqual(answers.map((one) => one.reason), protocol > 14 ? [0] : []);
    }
  });
}

export async function gate_checks(suite, server) {
  const groups = [start_check, missed_check, stream_check, speaker_check, duplicate_check, takeover_check, response_check];
  await Promise.all(groups.map((group) => group(suite, server)));
}
