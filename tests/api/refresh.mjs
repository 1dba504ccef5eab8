// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The refresh_token that a real session gets: what its bearer could do with the token it joined
// with, it can do with the new one.

import { TokenVerifier, TrackSource } from 'livekit-server-sdk';

import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { fresh_name, room_client } from './clients.mjs';

// Before `KEY` in any order, so that a server that signs with its first key is found out.
const kOtherKey = 'another-key';
const kOtherSecret = 'another-secret-of-at-least-32-characters';

const kVideo = {
  roomJoin: true,
  roomCreate: true,
  roomList: true,
  roomRecord: true,
  roomAdmin: true,
  ingressAdmin: true,
  destinationRoom: 'elsewhere',
  canPublish: true,
  canPublishSources: [TrackSource.CAMERA, TrackSource.MICROPHONE],
  canSubscribe: true,
  canPublishData: false,
  canUpdateOwnMetadata: true,
  canSubscribeMetrics: true,
  canManageAgentSession: true,
  hidden: false,
  recorder: false,
  agent: false,
};

// The grants that are true or text: false and absent are the same to a reader.
const said = (video) => Object.fromEntries(Object.entries(video).filter(([, value]) => value !== false));

async function join(server, room, identity, token, v1) {
  const client = await SignalClient.join(server, room, identity, { token, v1 });
  return { client, refresh: await client.wait('refreshToken') };
}

export async function refresh_checks(suite, server) {
  const two_keys = await start_server(suite, { keys: { [kOtherKey]: kOtherSecret, [KEY]: SECRET } });
  const verifier = new TokenVerifier(KEY, SECRET);

  for (const v1 of [true, false]) {
    const path = v1 ? '/rtc/v1' : '/rtc';
    await suite.check(`${path}: the refresh token has every grant and the key of the first [TOK-12] [TOK-04]`, async () => {
      const room = fresh_name('refresh');
      const options = { name: 'Ann', metadata: 'meta', attributes: { seat: '1' }, ttl: 3600 };
      const grant = { ...kVideo, room };
      const token = await join_token(room, 'ann', { grant, options });
      const { client, refresh } = await join(two_keys, room, 'ann', token, v1);
      const claims = await verifier.verify(refresh);
      assert.equal(claims.iss, KEY);
      assert.equal(claims.sub, 'ann');
      assert.equal(claims.name, 'Ann');
      assert.equal(claims.metadata, 'meta');
      assert.deepEqual(claims.attributes, { seat: '1' });
      assert.deepEqual(said(claims.video), { ...said(grant), canPublishSources: ['camera', 'microphone'] });
      assert.ok(Math.abs(claims.exp - (await verifier.verify(token)).exp) <= 1, 'lives as long');
      await client.leave();
    });
  }

  await suite.check('a refresh token manages rooms and joins again [TOK-12] [TOK-10]', async () => {
    const room = fresh_name('refresh');
    const token = await join_token(room, 'ann', { grant: { ...kVideo, room } });
    const { client, refresh } = await join(two_keys, room, 'ann', token, true);
    const call = (method, body) =>
      fetch(`${two_keys.http}/twirp/livekit.RoomService/${method}`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${refresh}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
    assert.equal((await call('ListRooms', {})).status, 200);
    assert.equal((await call('UpdateRoomMetadata', { room, metadata: 'by the bearer' })).status, 200);
    const again = await join(two_keys, room, 'ann', refresh, true);
    await client.wait('leave');
    await again.client.leave();
  });

  await suite.check('what the API takes away is gone from the next refresh token [TOK-13] [TOK-12]', async () => {
    const room = fresh_name('refresh');
    const token = await join_token(room, 'ann', { grant: { ...kVideo, room } });
    const { client } = await join(server, room, 'ann', token, true);
    const permission = { canPublish: false, canSubscribe: true, canPublishData: true, hidden: true };
    await room_client(server).updateParticipant(room, 'ann', { name: 'Anna', permission });
    await client.wait('refreshToken', { count: 2 });
    const claims = await verifier.verify(client.last.refreshToken);
    assert.equal(claims.name, 'Anna');
    const { canPublish, canPublishData, hidden, canSubscribeMetrics, canPublishSources, roomAdmin } = claims.video;
    assert.deepEqual(
      { canPublish, canPublishData, hidden, canSubscribeMetrics, canPublishSources, roomAdmin },
      { canPublish: false, canPublishData: true, hidden: true, canSubscribeMetrics: false, canPublishSources: undefined,
        roomAdmin: true },
    );
    await client.leave();
  });
}
