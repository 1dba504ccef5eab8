// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Rooms of one name in several tenants: the API, participants, moves, WHIP, revocations, the dump.

import { Peer } from '../lib/rtc_peer.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { ask, kSdp } from '../whip/http.mjs';
import { offer } from '../whip/requests.mjs';
import { fresh_name } from './clients.mjs';
import { call, get, now } from './requests.mjs';
import { acme, acme_too, globex, operator } from './tenant_clients.mjs';

const decoded = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());

async function listing_checks(suite, server, title) {
  await suite.check(`rooms of one name are different rooms to each tenant and the operator${title} [TEN-03]`, async () => {
    const name = fresh_name('shared');
    const sids = new Set();
    for (const party of [operator, acme, globex]) {
      const made = await party.rooms(server).createRoom({ name, metadata: `of ${party.key}` });
      assert.deepEqual([made.name, made.metadata], [name, `of ${party.key}`]);
      sids.add(made.sid);
    }
    assert.equal(sids.size, 3);
    for (const party of [operator, acme, globex]) {
      const listed = await party.rooms(server).listRooms([name]);
      assert.deepEqual(listed.map(({ metadata }) => metadata), [`of ${party.key}`]);
    }
    const more = fresh_name('more');
    await acme_too.rooms(server).createRoom({ name: more });
    assert.deepEqual(await acme.names(server), [more, name].sort());
    assert.deepEqual(await globex.names(server), [name]);
    assert.deepEqual(await operator.names(server), [name]);
    assert.equal((await acme_too.rooms(server).updateRoomMetadata(name, 'changed')).metadata, 'changed');
    assert.equal((await globex.rooms(server).listRooms([name]))[0].metadata, `of ${globex.key}`);
    await globex.rooms(server).deleteRoom(name);
    assert.deepEqual(await acme.names(server), [more, name].sort());
    for (const party of [acme, operator]) await party.rooms(server).deleteRoom(name);
    await acme.rooms(server).deleteRoom(more);
  });

  await suite.check(`a room of another tenant is one that does not exist${title} [TEN-04]`, async () => {
    const name = fresh_name('hidden');
    const nowhere = fresh_name('nowhere');
    await acme.rooms(server).createRoom({ name });
    const alice = await SignalClient.join(server, name, 'alice', { token: await acme.token(name, 'alice') });
    const calls = {
      DeleteRoom: (room) => ({ room }),
      ListParticipants: (room) => ({ room }),
      GetParticipant: (room) => ({ room, identity: 'alice' }),
      RemoveParticipant: (room) => ({ room, identity: 'alice' }),
      UpdateParticipant: (room) => ({ room, identity: 'alice', metadata: 'x' }),
      MutePublishedTrack: (room) => ({ room, identity: 'alice', track_sid: 'TR_x', muted: true }),
      UpdateSubscriptions: (room) => ({ room, identity: 'alice', track_sids: [], subscribe: true }),
      SendData: (room) => ({ room, data: 'eA==' }),
      UpdateRoomMetadata: (room) => ({ room, metadata: 'x' }),
      PerformRpc: (room) => ({ room, destination_identity: 'alice', method: 'm' }),
      MoveParticipant: (room) => ({ room, identity: 'alice', destination_room: `${room}.` }),
    };
    for (const party of [globex, operator]) {
      for (const [method, request] of Object.entries(calls)) {
        const said = async (room) => {
          const token = party.mint({ roomCreate: true, roomAdmin: true, room, destinationRoom: `${room}.` });
          const { status, text } = await call(server, `RoomService/${method}`, request(room), { token });
          return `${method} ${status} ${text.replaceAll(room, 'ROOM')}`;
        };
        // Which control thread a room would be on says nothing of whether it is there.
        const [seen, unseen] = [await said(name), await said(nowhere)];
        if (!`${seen}${unseen}`.includes('control threads')) assert.equal(seen, unseen);
      }
      const egress = async (room_name) =>
        (await call(server, 'Egress/StartRoomCompositeEgress', { room_name }, { token: party.mint({ roomRecord: true }) })).text;
      assert.equal(await egress(name), await egress(nowhere));
    }
    assert.deepEqual(await acme.people(server, name), ['alice']);
    // A name that looks like a key of the tenant's is a name.
    const forged = `\u001facme\u001f${name}`;
    await operator.rooms(server).createRoom({ name: forged });
    assert.deepEqual(await operator.people(server, forged), []);
    assert.deepEqual(await operator.names(server), [forged]);
    await operator.rooms(server).deleteRoom(forged);
    assert.ok(alice.open);
    await alice.leave();
    await acme.rooms(server).deleteRoom(name);
  });
}

async function participant_checks(suite, server, title) {
  await suite.check(`participants of two tenants in rooms of one name neither see nor hear each other${title} [TEN-03] [TEN-05]`, async () => {
    const name = fresh_name('both');
    const join = async (party, identity) => Peer.join(suite, server, name, identity, { token: await party.token(name, identity) });
    const [alice, bob, carol, dave] = [await join(acme, 'alice'), await join(acme_too, 'bob'), await join(globex, 'alice'), await join(globex, 'dave')];
    assert.deepEqual([alice.room.name, carol.room.name], [name, name]);
    const others = (peer) => [...peer.room.remoteParticipants.values()].map(({ identity }) => identity);
    await until(() => others(alice).length > 0 && others(carol).length > 0, { what: 'the others' });
    assert.deepEqual([others(alice), others(bob)], [['bob'], ['alice']]);
    assert.deepEqual([others(carol), others(dave)], [['dave'], ['alice']]);
    const send = (peer, text) => peer.local.publishData(new TextEncoder().encode(text), { reliable: true });
    const heard = (peer) => peer.data.map(({ text }) => text);
    await send(alice, 'for acme');
    await until(() => heard(bob).length > 0, { what: 'data in acme' });
    await send(carol, 'for globex');
    await until(() => heard(dave).length > 0, { what: 'data in globex' });
    assert.deepEqual([heard(bob), heard(dave)], [['for acme'], ['for globex']]);
    // The alice of globex goes, that of acme stays.
    await globex.rooms(server).removeParticipant(name, 'alice');
    await until(() => others(dave).length === 0, { what: 'her to be gone' });
    assert.deepEqual(await acme.people(server, name), ['alice', 'bob']);
    assert.deepEqual(await globex.people(server, name), ['dave']);
    await Promise.all([alice.leave(), bob.leave(), dave.leave()]);
    for (const party of [acme, globex]) await party.rooms(server).deleteRoom(name);
  });

  await suite.check(`refresh tokens are signed with the key that was used, for the room by its name${title} [TEN-06] [TOK-12]`, async () => {
    const name = fresh_name('refreshed');
    const client = await SignalClient.join(server, name, 'alice', { token: await acme_too.token(name, 'alice') });
    const token = await client.wait('refreshToken');
    const claims = decoded(token);
    assert.deepEqual([claims.iss, claims.video.room], [acme_too.key, name]);
    const again = await SignalClient.join(server, name, 'alice', { token });
    assert.deepEqual(await acme.people(server, name), ['alice']);
    assert.deepEqual(await globex.people(server, name), []);
    await again.leave();
    await acme.rooms(server).deleteRoom(name);
  });

  await suite.check(`a participant moves within its tenant: to the room of that name there${title} [TEN-07] [API-12]`, async () => {
    const name = fresh_name('from');
    const alice = await Peer.join(suite, server, name, 'alice', { token: await acme.token(name, 'alice') });
    const there = fresh_name('to');
    await globex.rooms(server).createRoom({ name: there });
    const token = acme.mint({ roomAdmin: true, room: name, destinationRoom: there });
    const { status, text } = await call(server, 'RoomService/MoveParticipant', { room: name, identity: 'alice', destination_room: there }, { token });
    assert.equal(status, 200, text);
    // To a room of another control thread she comes by joining anew.
    await until(async () => (await acme.people(server, there)).join() === 'alice', { what: 'her to be there' });
    assert.deepEqual(await globex.people(server, there), []);
    await until(() => alice.room.name === there, { what: () => `her to know, she is in ${alice.room.name}` });
    await alice.leave();
    for (const made of await globex.names(server)) await globex.rooms(server).deleteRoom(made);
    for (const made of await acme.names(server)) await acme.rooms(server).deleteRoom(made);
  });
}

async function other_ways_checks(suite, server, title) {
  await suite.check(`WHIP publishes into the tenant's room, and another tenant does not end it${title} [TEN-03] [CON-60]`, async () => {
    const name = fresh_name('whip');
    const [of_acme, of_globex] = [await acme.token(name, 'obs'), await globex.token(name, 'obs')];
    const made = await ask(server, 'POST', { token: of_acme, type: kSdp, body: offer() });
    assert.equal(made.status, 201, made.text);
    const location = made.headers.get('location');
    assert.deepEqual([await acme.people(server, name), await globex.people(server, name)], [['obs'], []]);
    assert.equal((await ask(server, 'DELETE', { token: of_globex, location })).status, 404);
    assert.deepEqual(await acme.people(server, name), ['obs']);
    assert.equal((await ask(server, 'DELETE', { token: of_acme, location })).status, 200);
    await acme.rooms(server).deleteRoom(name);
  });

  await suite.check(`tokens are revoked in one tenant's room only${title} [TEN-03] [TOK-14]`, async () => {
    const name = fresh_name('revoked');
    const allowed = async (party) => (await get(server, '/rtc/validate', { token: await party.token(name, 'alice') })).status;
    const token = acme.mint({ roomAdmin: true, room: name });
    await call(server, 'RoomService/RemoveParticipant', { room: name, identity: 'alice', revoke_token_ts: now() + 60 }, { token });
    assert.deepEqual([await allowed(acme), await allowed(globex), await allowed(operator)], [401, 200, 200]);
  });

  await suite.check(`/debug/rooms: the operator sees all rooms and whose they are, a tenant its own${title} [TEN-08] [CON-09]`, async () => {
    const name = fresh_name('dumped');
    for (const party of [operator, acme, globex]) await party.rooms(server).createRoom({ name });
    const client = await SignalClient.join(server, name, 'alice', { token: await acme.token(name, 'alice') });
    const dump = async (party) => {
      const { text } = await get(server, '/debug/rooms', { token: party.mint({ roomList: true }) });
      return JSON.parse(text).map(({ tenant, room, participants }) => `${tenant ?? '-'} ${room.name} ${participants.length}`);
    };
    assert.deepEqual(await dump(operator), [`- ${name} 0`, `acme ${name} 1`, `globex ${name} 0`]);
    assert.deepEqual(await dump(acme_too), [`acme ${name} 1`]);
    assert.deepEqual(await dump(globex), [`globex ${name} 0`]);
    await client.leave();
    for (const party of [operator, acme, globex]) await party.rooms(server).deleteRoom(name);
  });
}

export async function tenant_room_checks(suite, server, title) {
  await listing_checks(suite, server, title);
  await participant_checks(suite, server, title);
  await other_ways_checks(suite, server, title);
}
