// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What the console shows of a call while it goes on, and what an operator does to it.

import { RoomEvent } from '@livekit/rtc-node';
import { AgentDispatchClient } from 'livekit-server-sdk';

import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { kOperator, person, Visitor } from './visitor.mjs';

const kRoom = 'a room & more';
const path_of = (name) => `room?name=${encodeURIComponent(name)}`;

async function figures_checks(suite, visitor, { alice, bob }) {
  await suite.check('room: who is there, by what client and path, with what media', async () => {
    const flows = ({ participants }) => participants.length === 2 && person({ participants }, 'alice').tracks.length === 2 && person({ participants }, 'alice').tracks.every(({ bytes_per_s }) => bytes_per_s > 0) && person({ participants }, 'alice').score !== null;
    const room = await visitor.eventually(path_of(kRoom), flows, 'figures of media');
    assert.equal(room.room.name, kRoom);
    assert.equal(room.room.sid, await alice.room.getSid());
    const seen = person(room, 'alice');
    assert.equal(seen.sid, alice.local.sid);
    assert.equal(seen.state, 'active');
    assert.equal(seen.path, 'udp');
    assert.equal(seen.client.sdk, 'node');
    assert.equal(seen.client.address, '127.0.0.1');
    assert.ok(['excellent', 'good'].includes(seen.quality), seen.quality);
    assert.ok(seen.score > 3 && seen.score <= 4.5);
    assert.ok(seen.joined_at > Date.now() - 120e3 && seen.joined_at <= Date.now());
    const video = seen.tracks.find(({ kind }) => kind === 'video');
    const sound = seen.tracks.find(({ kind }) => kind === 'audio');
    assert.equal(video.sid, alice.picture_sid);
    assert.equal(video.source, 'camera');
    assert.ok(video.mime_type.startsWith('video/'));
    assert.ok(video.layers.length >= 1);
    for (const layer of video.layers) {
      assert.ok(layer.bitrate > 1000, `bit rate ${layer.bitrate}`);
      assert.ok(layer.fps > 3 && layer.fps < 61, `${layer.fps} frames a second`);
      assert.ok(layer.width > 0 && layer.height > 0);
    }
    assert.ok(video.lost_fraction < 0.05);
    assert.equal(video.subscribers, 1);
    assert.equal(sound.subscribers, 1);
    assert.deepEqual(sound.layers, []);
    assert.equal(person(room, 'bob').tracks.length, 0);
    void bob;
  }, { seconds: 40 });

  await suite.check('room: it is in the list; what is not there is not', async () => {
    const { total, rooms } = await visitor.get(`rooms?search=${encodeURIComponent('ROOM & MORE')}`);
    assert.equal(total, 1);
    const [row] = rooms;
    assert.deepEqual([row.name, row.participants, row.publishers, row.tracks, row.recording], [kRoom, 2, 1, 2, false]);
    assert.equal((await visitor.ask('GET', path_of('nowhere'))).status, 404);
  });

  await suite.check('overview: totals, the workers\' rates and the funnel of joins', async () => {
    const busy = (view) => view.totals.participants >= 2 && view.totals.bytes_in_per_s > 1000 && view.totals.bytes_out_per_s > 1000;
    const view = await visitor.eventually('overview', busy, 'rates of a call');
    assert.ok(view.totals.rooms >= 1 && view.totals.tracks >= 2);
    assert.ok(view.workers.length >= 1);
    assert.ok(view.workers.some(({ packets_in_per_s, load }) => packets_in_per_s > 10 && load > 0 && load <= 1.1));
    assert.equal(view.nodes.length, 1);
    assert.deepEqual([view.nodes[0].id, view.nodes[0].self, view.nodes[0].state], [view.node_id, true, 'SERVING']);
    assert.ok(view.joins.connected >= 2 && view.joins.admitted >= view.joins.connected && view.joins.attempted >= view.joins.admitted);
  });
}

async function action_checks(suite, visitor, { alice, bob }) {
  const id = { room: kRoom, identity: 'alice' };
  await suite.check('action: a track is muted', async () => {
    await visitor.call('RoomService/MutePublishedTrack', { ...id, track_sid: alice.picture_sid, muted: true });
    await bob.event(RoomEvent.TrackMuted, (publication) => publication.sid === alice.picture_sid);
    const room = await visitor.get(path_of(kRoom));
    assert.equal(person(room, 'alice').tracks.find(({ kind }) => kind === 'video').muted, true);
  });

  await suite.check('action: metadata, attributes and permissions of somebody, metadata of the room', async () => {
    await visitor.call('RoomService/UpdateParticipant', { ...id, metadata: 'told', attributes: { seat: '7' }, permission: { can_subscribe: true, can_publish: true, can_publish_data: false } });
    await until(() => bob.remote('alice').metadata === 'told' && bob.remote('alice').attributes.seat === '7', { timeout: 5000, what: () => 'what alice was given' });
    const seen = person(await visitor.get(path_of(kRoom)), 'alice');
    assert.deepEqual([seen.metadata, seen.attributes.seat, seen.permission.can_publish_data], ['told', '7', false]);
    await visitor.call('RoomService/UpdateRoomMetadata', { room: kRoom, metadata: 'for all' });
    await until(() => alice.room.metadata === 'for all', { timeout: 5000, what: () => 'metadata of the room' });
  });

  await suite.check('action: data for somebody', async () => {
    const since = Date.now();
    await visitor.call('RoomService/SendData', { room: kRoom, data: Buffer.from('hello').toString('base64'), kind: 'RELIABLE', topic: 'console', destination_identities: ['bob'] });
    await bob.event(RoomEvent.DataReceived, (payload) => Buffer.from(payload).toString() === 'hello', { since });
  });

  await suite.check('action: an agent is asked for', async () => {
    const made = await visitor.call('AgentDispatchService/CreateDispatch', { room: kRoom, agent_name: 'nobody-yet' });
    const all = await new AgentDispatchClient(visitor.server.http, KEY, SECRET).listDispatch(kRoom);
    assert.equal(all.find(({ agentName }) => agentName === 'nobody-yet')?.id, made.id);
  });

  await suite.check('action: somebody is removed, the room is closed; what fails says why', async () => {
    const since = Date.now();
    await visitor.call('RoomService/RemoveParticipant', id);
    await bob.event(RoomEvent.ParticipantDisconnected, (who) => who.identity === 'alice', { since });
    const failed = await visitor.call('RoomService/RemoveParticipant', id, 404);
    assert.equal(failed.error, 'participant does not exist');
    await visitor.call('RoomService/DeleteRoom', { room: kRoom });
    await bob.event(RoomEvent.Disconnected, () => true, { since });
    assert.equal((await visitor.ask('GET', path_of(kRoom))).status, 404);
  });

  await suite.check('action: each is an event with who did it', async () => {
    const { events, kinds } = await visitor.get('events?kind=action&limit=50');
    assert.ok(kinds.includes('action'));
    const texts = events.map(({ text }) => text);
    for (const method of ['MutePublishedTrack', 'UpdateParticipant', 'SendData', 'RemoveParticipant', 'DeleteRoom']) assert.ok(texts.includes(`RoomService/${method}`), method);
    assert.ok(texts.includes('RoomService/RemoveParticipant failed: participant does not exist'));
    for (const event of events) assert.deepEqual([event.who, event.room], ['operator', kRoom]);
    for (const method of ['MutePublishedTrack', 'UpdateParticipant', 'RemoveParticipant']) assert.equal(events.find(({ text }) => text === `RoomService/${method}`).identity, 'alice', method);
    assert.deepEqual(events.map(({ at }) => at), events.map(({ at }) => at).sort((a, b) => b - a));
  });
}

// Two media workers, each with somebody who sends.
async function workers_check(suite) {
  await suite.check('overview: rates are the sum over all media workers', async () => {
    const server = await start_server(suite, { confab: { console_password: kOperator, workers: 2, participants_per_worker: 1 } });
    const visitor = await Visitor.signed_in(server, { password: kOperator });
    for (let number = 1; number <= 2; ++number) {
      const peer = await Peer.join(suite, server, `call ${number}`, `speaker-${number}`, { number });
      await peer.publish_tone();
    }
    const busy = ({ workers }) => workers.length === 2 && workers.every(({ peers, bytes_in_per_s }) => peers === 1 && bytes_in_per_s > 1000);
    const { workers, totals } = await visitor.eventually('overview', busy, 'two busy workers');
    for (const figure of ['bytes_in_per_s', 'bytes_out_per_s']) {
      const sum = workers.reduce((all, worker) => all + worker[figure], 0);
      assert.ok(Math.abs(totals[figure] - sum) <= 1, `${figure}: ${totals[figure]} of ${JSON.stringify(workers)}`);
    }
    await server.stop();
  }, { seconds: 60 });
}

async function recording_check(suite, server, visitor) {
  await suite.check('room: one that is recorded says so, and no more once it is not', async () => {
    const rooms = async () => (await visitor.get('rooms?search=reel&sort=name')).rooms.map(({ name, recording }) => [name, recording]);
    const page = async (name) => Boolean((await visitor.get(path_of(name))).room.active_recording);
    const others = [await SignalClient.join(server, 'reel-1', 'alice'), await SignalClient.join(server, 'reel-2', 'bob')];
    const token = await join_token('reel-2', 'tape', { grant: { recorder: true, hidden: true } });
    const tape = await SignalClient.join(server, '', 'tape', { token });
    assert.deepEqual(await rooms(), [['reel-1', false], ['reel-2', true]]);
    assert.deepEqual([await page('reel-1'), await page('reel-2')], [false, true]);
    await tape.leave();
    await until(async () => !(await rooms())[1][1], { timeout: 5000, what: () => 'the end of the recording' });
    for (const one of others) await one.leave();
  });
}

export async function live_checks(suite, server, visitor) {
  const alice = await Peer.join(suite, server, kRoom, 'alice', { number: 1 });
  const bob = await Peer.join(suite, server, kRoom, 'bob', { number: 2 });
  alice.picture_sid = (await alice.publish_picture({ width: 320, height: 180 })).publication.sid;
  await alice.publish_tone();
  await bob.sees(alice);
  await figures_checks(suite, visitor, { alice, bob });
  await recording_check(suite, server, visitor);
  await workers_check(suite);
  await action_checks(suite, visitor, { alice, bob });
}
