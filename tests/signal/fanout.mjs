// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What everybody in a room is told, and when: participants, the room, speakers, quality, tokens.

import { ConnectionQuality } from '@livekit/protocol';
import { TokenVerifier } from 'livekit-server-sdk';

import { room_client } from '../api/clients.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client, fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';

const kActive = 2;
const kGone = 3;
const kPrompt = 1500; // ms: at once, for a machine that is busy

const took = async (promise) => {
  const begin = Date.now();
  await promise;
  return Date.now() - begin;
};

async function update_checks(suite, server) {
  await suite.check('update: at once for changes and for publishers, in batches of 3 s for who only listens [SIG-33] [SIG-131]', async () => {
    const room = fresh_room('fanout');
    const bob = await MediaClient.join(suite, server, room, 'bob');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const me = await alice.client.told_of('alice', (one) => one.state === kActive); // its own entry, too
    assert.equal(me.sid, alice.sid);
    const told = (match, from) => bob.client.told_of('alice', match, { from });
    let from = bob.client.log.length;
    alice.client.send('updateMetadata', { metadata: 'x' });
    assert.ok((await took(told((one) => one.metadata === 'x', from))) < kPrompt, 'metadata waits');
    from = bob.client.log.length;
    const { sid } = await alice.publish('audio');
    assert.ok((await took(told((one) => one.tracks.some((track) => track.sid === sid), from))) < kPrompt, 'a track waits');
    from = bob.client.log.length;
    alice.client.send('leave', { reason: 1 });
    assert.ok((await took(told((one) => one.state === kGone, from))) < kPrompt, 'the end of a publisher waits');

    // Of nine that come at different times most are told of later, and together.
    from = bob.client.log.length;
    const begin = Date.now();
    const came = [];
    for (let index = 0; index < 9; ++index) {
      const identity = `listener-${index}`;
      await Client.join(suite, server, room, identity);
      came.push({ identity, at: Date.now() });
    }
    const whole = came.at(-1).at - begin;
    const messages = () => bob.client.all('update', (one) => one.participants.some((info) => info.identity.startsWith('listener')), from);
    const known = () => new Set(messages().flatMap((one) => one.participants.map((info) => info.identity)));
    await until(() => came.every((one) => known().has(one.identity)), { timeout: 4500 });
    assert.ok(Date.now() - begin < whole + 3500, 'a batch waits for more than 3 s');
    const ticks = Math.floor(whole / 3000) + 2;
    assert.ok(messages().length <= ticks, `${messages().length} messages for nine who came`);
  });
}

async function room_checks(suite, server) {
  await suite.check('room_update: metadata and recording at once, counts later, to all [SIG-38] [SIG-136]', async () => {
    const room = fresh_room('fanout');
    const both = [await Client.join(suite, server, room, 'alice'), await Client.join(suite, server, room, 'bob', { v1: true })];
    const before = both.map((one) => one.log.length);
    await room_client(server).updateRoomMetadata(room, 'news');
    for (const one of both) {
      const elapsed = await took(one.told('roomUpdate', (update) => update.room.metadata === 'news'));
      assert.ok(elapsed < kPrompt);
      const update = one.all('roomUpdate', (value) => value.room.metadata === 'news', before[both.indexOf(one)])[0];
      assert.deepEqual([update.room.name, update.room.sid], [room, one.joined.room.sid]);
    }
    // Counts wait for up to 5 s.
    await both[0].told('roomUpdate', (update) => update.room.numParticipants === 2);
    const recorder = await Client.join(suite, server, room, 'recorder', { grant: { recorder: true, hidden: true } });
    await both[0].told('roomUpdate', (update) => update.room.activeRecording);
    recorder.send('leave', { reason: 1 });
    await both[0].told('roomUpdate', (update) => !update.room.activeRecording, { from: both[0].log.length });
  });
}

async function egress_check(suite, server) {
  await suite.check('an egress without the grant of a recorder is one: the room is recorded, and lists of who may subscribe are not for it [SIG-10] [SIG-132]', async () => {
    const room = fresh_room('fanout');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    await alice.publish('audio');
    alice.client.send('subscriptionPermission', { allParticipants: false });
    await alice.client.fence();
    const egress = await MediaClient.join(suite, server, room, 'egress', { kind: 'egress' });
    await alice.client.told('roomUpdate', (update) => update.room.activeRecording);
    await until(() => egress.packets.get('audio')?.count > 5);
    // Only who is hidden is not seen.
    await alice.client.told_of('egress');
    egress.client.send('leave', { reason: 1 });
    await alice.client.told('roomUpdate', (update) => !update.room.activeRecording, { from: alice.client.log.length });
  });
}

async function speaker_checks(suite, server) {
  await suite.check('speakers_changed: who speaks is told to itself and its subscribers, once when it ends [SIG-37] [SIG-12] [SIG-170]', async () => {
    const room = fresh_room('fanout');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    await alice.publish('audio');
    const bob = await MediaClient.join(suite, server, room, 'bob');
    const deaf = await MediaClient.join(suite, server, room, 'deaf', { subscribe: false });
    await until(() => bob.packets.get('audio')?.count > 1);
    alice.client.send('simulate', { scenario: { case: 'speakerUpdate', value: 2 } });
    const begin = Date.now();
    for (const peer of [alice, bob]) {
      const { speakers } = await peer.client.told('speakersChanged');
      assert.deepEqual(speakers.map((one) => [one.sid, one.active]), [[alice.sid, true]]);
      assert.ok(Math.abs(speakers[0].level - 0.9) < 0.01);
    }
    await bob.client.told('speakersChanged', (one) => one.speakers.some((two) => !two.active && two.level === 0));
    const seconds = (Date.now() - begin) / 1000;
    assert.ok(seconds > 1.5 && seconds < 5, `after ${seconds} s`);
    await alice.client.fence(bob.client, deaf.client);
    assert.equal(bob.client.all('speakersChanged').length, 2);
    assert.equal(deaf.client.all('speakersChanged').length, 0, 'told to who does not hear it');
  });
}

async function quality_check(suite, server) {
  await suite.check('connection_quality: of oneself and of whom one hears, only when it changes [SIG-39] [SIG-135]', async () => {
    const room = fresh_room('fanout');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    await alice.publish('audio');
    const bob = await MediaClient.join(suite, server, room, 'bob');
    const of = (update) => update.updates.map((one) => one.participantSid).sort();
    const first = await bob.client.told('connectionQuality', (one) => one.updates.length === 2);
    assert.deepEqual(of(first), [alice.sid, bob.sid].sort());
    for (const { quality, score } of first.updates) assert.deepEqual([quality, score], [ConnectionQuality.EXCELLENT, 4.5]);
    assert.ok(alice.client.all('connectionQuality').every((one) => `${of(one)}` === alice.sid));
    const count = bob.client.all('connectionQuality').length;
    // Evaluated at the same time as all others, later.
    const carol = await MediaClient.join(suite, server, room, 'carol');
    await carol.client.told('connectionQuality');
    await carol.client.fence(bob.client);
    assert.equal(bob.client.all('connectionQuality').length, count, 'nothing changed');
  });
}

async function token_check(suite, server) {
  await suite.check('refresh_token: at the start, and with the new name after a change; never to others [SIG-43] [TOK-12]', async () => {
    const verifier = new TokenVerifier(KEY, SECRET);
    for (const v1 of [false, true]) {
      const room = fresh_room('fanout');
      const bob = await Client.join(suite, server, room, 'bob');
      await bob.told('refreshToken');
      const alice = await Client.join(suite, server, room, 'alice', { v1 });
      const first = await verifier.verify(await alice.told('refreshToken'));
      assert.deepEqual([first.sub, first.video.room, first.video.roomJoin, first.name ?? ''], ['alice', room, true, '']);
      const from = alice.log.length;
      alice.send('updateMetadata', { name: 'Alice' });
      const next = await verifier.verify(await alice.told('refreshToken', () => true, { from }));
      assert.deepEqual([next.sub, next.name], ['alice', 'Alice']);
      const again = await Client.join(suite, server, room, 'alice', { token: alice.all('refreshToken').at(-1), v1 });
      assert.equal(again.joined.participant.name, 'Alice');
      await again.fence(bob);
      assert.equal(bob.all('refreshToken').length, 1);
    }
  });
}

export async function fanout_checks(suite, server) {
  const groups = [update_checks, room_checks, egress_check, speaker_checks, quality_check, token_check];
  await Promise.all(groups.map((group) => group(suite, server)));
}
