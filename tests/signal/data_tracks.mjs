// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Data tracks: publishing, what is refused, handles of subscribers, frames.

import { RequestResponse_Reason } from '@livekit/protocol';

import { room_client } from '../api/clients.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client, fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';

const kReason = RequestResponse_Reason;

async function published(client, pubHandle, name) {
  client.send('publishDataTrackRequest', { pubHandle, name });
  const { info } = await client.told('publishDataTrackResponse', (one) => one.info.pubHandle === pubHandle);
  return info;
}

async function publish_checks(suite, server) {
  await suite.check('a data track gets a sid, others see it come and go [SIG-17] [SIG-18] [SIG-53] [SIG-125]', async () => {
    const room = fresh_room('data-track');
    const bob = await Client.join(suite, server, room, 'bob');
    const alice = await Client.join(suite, server, room, 'alice');
    const info = await published(alice, 7, 'position');
    assert.match(info.sid, /^DTR_\w{12}$/);
    assert.deepEqual([info.pubHandle, info.name, info.encryption], [7, 'position', 0]);
    const seen = await bob.told_of('alice', (one) => one.dataTracks.length === 1);
    assert.deepEqual([seen.dataTracks[0].sid, seen.dataTracks[0].name], [info.sid, 'position']);
    const unknown = await alice.answer_to('unpublishDataTrackRequest', { pubHandle: 8 });
    assert.deepEqual([unknown.reason, unknown.request.case], [kReason.NOT_FOUND, 'unpublishDataTrack']);
    const from = bob.log.length;
    alice.send('unpublishDataTrackRequest', { pubHandle: 7 });
    assert.equal((await alice.told('unpublishDataTrackResponse')).info.sid, info.sid);
    await bob.told_of('alice', (one) => one.dataTracks.length === 0, { from });
  });

  await suite.check('data tracks that may not be: reason, words and the request [SIG-17] [SIG-125]', async () => {
    const room = fresh_room('data-track');
    const alice = await Client.join(suite, server, room, 'alice');
    await published(alice, 1, 'one');
    const named = (custom) => ({ value: { case: 'custom', value: custom } });
    const encoding = (custom) => ({ frameEncoding: named(custom) });
    const schema = (custom) => ({ schema: { name: 's', encoding: named(custom) } });
    const cases = [
      [{ pubHandle: 0, name: 'x' }, kReason.INVALID_HANDLE],
      [{ pubHandle: 65536, name: 'x' }, kReason.INVALID_HANDLE],
      [{ pubHandle: 2, name: '' }, kReason.INVALID_NAME],
      [{ pubHandle: 2, name: 'n'.repeat(257) }, kReason.INVALID_NAME],
      [{ pubHandle: 1, name: 'x' }, kReason.DUPLICATE_HANDLE],
      [{ pubHandle: 2, name: 'one' }, kReason.DUPLICATE_NAME],
      [{ pubHandle: 2, name: 'x', ...encoding('') }, kReason.INVALID_REQUEST],
      [{ pubHandle: 2, name: 'x', ...encoding('e'.repeat(33)) }, kReason.INVALID_REQUEST],
      [{ pubHandle: 2, name: 'x', ...schema('') }, kReason.INVALID_REQUEST],
      [{ pubHandle: 2, name: 'x', ...schema('e'.repeat(33)) }, kReason.INVALID_REQUEST],
    ];
    for (const [value, reason] of cases) {
      const reply = await alice.answer_to('publishDataTrackRequest', value);
      const { pubHandle, name } = reply.request.value;
      assert.deepEqual([reply.reason, reply.request.case, pubHandle, name], [reason, 'publishDataTrack', value.pubHandle, value.name]);
      assert.ok(reply.message.length > 0);
    }
    assert.equal(alice.all('publishDataTrackResponse').length, 1);
    await published(alice, 65535, 'n'.repeat(256));
    alice.send('publishDataTrackRequest', { pubHandle: 3, name: 'whole', ...encoding('e'.repeat(32)), ...schema('s'.repeat(32)) });
    const whole = (await alice.told('publishDataTrackResponse', (one) => one.info.pubHandle === 3)).info;
    assert.deepEqual([whole.frameEncoding.value.value, whole.schema.name, whole.schema.encoding.value.value], ['e'.repeat(32), 's', 's'.repeat(32)]);
    const mute = await Client.join(suite, server, room, 'mute', { grant: { canPublishData: false } });
    const refused = await mute.answer_to('publishDataTrackRequest', { pubHandle: 1, name: 'x' });
    assert.deepEqual([refused.reason, refused.message], [kReason.NOT_ALLOWED, 'does not have permission to publish data']);
  });
}

async function subscribe_checks(suite, server) {
  await suite.check('handles of data tracks: the whole map at each change, empty at the end; frames carry them [SIG-19] [SIG-53] [SIG-126]', async () => {
    const room = fresh_room('data-track');
    const alice = await MediaClient.join(suite, server, room, 'alice', { v1: true });
    const bob = await MediaClient.join(suite, server, room, 'bob');
    const [one, two] = [await published(alice.client, 7, 'one'), await published(alice.client, 9, 'two')];
    await alice.client.fence(bob.client);
    assert.equal(bob.client.all('dataTrackSubscriberHandles').length, 0);
    const subscribe = (sid, on) => bob.client.send('updateDataSubscription', { updates: [{ trackSid: sid, subscribe: on }] });
    const told = async (...sids) => {
      const of = (update) => Object.values(update.subHandles).map((entry) => entry.trackSid).sort();
      const update = await bob.client.told('dataTrackSubscriberHandles', (entry) => `${of(entry)}` === `${[...sids].sort()}`, { from });
      from = bob.client.log.length;
      return update.subHandles;
    };
    let from = 0;
    subscribe(one.sid, true);
    const [[handle, entry]] = Object.entries(await told(one.sid));
    assert.deepEqual([entry.publisherIdentity, entry.publisherSid, entry.trackSid], ['alice', alice.sid, one.sid]);
    assert.ok(handle > 0 && handle < 300, handle);
    subscribe('DTR_nonesuch1234', true);
    subscribe(two.sid, true);
    const both = await told(one.sid, two.sid);
    assert.equal(both[handle].trackSid, one.sid);
    // Header: version and flags, no extensions, handle, sequence, frame number, time.
    const frame = (own, text) => Buffer.concat([Buffer.from([0x18, 0, 0, own, 0, 1, 0, 1, 0, 0, 0, 1]), Buffer.from(text)]);
    const got = (text) => bob.data.find(({ label, bytes }) => label === '_data_track' && bytes.includes(text))?.bytes;
    await until(() => alice.channels._data_track.readyState === 'open' && bob.channels._data_track?.readyState === 'open');
    const of_two = Object.keys(both).find((key) => both[key].trackSid === two.sid);
    await until(() => {
      alice.channels._data_track.send(frame(9, 'second'));
      return got('second');
    });
    assert.equal(got('second').readUInt16BE(2), Number(of_two));
    subscribe(two.sid, false);
    await told(one.sid);
    subscribe(one.sid, false);
    assert.deepEqual(await told(), {});
  });
}

async function revoked_check(suite, server) {
  await suite.check('data tracks that end with the right to publish data: told to their publisher, whose resume without them stays one [SIG-18] [SIG-125] [SIG-161]', async () => {
    const room = fresh_room('data-track');
    const rights = (canPublishData) => room_client(server).updateParticipant(room, 'alice', {
      permission: { canPublish: true, canSubscribe: true, canPublishData },
    });
    const alice = await Client.join(suite, server, room, 'alice');
    const [one, two] = [await published(alice, 7, 'one'), await published(alice, 9, 'two')];
    await rights(false);
    for (const { sid } of [one, two]) await alice.told('unpublishDataTrackResponse', ({ info }) => info.sid === sid);
    await rights(true);
    const three = await published(alice, 8, 'three');
    const again = await alice.resume(server, room);
    suite.cleanup(() => again.destroy());
    await again.told('reconnect');
    again.send('syncState', { publishDataTracks: [{ info: three }] });
    await again.fence();
    assert.ok(again.open);
    assert.deepEqual((await again.told_of('alice')).dataTracks.map((info) => info.sid), [three.sid]);
  });
}

export async function data_track_checks(suite, server) {
  const groups = [publish_checks, subscribe_checks, revoked_check];
  await Promise.all(groups.map((group) => group(suite, server)));
}
