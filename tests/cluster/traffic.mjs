// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What two nodes say to each other on Redis and write there, beside what two of livekit-server do in the same
// scenario (testdata/traffic.json, which CONFAB_PEER=COMMAND with CONFAB_RECORD=1 records anew).

import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

import { dispatch_client, room_client, Worker } from '../agents/worker.mjs';
import { escaped } from '../lib/psrpc.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { single_form } from './forms.mjs';
import { Nodes } from './nodes.mjs';
import { RedisTap } from './redis_tap.mjs';
import { kDifferences } from './traffic_differences.mjs';
import { entries_of } from './traffic_entries.mjs';

const kRecording = fileURLToPath(new URL('./testdata/traffic.json', import.meta.url));
const kRoom = 'traffic room-1';
const kQuietMillis = 1200; // behind each step: what is written behind, a second copy of a message
const kPeer = process.env.CONFAB_PEER?.split(' ').filter(Boolean);

const channels = (nodes) => nodes.redis.cli('PUBSUB', 'CHANNELS', '*').split('\n').filter(Boolean);

// What two nodes do in it; the room is at the first, what is asked goes through the second.
async function record(suite, { config = {}, command } = {}) {
  const form = await single_form();
  const tap = await RedisTap.start(suite, form.port);
  const step = async (name, action) => {
    tap.step = name;
    await action();
    await sleep(kQuietMillis);
  };
  const nodes = await Nodes.start(suite, 0, {}, { form, ...(command && { command }) });
  let people;
  await step('start', async () => {
    for (let i = 0; i < 2; i += 1) await nodes.add(config);
    await sleep(3000); // their first heartbeats
  });
  const [holder, away] = nodes.all;
  const api = room_client(away);
  await step('CreateRoom', () => api.createRoom({ name: kRoom, nodeId: holder.node, emptyTimeout: 60 }));
  await step('join', async () => {
    const bob = await Peer.join(suite, holder, kRoom, 'bob', { number: 2 });
    const alice = await Peer.join(suite, away, kRoom, 'alice', { number: 1 });
    await until(() => bob.remote('alice'), { what: 'bob to see alice' });
    // It never leaves: its session is ended by the room's node.
    const silent = await SignalClient.join(away, kRoom, 'silent');
    people = { alice, bob, silent };
  });
  const { alice, bob, silent } = people;
  let publication;
  await step('publish', async () => {
    ({ publication } = await alice.publish_tone());
    await bob.publish_tone();
    await Promise.all([bob.hears(alice), alice.hears(bob)]);
  });
  await step('ListParticipants', () => api.listParticipants(kRoom));
  await step('GetParticipant', () => api.getParticipant(kRoom, 'alice'));
  await step('UpdateSubscriptions', () => api.updateSubscriptions(kRoom, 'bob', [publication.sid], false));
  await step('SendData', () => api.sendData(kRoom, new TextEncoder().encode('data'), 0, { topic: 'topic' }));
  await step('UpdateRoomMetadata', () => api.updateRoomMetadata(kRoom, 'new'));
  await step('UpdateParticipant', () => api.updateParticipant(kRoom, 'alice', { metadata: 'new', attributes: { a: 'b' } }));
  await step('MutePublishedTrack', () => api.mutePublishedTrack(kRoom, 'alice', publication.sid, true));
  await step('UpdateMetadata of a client', () => alice.local.updateMetadata('of its own'));
  let worker;
  await step('agent worker', async () => { worker = await Worker.start(suite, away, { agentName: 'bot' }); });
  let made;
  let agent;
  await step('CreateDispatch', async () => {
    made = await dispatch_client(away).createDispatch(kRoom, 'bot', { metadata: 'of the job' });
    const { job, token } = await worker.assigned(kRoom);
    agent = await SignalClient.join(away, kRoom, job.state.participantIdentity, { token });
  });
  await step('ListDispatch', () => dispatch_client(away).listDispatch(kRoom));
  await step('DeleteDispatch', async () => {
    await dispatch_client(away).deleteDispatch(made.id, kRoom);
    await until(() => worker.ended.length > 0, { what: 'the end of the job' });
  });
  await step('agent worker leaves', () => {
    agent.destroy();
    worker.stop();
  });
  await step('RemoveParticipant', () => api.removeParticipant(kRoom, 'bob'));
  tap.subscribed = channels(nodes);
  await step('alice leaves', () => alice.leave());
  await step('DeleteRoom', () => api.deleteRoom(kRoom));
  silent.destroy();
  await bob.leave();
  await step('stop', async () => { for (const node of [away, holder]) await node.stop({ timeout: 16000 }); });
  tap.end();
  await nodes.end();
  return entries_of(tap, [[holder.node, '(room\'s node)'], [away.node, '(other node)'], [kRoom, '(room)'], [escaped(kRoom), '(room)']]);
}

// [where, line] of each line that one of two recordings has alone.
function differences(theirs, ours) {
  const found = [];
  const compare = (where, left = [], right = []) => {
    for (const line of left) if (!right.includes(line)) found.push({ where, who: 'livekit-server', line });
    for (const line of right) if (!left.includes(line)) found.push({ where, who: 'confab', line });
  };
  for (const step of new Set([...Object.keys(theirs.published), ...Object.keys(ours.published)])) compare(step, theirs.published[step], ours.published[step]);
  compare('written', theirs.written, ours.written);
  compare('subscribed', theirs.subscribed, ours.subscribed);
  return found;
}

const text_of = ({ where, who, line }) => `${where}: ${who} alone: ${line}`;
const is_of = (one, { who, where, line }) => who === one.who && (where === undefined || where === one.where) && line.test(one.line);

const suite = new Suite({ limit: 300 });
await suite.run(async () => {
  if (kPeer && process.env.CONFAB_RECORD) {
    fs.mkdirSync(new URL('./testdata/', import.meta.url), { recursive: true });
    fs.writeFileSync(kRecording, JSON.stringify(await record(suite, { command: kPeer }), undefined, 1) + '\n');
  }
  const recorded = JSON.parse(fs.readFileSync(kRecording, 'utf8'));

  let plain;
  await suite.check('the channels, messages and records of two nodes are those of livekit-server, but for what is listed [PSR-05] [PSR-08] [PSR-10] [PSR-11] [RDS-02] [RPC-01] [RPC-02] [RPC-03] [RPC-04] [RPC-05] [RPC-06] [RPC-07] [RPC-08] [RPC-09]', async () => {
    plain = await record(suite, { config: { confab: { node_links: false } } });
    const found = differences(recorded, plain);
    const unknown = found.filter((one) => !kDifferences.some((known) => is_of(one, known))).map(text_of);
    for (const line of unknown) console.log(`  ${line}`);
    assert.deepEqual(unknown, []);
    assert.deepEqual(kDifferences.filter((known) => !found.some((one) => is_of(one, known))).map(({ line }) => String(line)), [], 'what is listed is so');
  }, { seconds: 120 });

  await suite.check('with direct links nothing else is said on Redis, and less [NODE-20]', async () => {
    const linked = await record(suite);
    const more = differences(plain, linked).filter(({ who }) => who === 'confab').map(text_of);
    assert.deepEqual(more.filter((line) => !/metadata \{confab|confab_link_secret|^written: confab alone: HSET nodes .* 50003\}$/.test(line)), []);
    const relayed = (entries) => entries.published.Signal.filter((line) => / (said|asked) /.test(line)).length;
    assert.ok(relayed(linked) < relayed(plain) / 4, `${relayed(linked)} of ${relayed(plain)} kinds`);
  }, { seconds: 120 });

  if (kPeer) {
    await suite.check('the recording is what livekit-server does', async () => {
      const now = await record(suite, { command: kPeer });
      assert.deepEqual(differences(recorded, now).map(text_of), []);
    }, { seconds: 120 });
  }
});
