// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Rooms that are recorded because whoever made them said so: by an egress worker of the cluster, each
// thing once, at the room's next node too.

import { RoomEvent } from '@livekit/rtc-node';
import { EgressClient } from 'livekit-server-sdk';

import { call, in_words, join_claims, mint } from '../api/requests.mjs';
import { acme, globex, keys, operator, tenants } from '../api/tenant_clients.mjs';
import { WebhookSink } from '../api/webhook_sink.mjs';
import { encode, Fields, Peer as Service } from '../lib/psrpc.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { Nodes } from './nodes.mjs';

const kCreate = { grant: { roomCreate: true, roomList: true } };
const kActive = 1n;

// StartEgressRequest by 03 RPC-34: which kind it is, and in it the room and what of it.
const kKinds = { 5: 'room', 13: 'participant', 7: 'track' };
function read(request) {
  const fields = new Fields(request);
  const number = Number(Object.keys(kKinds).find((one) => fields.has(Number(one))));
  const body = fields.message(number);
  const path = { 5: () => body.message(11).text(2), 13: () => body.message(6).text(2), 7: () => body.message(3).text(1) }[number]();
  return { kind: kKinds[number], number, body: fields.bytes(number), id: fields.text(1), sid: fields.text(3), token: fields.text(8), room: body.text(1), of: number === 5 ? '' : body.text(2), path };
}

// A worker of egresses, which takes whatever it is asked for.
class Recorder {
  asked = [];

  static async start(suite, port) {
    const recorder = new Recorder();
    recorder.service = await Service.start(suite, port, 'recorder');
    recorder.stop = await recorder.service.serve('EgressInternal', 'StartEgress', '', (request) => {
      const one = read(request);
      recorder.asked.push(one);
      if (recorder.refusal) throw recorder.refusal;
      const field = { 5: 4, 13: 19, 7: 6 }[one.number];
      return encode({ 1: one.id, 2: one.sid, 3: kActive, 13: one.room, [field]: one.body });
    });
    return recorder;
  }

  of(room, kind) {
    return this.asked.filter((one) => one.room === room && one.kind === kind);
  }
  told(room) {
    return this.asked.filter((one) => one.room === room).map(({ kind, of }) => `${kind} ${of.replace(/^TR_.*/, 'TR')}`.trim());
  }
}

const failed = (sink, room) => sink.deliveries.map(({ event }) => event).filter((event) => event?.event === 'egress_ended' && event.egressInfo.roomName === room);

export async function recording_checks(suite) {
  const sink = await WebhookSink.start(suite);
  const presets = { recorded: { egress: { participant: { file_outputs: [{ filepath: 'p-{time}' }] } } } };
  const nodes = await Nodes.start(suite, 2, { webhook: { urls: [sink.url], api_key: KEY }, room: { room_configurations: presets } });
  const [one, two] = nodes.all;
  const create = (node, name, more) => call(node, 'RoomService/CreateRoom', { name, empty_timeout: 60, ...more }, kCreate);

  await suite.check('a room is to be recorded and no worker is there: it is made, and that nothing records it is told [EGR-19] [API-01] [HOOK-01]', async () => {
    const begin = Date.now();
    const made = await create(one, 'alone', { egress: { room: { file_outputs: [{ filepath: 'r.mp4', s3: { secret: 'a-secret' } }], layout: 'grid' } } });
    assert.equal(made.status, 200);
    assert.ok(Date.now() - begin < 3000, `after ${Date.now() - begin} ms`);
    const [event] = await until(() => failed(sink, 'alone').length > 0 && failed(sink, 'alone'), { timeout: 60000, what: 'the failure' });
    const { egressInfo: info } = event;
    assert.deepEqual([info.egressId, info.status, info.error, info.roomId], ['', 4, 'no response from servers', made.json.sid]);
    assert.equal(info.request.value.layout, 'grid');
    const node = nodes.holder('alone');
    assert.match(node.log, /a recording that a room was made with does not begin.*alone.*no response from servers/);
    for (const text of [node.log, ...sink.deliveries.map(({ body }) => body)]) assert.ok(!text.includes('a-secret'), 'a secret was told');
  }, { seconds: 90 });

  const recorder = await Recorder.start(suite, nodes.redis.port);

  await suite.check('a room, its participants and their tracks are recorded from their beginnings, each once, whichever node is asked [EGR-19] [ROOM-09] [RPC-10] [RDS-03] [RDS-09]', async () => {
    const file = { filepath: 'out/x.ogg', s3: { bucket: 'b' } };
    const egress = { room: { room_name: 'another', file_outputs: [{ filepath: 'r.mp4' }] }, participant: { file_outputs: [{ filepath: 'p.mp4' }] }, tracks: file };
    const made = await create(two, 'recorded', { node_id: one.node, egress });
    assert.equal(made.status, 200, in_words(made));
    await until(() => recorder.told('recorded').join() === 'room', { what: 'the recording of the room' });
    assert.equal(recorder.asked.at(-1).sid, made.json.sid);
    assert.equal((await create(one, 'recorded', { egress })).status, 200);
    const alice = await Peer.join(suite, two, 'recorded', 'alice', { number: 1 });
    await sleep(300);
    assert.deepEqual(recorder.told('recorded'), ['room']);
    await alice.publish_tone();
    await alice.publish_picture();
    const all = ['room', 'participant alice', 'track TR', 'track TR'];
    await until(() => recorder.told('recorded').length === all.length, { what: () => `${all}, there are ${recorder.told('recorded')}` });
    assert.deepEqual(recorder.told('recorded'), all);
    assert.deepEqual(recorder.of('recorded', 'track').map(({ path }) => path), ['out/x-{track_id}.ogg', 'out/x-{track_id}.ogg']);
    assert.equal(recorder.of('recorded', 'room')[0].path, 'r.mp4');
    const listed = await new EgressClient(two.http, KEY, SECRET).listEgress({ roomName: 'recorded' });
    assert.deepEqual(listed.map(({ egressId }) => egressId).sort(), recorder.asked.filter(({ room }) => room === 'recorded').map(({ id }) => id).sort());
    await alice.leave();
    const again = await Peer.join(suite, one, 'recorded', 'alice', { number: 1 });
    await again.publish_tone();
    await until(() => recorder.of('recorded', 'participant').length === 2, { what: 'the recording of who came again' });
    await again.leave();
  }, { seconds: 60 });

  await suite.check('by a preset, by CreateRoom and in a token, and by the configuration of a token [ROOM-03] [ROOM-04] [TOK-08]', async () => {
    assert.equal((await create(two, 'preset', { room_preset: 'recorded', node_id: one.node })).status, 200);
    const claims = { 'preset-token': { roomPreset: 'recorded' }, 'own-token': { roomConfig: { egress: { room: { audioOnly: true } } } } };
    for (const [room, more] of Object.entries(claims)) {
      const caller = await SignalClient.join(two, room, 'caller', { v1: false, token: mint(join_claims(room, more)) });
      caller.destroy();
    }
    await until(() => recorder.told('own-token').join() === 'room', { what: 'the recording of the room of the token' });
    for (const room of ['preset', 'preset-token']) {
      const alice = await Peer.join(suite, one, room, 'alice', { number: 1 });
      await alice.publish_tone();
      await until(() => recorder.told(room).join() === 'participant alice', { what: `the recording of alice in ${room}` });
      assert.equal(recorder.of(room, 'participant')[0].path, 'p-{time}');
      await alice.leave();
    }
  }, { seconds: 60 });

  await suite.check('what the worker refuses is told, and the call goes on [EGR-19] [HOOK-01]', async () => {
    recorder.refusal = { code: 'invalid_argument', text: 'request has missing or invalid field: output' };
    assert.equal((await create(one, 'refused', { egress: { tracks: { filepath: 'x' } } })).status, 200);
    const alice = await Peer.join(suite, one, 'refused', 'alice', { number: 1 });
    const bob = await Peer.join(suite, two, 'refused', 'bob', { number: 2 });
    await alice.publish_tone();
    const [event] = await until(() => failed(sink, 'refused').length > 0 && failed(sink, 'refused'), { what: 'the failure' });
    assert.deepEqual([event.egressInfo.egressId, event.egressInfo.error], ['', recorder.refusal.text]);
    assert.match(event.egressInfo.request.value.trackId, /^TR_/);
    await bob.hears(alice);
    recorder.refusal = undefined;
    for (const peer of [alice, bob]) await peer.leave();
  });

  await suite.check('each address that a request for a recording names is told of it, signed by the key that it names or the configured one [HOOK-08]', async () => {
    const sinks = [await WebhookSink.start(suite), await WebhookSink.start(suite), await WebhookSink.start(suite)];
    const [first, second, unknown] = sinks;
    const webhooks = [{ url: first.url }, { url: unknown.url, signing_key: 'no-such-key' }, { url: second.url, signing_key: KEY }];
    assert.equal((await create(one, 'told', {})).status, 200);
    const started = await call(two, 'Egress/StartRoomCompositeEgress', { room_name: 'told', file: { filepath: 'r.mp4' }, webhooks }, { grant: { roomRecord: true } });
    assert.equal(started.status, 200, in_words(started));
    const info = await until(() => first.deliveries[0]?.event?.egressInfo, { what: 'what the first address is told' });
    assert.equal(info.egressId, started.json.egress_id);
    await until(() => second.deliveries[0]?.event?.egressInfo?.egressId === info.egressId, { what: 'what the second address is told' });
    assert.deepEqual(sinks.map(({ deliveries }) => deliveries.length), [1, 1, 0]);
    assert.equal(sink.deliveries.filter(({ event }) => event?.egressInfo?.egressId === info.egressId).length, 1);
  });

  await suite.check('the node of a recorded room dies: at the next one its tracks are recorded, and who is recorded already is not again [EGR-19] [RDS-03] [RDS-27]', async () => {
    const own = await Nodes.start(suite, 2);
    const worker = await Recorder.start(suite, own.redis.port);
    const [holder, away] = own.all;
    const egress = { room: { layout: 'grid' }, participant: { file_outputs: [{ filepath: 'p.mp4' }] }, tracks: { filepath: 't' } };
    assert.equal((await create(away, 'moved', { node_id: holder.node, egress })).status, 200);
    const alice = await Peer.join(suite, away, 'moved', 'alice', { number: 1 });
    await alice.publish_tone();
    await until(() => worker.told('moved').length === 3, { what: 'all recordings' });
    const since = Date.now();
    holder.signal('SIGKILL');
    await alice.event(RoomEvent.Reconnected, () => true, { since, timeout: 30000 });
    await until(() => worker.of('moved', 'track').length === 2, { timeout: 20000, what: 'the track at the next node' });
    assert.equal(own.holder('moved'), away);
    await sleep(1000);
    assert.deepEqual(worker.told('moved'), ['room', 'participant alice', 'track TR', 'track TR']);
    // Its recording ends, as its participant left the node that died: another one begins.
    const { id, body } = worker.of('moved', 'participant')[0];
    const ended = encode({ 1: id, 3: 3n, 11: BigInt(Date.now()) * 1000000n, 13: 'moved', 19: body });
    await worker.service.call('IOInfo', 'UpdateEgress', ended);
    await until(() => worker.of('moved', 'participant').length === 2, { timeout: 20000, what: 'another recording of alice' });
    await alice.leave();
    await own.end();
  }, { seconds: 90 });

  await suite.check('rooms of tenants are recorded from their beginnings: with tokens of their keys, under their names, and nobody else sees it [EGR-19] [EGR-77] [TEN-03] [HOOK-01]', async () => {
    const hooks = await WebhookSink.start(suite);
    const own = await Nodes.start(suite, 2, { keys, confab: { tenants }, webhook: { urls: [hooks.url], api_key: KEY } });
    const worker = await Recorder.start(suite, own.redis.port);
    const [holder, away] = own.all;
    const egress = { room: { layout: 'grid', file_outputs: [{ filepath: '../r.mp4' }] }, participant: { file_outputs: [{ filepath: 'p.mp4' }] }, tracks: { filepath: 'out/x.ogg' } };
    for (const party of [acme, globex, operator]) {
      const made = await call(away, 'RoomService/CreateRoom', { name: 'one-name', empty_timeout: 60, node_id: holder.node, egress }, { token: party.mint(kCreate.grant) });
      assert.equal(made.status, 200, in_words(made));
      party.sid = made.json.sid;
    }
    const of = (party) => worker.asked.filter(({ sid }) => sid === party.sid);
    await until(() => [acme, globex, operator].every((party) => of(party).length === 1), { what: 'the recordings of all rooms' });
    const alice = await Peer.join(suite, away, 'one-name', 'alice', { number: 1, token: await acme.token('one-name', 'alice') });
    await alice.publish_tone();
    await until(() => of(acme).length === 3, { what: 'all recordings of acme' });
    assert.deepEqual(of(acme).map(({ room, path }) => [room, path]), [['one-name', 'tenant-acme/r.mp4'], ['one-name', 'tenant-acme/p.mp4'], ['one-name', 'tenant-acme/out/x-{track_id}.ogg']]);
    assert.deepEqual(of(operator).map(({ room, path, token }) => [room, path, token]), [['one-name', '../r.mp4', '']]);
    // The token lets the worker into the room of the tenant, and none else.
    const [whole] = of(acme);
    const recorder = await SignalClient.join(away, 'one-name', whole.id, { v1: false, token: whole.token });
    assert.equal(recorder.last.join.room.sid, acme.sid);
    recorder.destroy();
    const list = async (party) => call(away, 'Egress/ListEgress', {}, { token: party.mint({ roomRecord: true }) });
    assert.deepEqual((await list(operator)).json.items.map(({ egress_id }) => egress_id), of(operator).map(({ id }) => id));
    assert.equal((await list(acme)).status, 501);
    const stopped = await call(away, 'Egress/StopEgress', { egress_id: whole.id }, { token: operator.mint({ roomRecord: true }) });
    assert.match(in_words(stopped), /^404 not_found .*egress does not exist$/);
    const told = () => hooks.deliveries.filter(({ event }) => event?.event === 'egress_started');
    await until(() => told().length === 5, { timeout: 15000, what: () => `egress_started of all, there are ${told().length}` });
    for (const party of [acme, globex, operator]) {
      const name = { [acme.key]: 'acme', [globex.key]: 'globex' }[party.key];
      const whose = told().filter(({ event }) => event.egressInfo.roomId === party.sid).map(({ headers }) => headers['x-confab-tenant']);
      assert.deepEqual([...new Set(whose)], [name]);
    }
    await alice.leave();
    await own.end();
  }, { seconds: 60 });
}
