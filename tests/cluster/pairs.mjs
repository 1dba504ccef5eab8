// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Two nodes on each form of Redis, the room at the first: two of ours, and with CONFAB_PEER (the command of a
// livekit-server, which takes --config-body) ours with the peer and the peer with ours.

import { Caller, meet } from '../browser/caller.mjs';
import { WebhookSink } from '../api/webhook_sink.mjs';
import { start_chromium } from '../lib/browser.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { KEY } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { dispatch_client, room_client, Worker } from '../agents/worker.mjs';
import { call_checks } from './calls.mjs';
import { cluster_form, guarded_form, sentinel_form, single_form } from './forms.mjs';
import { Nodes } from './nodes.mjs';

const kForms = { 'one Redis': single_form, 'TLS and a user': guarded_form, Sentinel: sentinel_form, 'Redis Cluster': cluster_form };
const kPeer = process.env.CONFAB_PEER?.split(' ').filter(Boolean);
const kOurs = undefined; // the options of start_server
const kPairs = { 'two of ours': [kOurs, kOurs], ...(kPeer && { 'ours and the peer': [kOurs, { command: kPeer }], 'the peer and ours': [{ command: kPeer }, kOurs] }) };
const kAfterwardsMillis = 1500; // in which a second webhook would have come

const names = (list) => list.map((one) => one.identity).sort();
const listed = async (node, room) => (await room_client(node).listRooms([room])).length === 1;

const make_room = (holder, name) => room_client(holder).createRoom({ name, nodeId: holder.node, emptyTimeout: 60 });

// A page and rtc-node at different nodes, `page_at` and the other one. DeleteRoom through the one that has no room.
async function page_check({ suite, nodes, on, address, browser }, v0) {
  await suite.check(`${on}, ${v0 ? 'v0' : 'v1'}: livekit-client in Chromium and rtc-node at two nodes see and hear each other until DeleteRoom [NODE-10] [NODE-20] [RPC-01] [RPC-33]`, async () => {
    const [holder, away] = nodes.all;
    const [page_at, other] = v0 ? [holder, away] : [away, holder];
    const room = `page-${v0 ? 'v0' : 'v1'}`;
    await make_room(holder, room);
    const page = await Caller.open(suite, browser, address, 'page', 1);
    await page.join(page_at, room, { v0 });
    const bob = await Peer.join(suite, other, room, 'bob', { number: 2, single: !v0 });
    await Promise.all([page.call('publish_picture'), page.call('publish_tone'), bob.publish_picture(), bob.publish_tone()]);
    await meet(page, bob);
    assert.equal(nodes.holder(room), holder);
    const since = Date.now();
    await room_client(away).deleteRoom(room);
    await page.event('disconnected', { since });
    await until(() => !bob.room.isConnected, { what: 'bob to be sent away' });
    for (const node of nodes.all) await until(async () => !(await listed(node, room)), { what: 'no room' });
    await page.close();
    await bob.leave();
  }, { seconds: 60 });
}

async function api_check({ suite, nodes, on }) {
  await suite.check(`${on}: the server API through either node [RDS-02] [RDS-21] [RPC-02] [RPC-03] [RPC-04] [RPC-33]`, async () => {
    const [holder, away] = nodes.all;
    for (const [i, by] of nodes.all.entries()) {
      const api = room_client(by);
      const room = `api-${i}`;
      const made = await api.createRoom({ name: room, nodeId: holder.node, metadata: 'first', emptyTimeout: 60 });
      assert.equal(nodes.holder(room), holder);
      for (const node of nodes.all) await until(async () => (await room_client(node).listRooms([room]))[0]?.sid === made.sid, { what: 'the room' });
      assert.equal((await room_client(away).createRoom({ name: room })).sid, made.sid);
      const alice = await Peer.join(suite, away, room, 'alice', { number: 1 });
      const bob = await Peer.join(suite, holder, room, 'bob', { number: 2 });
      const { publication } = await alice.publish_tone();
      await bob.hears(alice);
      await until(async () => names(await api.listParticipants(room)).join() === 'alice,bob', { what: 'both in the list' });
      await until(async () => (await api.getParticipant(room, 'alice')).tracks[0]?.sid === publication.sid, { what: 'the track' });
      await api.updateRoomMetadata(room, 'second');
      for (const peer of [alice, bob]) await until(() => peer.room.metadata === 'second', { what: `${peer.identity} to know the metadata` });
      assert.equal((await api.mutePublishedTrack(room, 'alice', publication.sid, true)).muted, true);
      await until(() => bob.remote('alice').trackPublications.get(publication.sid).muted, { what: 'bob to see the mute' });
      await api.updateParticipant(room, 'bob', { metadata: 'told', attributes: { from: 'afar' } });
      await until(() => alice.remote('bob').metadata === 'told' && alice.remote('bob').attributes.from === 'afar', { what: 'alice to be told' });
      await api.sendData(room, new TextEncoder().encode('to all'), 0, { topic: 'afar' });
      for (const peer of [alice, bob]) await until(() => peer.data.some(({ text, topic }) => text === 'to all' && topic === 'afar'), { what: `data for ${peer.identity}` });
      await api.removeParticipant(room, 'bob');
      await until(() => !alice.remote('bob') && !bob.room.isConnected, { what: 'bob to be gone' });
      await api.deleteRoom(room);
      await until(() => !alice.room.isConnected, { what: 'alice to be sent away' });
      for (const node of nodes.all) await until(async () => !(await listed(node, room)), { what: 'no room' });
      assert.equal(nodes.redis.cli('HGET', 'room_node_map', room), '');
      await Promise.all([alice.leave(), bob.leave()]);
    }
  }, { seconds: 60 });
}

async function webhook_check({ suite, nodes, on, sink }) {
  await suite.check(`${on}: each webhook of a call over two nodes comes once [HOOK-01] [HOOK-04]`, async () => {
    const [holder, away] = nodes.all;
    const room = `hooks-${on}`;
    await make_room(holder, room);
    const alice = await Peer.join(suite, away, room, 'alice', { number: 1 });
    const bob = await Peer.join(suite, holder, room, 'bob', { number: 2 });
    await alice.publish_tone();
    await bob.hears(alice);
    await alice.leave();
    await until(() => !bob.remote('alice'), { what: 'alice to be gone' });
    await bob.leave();
    await room_client(away).deleteRoom(room);
    await sink.event(room, 'room_finished', { timeout: 10000 });
    await sleep(kAfterwardsMillis);
    const both = (event) => [`${event} alice`, `${event} bob`];
    assert.deepEqual(sink.story(room).sort(), [
      ...both('participant_joined'), ...both('participant_left'), 'room_finished', 'room_started', 'track_published alice', 'track_unpublished alice',
    ]);
    const ids = sink.of_room(room).map(({ event }) => event.id);
    assert.equal(new Set(ids).size, ids.length);
  }, { seconds: 45 });
}

async function agent_check({ suite, nodes, on }) {
  for (const [worker_at, told] of [[1, 'the worker at the other node than the room'], [0, 'the worker at the node of the room']]) {
    await suite.check(`${on}: CreateDispatch through one node brings an agent, ${told} [DSP-24] [DSP-25] [RPC-05] [RPC-07] [RPC-08]`, async () => {
      const [holder] = nodes.all;
      const [at, asked] = worker_at === 1 ? [nodes.all[1], nodes.all[0]] : [nodes.all[0], nodes.all[1]];
      const agentName = `bot-${worker_at}`;
      const room = `agents-${worker_at}`;
      await make_room(holder, room);
      const alice = await Peer.join(suite, asked, room, 'alice', { number: 1 });
      const worker = await Worker.start(suite, at, { agentName });
      const made = await dispatch_client(asked).createDispatch(room, agentName, { metadata: 'of this job' });
      const { job, token } = await worker.assigned(room, { timeout: 15000 });
      assert.deepEqual([job.dispatchId, job.metadata, job.room.name], [made.id, 'of this job', room]);
      const agent = await SignalClient.join(at, room, job.state.participantIdentity, { token });
      await until(() => alice.remote(job.state.participantIdentity), { what: 'alice to see the agent' });
      await until(async () => (await dispatch_client(at).listDispatch(room)).some((one) => one.id === made.id && one.state.jobs[0]?.id === job.id), { what: 'the job in the list' });
      await dispatch_client(at).deleteDispatch(made.id, room);
      await until(() => worker.ended.includes(job.id), { what: 'the worker to be told of the end' });
      agent.destroy();
      worker.stop();
      await room_client(asked).deleteRoom(room);
      await alice.leave();
    }, { seconds: 60 });
  }
}

const suite = new Suite({ limit: 1100 });
await suite.run(async () => {
  const sink = await WebhookSink.start(suite);
  const [address, browser] = await Promise.all([start_page_server(suite), start_chromium(suite)]);
  for (const [form_name, form_of] of Object.entries(kForms)) {
    for (const [pair, kinds] of Object.entries(kPairs)) {
      const on = `${form_name}, ${pair}`;
      const nodes = await Nodes.start(suite, 0, {}, { form: await form_of(suite) });
      for (const options of kinds) await nodes.add({ webhook: { urls: [sink.url], api_key: KEY } }, options);
      const place = { suite, nodes, on, sink, address, browser };
      if (kinds.some(Boolean)) await call_checks(suite, nodes, on);
      for (const v0 of [false, true]) await page_check(place, v0);
      await api_check(place);
      await webhook_check(place);
      await agent_check(place);
      await nodes.end();
    }
  }
});
