// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Webhooks as WebhookReceiver takes them: signature, content, order, retries.

import { Peer } from '../lib/rtc_peer.mjs';
import { assert } from '../lib/suite.mjs';
import { fresh_name, room_client } from './clients.mjs';

export async function webhook_checks(suite, server, sink) {
  const rooms = room_client(server);

  await suite.check('webhooks tell a call in order, with full objects [HOOK-01] [HOOK-02] [HOOK-04] [OBS-24]', async () => {
    const name = fresh_name('hooked');
    const room = await rooms.createRoom({ name, departureTimeout: 1, metadata: 'rm' });
    const started = await sink.event(name, 'room_started');
    assert.equal(started.room.sid, room.sid);
    assert.equal(started.room.metadata, 'rm');
    assert.match(started.id, /^EV_/);
    const options = { name: 'Alice', metadata: 'pm', attributes: { a: 'b' } };
    const alice = await Peer.join(suite, server, name, 'alice', { options });
    const joined = await sink.event(name, 'participant_joined');
    assert.equal(joined.participant.sid, alice.local.sid);
    assert.equal(joined.participant.metadata, 'pm');
    assert.equal(joined.participant.attributes.a, 'b');
    const picture = await alice.publish_picture();
    const published = await sink.event(name, 'track_published');
    assert.equal(published.track.sid, picture.publication.sid);
    assert.equal(published.participant.identity, 'alice');
    assert.equal(published.participant.metadata, '', 'track events carry sid and identity only');
    await picture.stop();
    await sink.event(name, 'track_unpublished');
    await alice.leave();
    const left = await sink.event(name, 'participant_left');
    assert.equal(left.participant.disconnectReason, 1);
    await sink.event(name, 'room_finished');
    assert.deepEqual(sink.story(name), [
      'room_started',
      'participant_joined alice',
      'track_published alice',
      'track_unpublished alice',
      'participant_left alice',
      'room_finished',
    ]);
  });

  await suite.check('every webhook is signed and camelCase without empty fields [HOOK-03] [HOOK-05]', async () => {
    assert.ok(sink.deliveries.length > 0);
    for (const { error, headers, method, body } of sink.deliveries) {
      assert.equal(error, undefined, error?.message);
      assert.equal(method, 'POST');
      assert.equal(headers['content-type'], 'application/webhook+json');
      assert.ok(!headers.authorization.startsWith('Bearer'), 'no Bearer');
      const parsed = JSON.parse(body);
      assert.equal(typeof parsed.createdAt, 'string');
      assert.ok(!/_[a-z]/.test(Object.keys(parsed.room).join()), Object.keys(parsed.room).join());
      assert.ok(!Object.values(parsed.room).some((value) => value === '' || value === 0), body);
    }
    const ids = new Set(sink.deliveries.filter((one) => one.status === 200).map((one) => one.event.id));
    assert.equal(ids.size, sink.deliveries.filter((one) => one.status === 200).length, 'ids are unique');
  });

  await suite.check('a refused webhook comes again, the later ones wait for it [HOOK-06] [HOOK-07]', async () => {
    const name = fresh_name('refused');
    let first;
    sink.refuse(503, ({ event, room, id }) => {
      if (event !== 'room_started' || room.name !== name) return false;
      first = id;
      return true;
    });
    await rooms.createRoom({ name, departureTimeout: 1 });
    await rooms.deleteRoom(name);
    await sink.event(name, 'room_finished', { timeout: 8000 });
    assert.deepEqual(sink.story(name), ['room_started', 'room_finished']);
    const attempts = sink.deliveries.filter((one) => one.event?.id === first);
    assert.deepEqual(attempts.map((one) => one.status), [503, 200]);
    assert.equal(attempts[0].body, attempts[1].body);
    assert.equal(attempts[0].headers.authorization, attempts[1].headers.authorization);
  });

  await suite.check('one room being slow does not delay another [HOOK-07]', async () => {
    const [slow, quick] = [fresh_name('slow'), fresh_name('quick')];
    sink.refuse(500, ({ room }) => room?.name === slow);
    sink.refuse(500, ({ room }) => room?.name === slow);
    await rooms.createRoom({ name: slow });
    await rooms.createRoom({ name: quick });
    await sink.event(quick, 'room_started');
    await sink.event(slow, 'room_started', { timeout: 15000 });
    const order = sink.deliveries.filter((one) => [slow, quick].includes(one.event?.room.name) && one.status === 200);
    assert.deepEqual(order.map((one) => one.event.room.name), [quick, slow]);
  });
}
