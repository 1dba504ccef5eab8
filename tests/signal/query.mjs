// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What a client says of itself in the query of /rtc and in the join request of /rtc/v1.

import { assert } from '../lib/suite.mjs';
import { Client, fresh_room, refusal, validate } from './client.mjs';
import { MediaClient } from './media.mjs';

const kNoRight = '401 no permissions to access the room';
const encoded = (text) => Buffer.from(text).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
const attributes_query = (map) => ({ attributes: encoded(JSON.stringify(map)) });

// A room with one who publishes a microphone and a data track.
async function published(suite, server, stem) {
  const room = fresh_room(stem);
  const sender = await MediaClient.join(suite, server, room, 'sender');
  const track = await sender.publish('audio');
  sender.client.send('publishDataTrackRequest', { pubHandle: 7, name: 'position' });
  const { info } = await sender.client.told('publishDataTrackResponse');
  return { room, sender, track, data_track: info };
}

// Whether somebody with this query or join request is subscribed to the microphone without asking,
// and to the data track. That there is something to subscribe to shows when it asks.
async function subscribed(suite, server, { room, sender, track, data_track }, identity, settings) {
  const client = await Client.join(suite, server, room, identity, settings);
  await client.fence();
  await sender.client.fence(client);
  const found = {
    audio: client.all('subscriptionPermissionUpdate', (one) => one.trackSid === track.sid).length > 0,
    data: client.all('dataTrackSubscriberHandles').length > 0,
  };
  client.send('subscription', { trackSids: [track.sid], subscribe: true });
  client.send('updateDataSubscription', { updates: [{ trackSid: data_track.sid, subscribe: true }] });
  await client.told('subscriptionPermissionUpdate', (one) => one.trackSid === track.sid);
  await client.told('dataTrackSubscriberHandles');
  client.destroy();
  return found;
}

async function v0_checks(suite, server) {
  await suite.check('v0: flags of the query are set by 1 and true alone, auto_subscribe without being there [CON-35]', async () => {
    const call = await published(suite, server, 'query');
    const cases = [
      [{ auto_subscribe: undefined }, { audio: true, data: false }],
      [{ auto_subscribe: '1', auto_subscribe_data_track: '1' }, { audio: true, data: true }],
      [{ auto_subscribe: 'true', auto_subscribe_data_track: 'true' }, { audio: true, data: true }],
      [{ auto_subscribe: '0', auto_subscribe_data_track: '0' }, { audio: false, data: false }],
      [{ auto_subscribe: 'yes', auto_subscribe_data_track: 'on' }, { audio: false, data: false }],
      [{ auto_subscribe: 'TRUE', auto_subscribe_data_track: 'TRUE' }, { audio: false, data: false }],
    ];
    const ask = ([query], number) => subscribed(suite, server, call, `listener-${number}`, { query, token_in_query: true });
    const found = await Promise.all(cases.map(ask));
    cases.forEach(([query, expected], number) => assert.deepEqual(found[number], expected, JSON.stringify(query)));
  });

  await suite.check('v0: reconnect, sid and reconnect_reason of the query resume, and only with a true reconnect [CON-35]', async () => {
    const room = fresh_room('query');
    const first = await Client.join(suite, server, room, 'alice');
    const query = { sid: first.sid, reconnect_reason: '1' };
    const { client: again } = await Client.ask(server, room, 'alice', { query: { ...query, reconnect: 'true' } });
    suite.cleanup(() => again.destroy());
    assert.equal((await again.told_of('alice')).sid, first.sid);
    assert.equal(again.log[0].kind, 'reconnect');
    const other = await Client.join(suite, server, room, 'alice', { query: { ...query, reconnect: 'yes' } });
    assert.equal(other.log[0].kind, 'join');
    assert.notEqual(other.sid, first.sid);
  });
}

async function attribute_checks(suite, server) {
  const map = { seat: '7', role: '', name: 'ä' };

  await suite.check('attributes of the query are laid over those of the token, empty ones left out [CON-37]', async () => {
    const options = { attributes: { role: 'host', seat: '1' } };
    const client = await Client.join(suite, server, fresh_room('query'), 'alice', { options, query: attributes_query(map) });
    assert.deepEqual({ ...client.joined.participant.attributes }, { role: 'host', seat: '7', name: 'ä' });
  });

  await suite.check('attributes of the query need their right; broken ones are an error of validate alone [CON-37]', async () => {
    const room = fresh_room('query');
    const grant = { canUpdateOwnMetadata: false };
    const query = attributes_query(map);
    const { status, body } = await refusal(server, room, 'alice', { grant, query });
    assert.equal(`${status} ${body}`, kNoRight);
    assert.equal(await validate(server, room, 'alice', { grant, query }), kNoRight);
    assert.equal(await validate(server, room, 'alice', { query }), '200 success');
    const padded = attributes_query({ a: 'bc' });
    assert.equal(await validate(server, room, 'alice', { query: padded }), '200 success');
    const unpadded = { attributes: padded.attributes.replace('==', '') };
    assert.notDeepEqual(padded, unpadded);
    for (const bad of [{ attributes: '!' }, unpadded, attributes_query({ a: 1 }), { attributes: encoded('[]') }]) {
      assert.equal(await validate(server, room, 'alice', { query: bad }), '400 cannot decode attributes');
      // Decoding comes first.
      assert.equal(await validate(server, room, 'alice', { grant, query: bad }), '400 cannot decode attributes');
      const client = await Client.join(suite, server, room, 'alice', { query: bad });
      assert.deepEqual({ ...client.joined.participant.attributes }, {});
    }
  });
}

async function publish_checks(suite, server) {
  await suite.check('publish= opens a second connection that only publishes [CON-38]', async () => {
    const room = fresh_room('query');
    const alice = await Client.join(suite, server, room, 'alice');
    const second = await Client.join(suite, server, room, 'alice', { query: { publish: 'screen' } });
    const { participant, subscriberPrimary } = second.joined;
    assert.equal(participant.identity, 'alice#screen');
    assert.equal(participant.permission.canSubscribe, false);
    assert.equal(participant.permission.canPublish, true);
    assert.equal(subscriberPrimary, false);
    assert.ok(alice.open, 'the first connection was closed');
    const refused = await refusal(server, room, 'bob', { query: { publish: 'x' }, grant: { canPublish: false } });
    assert.equal(`${refused.status} ${refused.body}`, kNoRight);
    const single = await Client.join(suite, server, room, 'carol', { v1: true, query: { publish: 'x' } });
    assert.equal(single.joined.participant.identity, 'carol');
    assert.equal(single.joined.participant.permission.canSubscribe, true);
  });
}

async function join_request_checks(suite, server) {
  await suite.check('v1: an absent auto_subscribe is false, and the query says nothing [CON-40]', async () => {
    const call = await published(suite, server, 'request');
    const connection = (connectionSettings) => ({ v1: true, request: { connectionSettings } });
    const loud = { auto_subscribe: '1', auto_subscribe_data_track: '1', publish: 'x', ...attributes_query({ a: 'b' }) };
    const cases = [
      [{ ...connection({}), query: loud }, { audio: false, data: false }],
      [connection({ autoSubscribe: true }), { audio: true, data: false }],
      [connection({ autoSubscribe: true, autoSubscribeDataTrack: true }), { audio: true, data: true }],
    ];
    const found = await Promise.all(cases.map(([settings], number) => subscribed(suite, server, call, `listener-${number}`, settings)));
    cases.forEach(([settings, expected], number) => assert.deepEqual(found[number], expected, JSON.stringify(settings)));
  });

  await suite.check('v1: metadata and attributes of the join request, which need their right [CON-40]', async () => {
    const room = fresh_room('request');
    const options = { metadata: 'old', attributes: { role: 'host', seat: '1' } };
    const request = { metadata: 'new', participantAttributes: { seat: '7' } };
    const client = await Client.join(suite, server, room, 'alice', { v1: true, options, request, query: attributes_query({ x: 'y' }) });
    const { metadata, attributes, identity } = client.joined.participant;
    assert.deepEqual({ metadata, identity, ...attributes }, { metadata: 'new', identity: 'alice', role: 'host', seat: '7' });
    for (const one of [{ metadata: 'new' }, { participantAttributes: { seat: '7' } }]) {
      const { status, body } = await refusal(server, room, 'bob', { v1: true, request: one, grant: { canUpdateOwnMetadata: false } });
      assert.equal(`${status} ${body}`, kNoRight);
    }
  });
}

async function token_check(suite, server) {
  await suite.check('v1: without a token that is what is wrong, whatever else is missing [CON-32] [CON-40]', async () => {
    for (const query of ['', '?join_request=!']) {
      const reply = await fetch(`${server.http}/rtc/v1/validate${query}`);
      assert.equal(`${reply.status} ${await reply.text()}`.trim(), kNoRight);
    }
    assert.equal(await validate(server, fresh_room('request'), 'alice', { v1: true }), '400 join_request is required');
  });
}

export async function query_checks(suite, server) {
  await v0_checks(suite, server);
  await attribute_checks(suite, server);
  await publish_checks(suite, server);
  await join_request_checks(suite, server);
  await token_check(suite, server);
}
