// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A participant moves to another room while its picture and its tone go on: one made of
// livekit-client in Chromium and one of rtc-node, with one peer connection and with two. Who stays
// and who is there already is rtc-node.

import { ParticipantInfo_State } from '@livekit/protocol';
import { RoomEvent, SimulateScenarioKind } from '@livekit/rtc-node';

import { refused, room_client } from '../api/clients.mjs';
import { start_chromium } from '../lib/browser.mjs';
import { kStuckTries, Peer } from '../lib/rtc_peer.mjs';
import { start_server } from '../lib/server.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { Client, refusal } from '../signal/client.mjs';
import { Caller } from './caller.mjs';

const kReconnectMillis = 20000;
// Begun with what leaves no time to be told of a token but by the move.
const kScenarios = ['full-reconnect', 'signal-reconnect'];
const kNames = {
  page: { moved: 'moved', breaks: ['reconnecting', 'signalReconnecting', 'reconnected', 'disconnected'] },
  node: { moved: RoomEvent.Moved, breaks: [RoomEvent.Reconnecting, RoomEvent.Reconnected, RoomEvent.Disconnected] },
};

// What differs between a page and a peer of rtc-node for those who watch it move. `reconnect` says whether
// the client got through it.
const mover_of = (one) =>
  one instanceof Caller
    ? {
        ...kNames.page,
        events: () => one.evaluate(() => window.caller.events.map(({ name, at }) => ({ name, at }))),
        publish: async () => [await one.call('publish_picture'), await one.call('publish_tone')],
        room: () => one.evaluate(() => window.caller.room.name),
        sid: () => one.evaluate(() => window.caller.room.localParticipant.sid),
        others: () => one.evaluate(() => [...window.caller.room.remoteParticipants.keys()]),
        say: (text) => one.call('send', text),
        reconnect: async (scenario, since) => {
          await one.call('simulate', scenario);
          await one.event('reconnected', { since, timeout: kReconnectMillis });
          await one.settled();
          return true;
        },
      }
    : {
        ...kNames.node,
        events: async () => one.events,
        publish: async () => [(await one.publish_picture()).publication.sid, (await one.publish_tone()).publication.sid],
        room: async () => one.room.name,
        sid: async () => one.local.sid,
        others: async () => [...one.room.remoteParticipants.keys()],
        say: (text) => one.local.publishData(new TextEncoder().encode(text), { reliable: true }),
        reconnect: async (scenario, since) => {
          if (scenario === 'full-reconnect') return one.full_reconnect(kReconnectMillis);
          await one.room.simulateScenario(SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT);
          await one.event(RoomEvent.Reconnected, () => true, { since, timeout: kReconnectMillis });
          return true;
        },
      };

const received = (peer, text) =>
  peer instanceof Caller
    ? peer.received(text)
    : until(() => peer.data.find((one) => one.text === text), { what: `${peer.identity} to receive "${text}"` });

async function move_checks(place, what, single, join) {
  const { suite, server, rooms, peers } = place;
  const [lobby, stage] = [`lobby-${what}`, `stage-${what}`];
  let mia;
  let mover;
  let sid;
  // It heard where it is, which may be after others see it there.
  const settled = (room, other) => until(
    async () => (await mover.room()) === room && (await mover.others()).join() === other,
    { what: async () => `to be in ${room} with ${other}, is in ${await mover.room()} with ${await mover.others()}` });

  await suite.check(`${what}: the picture and the tone go on in the new room, on the same connections [API-12] [SIG-50]`, async () => {
    peers.bob = await Peer.join(suite, server, lobby, 'bob', { number: 2, single });
    await peers.bob.publish_picture();
    peers.carol = await Peer.join(suite, server, stage, 'carol', { number: 3, single: !single });
    await peers.carol.publish_picture();
    await peers.carol.publish_tone();
    mia = await join(lobby);
    mover = mover_of(mia);
    const tracks = await mover.publish();
    await peers.bob.sees(mia);
    await peers.bob.hears(mia);
    await mia.sees(peers.bob);
    sid = await mover.sid();
    const since = Date.now();
    await rooms.moveParticipant(lobby, 'mia', stage);
    await peers.bob.event(RoomEvent.ParticipantDisconnected, (who) => who.identity === 'mia', { since });
    await peers.carol.event(RoomEvent.ParticipantConnected, (who) => who.identity === 'mia', { since });
    await Promise.all([peers.carol.sees(mia), peers.carol.hears(mia), mia.sees(peers.carol), mia.hears(peers.carol)]);
    await peers.bob.sees_no_more(mia);
    const events = (await mover.events()).filter((one) => one.at >= since);
    assert.equal(events.filter((one) => one.name === mover.moved).length, 1);
    assert.deepEqual(events.filter((one) => mover.breaks.includes(one.name)), []);
    assert.equal(await mover.room(), stage);
    assert.deepEqual(await mover.others(), ['carol']);
    const there = await rooms.getParticipant(stage, 'mia');
    assert.notEqual(there.sid, sid);
    assert.equal(await mover.sid(), there.sid);
    sid = there.sid;
    assert.deepEqual(there.tracks.map((one) => one.sid).sort(), tracks.sort());
    await refused(rooms.getParticipant(lobby, 'mia'), 'not_found', 404);
  }, { needed: true, seconds: 40 });

  await suite.check(`${what}: data goes both ways in the new room and not to the old [API-12] [SIG-120]`, async () => {
    await mover.say(`from mia ${what}`);
    await received(peers.carol, `from mia ${what}`);
    await peers.carol.local.publishData(new TextEncoder().encode(`to mia ${what}`), { reliable: true });
    await received(mia, `to mia ${what}`);
    // Of one that is behind it in the lobby's line nothing came before.
    const late = await Peer.join(suite, server, lobby, `late-${what}`, { number: 4 });
    await late.local.publishData(new TextEncoder().encode('last'), { reliable: true });
    await received(peers.bob, 'last');
    await late.leave();
    assert.deepEqual(peers.bob.data.map((one) => one.text), ['last']);
  });

  // Another one in its place.
  const anew = async () => {
    await rooms.removeParticipant(stage, 'mia');
    mia = await join(lobby);
    mover = mover_of(mia);
    await mover.publish();
    await peers.bob.sees(mia);
    await rooms.moveParticipant(lobby, 'mia', stage);
    await settled(stage, 'carol');
    await Promise.all([peers.carol.sees(mia), mia.sees(peers.carol)]);
    sid = await mover.sid();
  };

  await suite.check(`${what}: it resumes in the new room, and joins there anew [API-12] [SIG-160] [SIG-162]`, async () => {
    for (const scenario of kScenarios) {
      for (let tries = 1; !(await mover.reconnect(scenario, Date.now())); ++tries) {
        assert.ok(tries < kStuckTries, 'the client got stuck each time');
        await anew();
      }
      const timeout = kReconnectMillis;
      await Promise.all([peers.carol.sees(mia, { timeout }), mia.sees(peers.carol, { timeout })]);
      const now = (await rooms.getParticipant(stage, 'mia')).sid;
      assert.equal(now === sid, scenario === 'signal-reconnect', scenario);
      sid = now;
      assert.equal(await mover.room(), stage);
      await refused(rooms.getParticipant(lobby, 'mia'), 'not_found', 404);
    }
  }, { seconds: 90 });

  await suite.check(`${what}: and back again [API-12]`, async () => {
    const since = Date.now();
    await rooms.moveParticipant(stage, 'mia', lobby);
    await Promise.all([peers.bob.sees(mia), peers.bob.hears(mia), peers.carol.sees_no_more(mia)]);
    await peers.carol.event(RoomEvent.ParticipantDisconnected, (who) => who.identity === 'mia', { since });
    await settled(lobby, 'bob');
    await mia.sees(peers.bob);
  }, { seconds: 30 });

  // Rust on two connections does not show again whom it saw before (docs/design/moving.md).
  if (mia instanceof Caller || single) {
    await suite.check(`${what}: it sees again whom it saw before [API-12]`, async () => {
      for (const [from, to, other] of [[lobby, stage, 'carol'], [stage, lobby, 'bob']]) {
        await rooms.moveParticipant(from, 'mia', to);
        await settled(to, other);
        await Promise.all([mia.sees(peers[other]), peers[other].sees(mia)]);
      }
    }, { seconds: 30 });
  }

  await suite.check(`${what}: two moves need no pause [API-12]`, async () => {
    await rooms.moveParticipant(lobby, 'mia', stage);
    await rooms.moveParticipant(stage, 'mia', lobby);
    await settled(lobby, 'bob');
    await Promise.all([peers.bob.sees(mia), peers.bob.hears(mia)]);
    await peers.carol.sees_no_more(mia);
    await (mia.leave?.() ?? mia.close());
    await peers.bob.leave();
    await peers.carol.leave();
  }, { seconds: 30 });
}

async function refusal_checks({ suite, server, rooms }) {
  await suite.check('a move that can not be is refused and changes nothing [API-12] [API-W4]', async () => {
    const peer = await Peer.join(suite, server, 'here', 'mia');
    await rooms.createRoom({ name: 'full', maxParticipants: 1 });
    const guest = await Peer.join(suite, server, 'full', 'guest', { number: 2 });
    await refused(rooms.moveParticipant('here', 'mia', 'here'), 'invalid_argument', 400, 'destination room cannot be the same as source room');
    await refused(rooms.moveParticipant('here', 'nobody', 'there'), 'not_found', 404, 'participant does not exist');
    await refused(rooms.moveParticipant('here', 'mia', 'full'), 'failed_precondition', 412, 'the room is full');
    await refused(rooms.moveParticipant('here', 'mia', ''), 'invalid_argument', 400, 'destination room is required');
    const headers = await rooms.authHeader({ roomAdmin: true, room: 'here', destinationRoom: 'elsewhere' });
    const reply = await fetch(`${server.http}/twirp/livekit.RoomService/MoveParticipant`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({ room: 'here', identity: 'mia', destination_room: 'there' }),
    });
    assert.equal(`${reply.status} ${(await reply.json()).code}`, '401 unauthenticated');
    assert.deepEqual((await rooms.listParticipants('here')).map((one) => one.identity), ['mia']);
    assert.deepEqual(peer.events.filter((one) => one.name === RoomEvent.Moved), []);
    await Promise.all([peer.leave(), guest.leave()]);
  });
}

async function ended_checks(suite) {
  await suite.check('who has not heard of its move resumes in the new room when the old one is gone, and none is made by itself [API-12] [CON-32]', async () => {
    const server = await start_server(suite, { room: { auto_create: false }, confab: { control_threads: 1 } });
    const rooms = room_client(server);
    for (const name of ['old', 'new']) await rooms.createRoom({ name });
    const mia = await Peer.join(suite, server, 'old', 'mia');
    await mia.publish_tone();
    const query = { reconnect: '1', sid: mia.local.sid, protocol: '16' };
    await rooms.moveParticipant('old', 'mia', 'new');
    await rooms.deleteRoom('old');
    // As from a client whose WebSocket was dead when it was moved.
    const { client, status, body } = await Client.ask(server, 'old', 'mia', { query });
    assert.ok(client, `${status} ${body}`);
    suite.cleanup(() => client.destroy());
    await client.told('reconnect');
    assert.equal((await client.told('roomMoved')).room.name, 'new');
    for (const [who, settings] of [['bob', { query }], ['mia', {}]]) {
      const answer = await refusal(server, 'old', who, settings);
      assert.equal(`${answer.status} ${answer.body}`, '404 requested room does not exist');
    }
    await mia.leave();
  });
}

async function thread_checks(suite) {
  await suite.check('between control threads it connects anew, within one it moves as it is [API-12]', async () => {
    const server = await start_server(suite, { confab: { control_threads: 2 } });
    const rooms = room_client(server);
    const join = async () => {
      const one = await Peer.join(suite, server, 'here', 'mia');
      await one.publish_tone();
      return one;
    };
    let peer = await join();
    const count = (name) => peer.events.filter((one) => one.name === name).length;
    const is_active = async (room) => (await rooms.listParticipants(room).catch(() => [])).some((one) => one.identity === 'mia' && one.state === ParticipantInfo_State.ACTIVE && one.tracks.length === 1);
    // Undefined: the client got stuck.
    const move = async (from, to) => {
      const before = count(RoomEvent.Reconnected);
      await rooms.moveParticipant(from, 'mia', to);
      try {
        await until(() => is_active(to), { timeout: kReconnectMillis, what: `mia in ${to}` });
      } catch (error) {
        if (count(RoomEvent.Reconnected) === before || !(await peer.got_stuck())) throw error;
        await rooms.removeParticipant(to, 'mia');
        return undefined;
      }
      await until(() => peer.room.name === to, { what: `to be in ${to}, is in ${peer.room.name}` });
      assert.equal(await is_active(from), false);
      return count(RoomEvent.Reconnected) > before;
    };
    const there_and_back = async (there) => {
      const anew = await move('here', there);
      const back = anew === undefined ? undefined : await move(there, 'here');
      if (back !== undefined) assert.equal(back, anew);
      return back;
    };
    const seen = { moved: 0, anew: 0 };
    for (let i = 0, tries = 1; i < 6;) {
      const anew = await there_and_back(`there-${i}`); // their names say on which thread they are
      if (anew === undefined) {
        assert.ok(tries++ < kStuckTries, 'the client got stuck each time');
        peer = await join();
        continue;
      }
      seen[anew ? 'anew' : 'moved'] += 1;
      ++i;
    }
    assert.ok(seen.moved > 0 && seen.anew > 0, JSON.stringify(seen));
    assert.equal(count(RoomEvent.Disconnected), 0);
    await peer.leave();
  }, { seconds: 180 });
}

const suite = new Suite({ limit: 240 });
await suite.run(async () => {
  const [server, address, browser] = await Promise.all([
    start_server(suite, { confab: { control_threads: 1 } }),
    start_page_server(suite),
    start_chromium(suite),
  ]);
  const place = { suite, server, rooms: room_client(server), peers: {} };
  for (const single of [true, false]) {
    const mode = single ? 'v1' : 'v0';
    await move_checks(place, `rtc-node ${mode}`, single, (room) => Peer.join(suite, server, room, 'mia', { single }));
    await move_checks(place, `page ${mode}`, single, async (room) => {
      const caller = await Caller.open(suite, browser, address, 'mia', 1);
      await caller.join(server, room, { v0: !single, token: await join_token(room, 'mia') });
      return caller;
    });
  }
  await refusal_checks(place);
  await ended_checks(suite);
  await thread_checks(suite);
});
