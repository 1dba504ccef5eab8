// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What nodes ask of the services of egress and ingress: of one that is free, of the one that runs it.

import { EgressClient, EncodedFileOutput, IngressClient, IngressInput, SipClient } from 'livekit-server-sdk';

import { refused, room_client } from '../api/clients.mjs';
import { encode, Fields, Peer } from '../lib/psrpc.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { Nodes } from './nodes.mjs';
import { egress } from './stored_egresses.mjs';

const egresses = (node) => new EgressClient(node.http, KEY, SECRET);
const ingresses = (node) => new IngressClient(node.http, KEY, SECRET);
const kNobody = 'no response from servers';
const kComplete = 3n;
const kEnding = 2n;
const kRtmp = 'rtmp://192.0.2.1/live/key';

// Somebody is there and takes no request.
const hear_only = (peer, ...parts) => peer.pushes.send('SUBSCRIBE', [...parts, 'REQ'].join('|'));

async function egress_checks(suite, [one, two], stored) {
  const { peer } = stored;
  const write = (info) => stored.put('egress', info[1], info);

  await suite.check('an egress that a worker took is written by the node that asked, with the fields that the worker was given; one that it refused is not [RDS-08] [RDS-09] [RPC-10] [RPC-34]', async () => {
    const room = await room_client(two).createRoom({ name: 'studio', emptyTimeout: 60 });
    let refusal;
    const asked = [];
    const end = await peer.serve('EgressInternal', 'StartEgress', '', (request) => {
      const fields = new Fields(request);
      asked.push(fields);
      if (refusal) throw refusal;
      return encode(egress(fields.text(1), fields.message(5).text(1), { 3: 0n, 4: fields.bytes(5) }));
    });
    const start = (node) => egresses(node).startRoomCompositeEgress('studio', new EncodedFileOutput({ filepath: 'out.mp4' }), { layout: 'grid' });
    const { egressId: id } = await start(one);
    const [request] = asked;
    assert.match(id, /^EG_\w{12}$/);
    assert.deepEqual([request.text(1), request.text(3), request.message(5).text(1), request.message(5).text(2)], [id, room.sid, 'studio', 'grid']);
    assert.deepEqual([request.has(8), request.has(9)], [false, false], 'the worker has a key of its own, and knows where to join');
    assert.deepEqual((await stored.record('egress', id)).message(4).text(2), 'grid');
    assert.deepEqual(await stored.names('SMEMBERS', 'egress:room:studio'), [id]);
    refusal = { code: 'invalid_argument', text: 'no such layout' };
    await refused(start(two), 'invalid_argument', 400, 'no such layout');
    assert.equal(asked.length, 2);
    assert.deepEqual(await stored.names('SMEMBERS', 'egress:room:studio'), [id]);
    assert.equal(await stored.text('HEXISTS', 'egress', asked[1].text(1)), '0');
    await end();
    await stored.ask('HDEL', 'egress', id);
    await room_client(two).deleteRoom('studio');
  });

  await suite.check('an egress is stopped and given streams by whoever runs it, at the topic of its id, through any node [RPC-12] [RPC-34]', async () => {
    await write(egress('EG_runs', 'studio'));
    const asked = [];
    const handlers = [];
    for (const method of ['StopEgress', 'UpdateStream']) {
      handlers.push(await peer.serve('EgressHandler', method, 'EG_runs', (request) => {
        asked.push([method, request]);
        return encode(egress('EG_runs', 'studio', { 3: kEnding }));
      }));
    }
    const changed = await egresses(two).updateStream('EG_runs', [kRtmp, `${kRtmp}2`], ['rtmp://192.0.2.1/old']);
    assert.deepEqual([changed.egressId, changed.status], ['EG_runs', 2]);
    assert.equal((await egresses(one).stopEgress('EG_runs')).status, 2);
    assert.deepEqual(asked.map(([method]) => method), ['UpdateStream', 'StopEgress']);
    const [update, stop] = asked.map(([, request]) => new Fields(request));
    assert.deepEqual([update.text(1), update.all(2).map(String), update.all(3).map(String)], ['EG_runs', [kRtmp, `${kRtmp}2`], ['rtmp://192.0.2.1/old']]);
    assert.deepEqual([stop.numbers, stop.text(1)], [[1], 'EG_runs']);
    for (const end of handlers) await end();
  });

  await suite.check('an egress that nobody runs: whether it stops is not known, a stream is not added; one that is over, one that is not there, what its worker refuses [RPC-12] [API-23]', async () => {
    await write(egress('EG_silent', 'studio'));
    await write(egress('EG_over', 'studio', { 3: kComplete, 11: BigInt(Date.now()) * 1000000n }));
    await write(egress('EG_mute', 'studio'));
    for (const method of ['StopEgress', 'UpdateStream']) await hear_only(peer, 'EgressHandler', method, 'EG_mute');
    await Promise.all([
      refused(egresses(two).stopEgress('EG_mute'), 'deadline_exceeded', 408),
      refused(egresses(one).updateStream('EG_mute', [kRtmp]), 'unavailable', 503, kNobody),
      refused(egresses(one).stopEgress('EG_silent'), 'deadline_exceeded', 408),
      refused(egresses(two).updateStream('EG_silent', [kRtmp]), 'unavailable', 503, kNobody),
      refused(egresses(two).stopEgress('EG_over'), 'failed_precondition', 412, 'egress with status EGRESS_COMPLETE cannot be stopped'),
      refused(egresses(one).updateStream('EG_over', [kRtmp]), 'failed_precondition', 412, 'egress with status EGRESS_COMPLETE cannot be updated'),
      refused(egresses(one).stopEgress('EG_none'), 'not_found', 404, 'egress does not exist'),
    ]);
    const end = await peer.serve('EgressHandler', 'UpdateStream', 'EG_silent', () => {
      throw { code: 'invalid_argument', text: 'no stream is sent' };
    });
    await refused(egresses(one).updateStream('EG_silent', [kRtmp]), 'invalid_argument', 400, 'no stream is sent');
    await end();
    for (const id of ['EG_runs', 'EG_silent', 'EG_over', 'EG_mute']) await stored.ask('HDEL', 'egress', id);
  });
}

const kInfo = { name: 'film', roomName: 'cinema', participantIdentity: 'film' };
const kUrl = 'https://192.0.2.1/film.mp4';

// A service that takes what is fetched and writes it, as upstream's does.
async function fetcher(suite, port, name) {
  const service = await Peer.start(suite, port, name);
  const asked = [];
  await service.serve('IngressInternal', 'StartIngress', '', async (request) => {
    asked.push(new Fields(request));
    if (service.refusal) throw service.refusal;
    const info = new Fields(request).bytes(1);
    await service.call('IOInfo', 'CreateIngress', info);
    return info;
  });
  return Object.assign(service, { asked });
}

async function fetched_checks(suite, nodes, stored) {
  const [one, two] = nodes.all;
  const create = (node, url = kUrl) => ingresses(node).createIngress(IngressInput.URL_INPUT, { ...kInfo, url });

  await suite.check('an ingress that is to be fetched is given to one service, which writes it [RPC-15] [RPC-13] [RDS-12] [RPC-34]', async () => {
    await refused(create(one), 'unavailable', 503, kNobody);
    assert.deepEqual(await stored.names('HKEYS', 'ingress'), []);
    const services = [await fetcher(suite, nodes.redis.port, 'fetcher1'), await fetcher(suite, nodes.redis.port, 'fetcher2')];
    const made = await create(two);
    const asked = services.flatMap((service) => service.asked);
    assert.equal(asked.length, 1, 'one of two is asked');
    const info = asked[0].message(1);
    assert.deepEqual([info.text(1), info.text(2), info.text(4), info.number(5), info.text(8), info.text(9)], [made.ingressId, 'film', kUrl, 2, 'cinema', 'film']);
    assert.deepEqual([made.streamKey, made.reusable, made.url], ['', false, kUrl]);
    assert.equal((await stored.record('ingress', made.ingressId)).text(4), kUrl);
    assert.equal(await stored.text('EXISTS', '{ingress}_stream_key'), '0');
    assert.deepEqual((await ingresses(one).listIngress({ roomName: 'cinema' })).map(({ ingressId }) => ingressId), [made.ingressId]);
    await refused(ingresses(one).updateIngress(made.ingressId, { name: 'z', roomName: 'cinema' }), 'invalid_argument', 400, 'ingress is not reusable and cannot be modified');

    await refused(create(one, 'ftp://192.0.2.1/film.mp4'), 'invalid_argument', 400, 'invalid url scheme ftp');
    await refused(create(one, 'http://192.0.2.1 x/film.mp4'), 'invalid_argument', 400, 'in host name');
    assert.equal(services.flatMap((service) => service.asked).length, 1, 'what cannot be is not asked for');
    for (const service of services) service.refusal = { code: 'resource_exhausted', text: 'no place is left' };
    await refused(create(two), 'resource_exhausted', 429, 'no place is left');
    assert.deepEqual(await stored.names('HKEYS', 'ingress'), [made.ingressId]);
    for (const service of services) service.refusal = undefined;
    const odd = await create(one, 'HTTP://192.0.2.1/\u00e4 film.mp4');
    assert.equal(odd.url, 'http://192.0.2.1/%C3%A4%20film.mp4');
    assert.equal((await stored.record('ingress', odd.ingressId)).text(4), odd.url);
    for (const service of services) service.end();
    for (const { ingressId } of [made, odd]) await ingresses(two).deleteIngress(ingressId);
    assert.deepEqual(await stored.names('KEYS', '*ingress*'), []);
  });
}

async function session_checks(suite, [one, two], stored) {
  const { peer } = stored;
  const kPublishing = 2n;
  const running = async () => {
    const made = await ingresses(one).createIngress(IngressInput.RTMP_INPUT, kInfo);
    const state = { 1: kPublishing, 5: 'RM_x', 7: 2000n, 9: 'RES_1' };
    await peer.call('IOInfo', 'UpdateIngressState', encode({ 1: made.ingressId, 2: state }));
    return made.ingressId;
  };

  await suite.check('a session of an ingress is told what changes and that it ends, at the topic of its id; where there is none nobody is asked [RPC-17] [RPC-34]', async () => {
    const id = await running();
    const idle = await ingresses(two).createIngress(IngressInput.RTMP_INPUT, kInfo);
    const asked = [];
    const handlers = [];
    for (const ingress of [id, idle.ingressId]) {
      for (const method of ['UpdateIngress', 'DeleteIngress']) {
        handlers.push(await peer.serve('IngressHandler', method, ingress, (request) => {
          asked.push([method, ingress, new Fields(request)]);
          return encode({ 1: kPublishing });
        }));
      }
    }
    for (const ingress of [idle.ingressId, id]) {
      const changed = await ingresses(two).updateIngress(ingress, { name: 'renamed', participantName: 'Film', roomName: 'stage' });
      assert.deepEqual([changed.name, changed.roomName], ['renamed', 'stage']);
      assert.equal((await stored.record('ingress', ingress)).text(8), 'stage');
    }
    for (const ingress of [idle.ingressId, id]) await ingresses(two).deleteIngress(ingress);
    assert.deepEqual(asked.map(([method, of]) => [method, of]), [['UpdateIngress', id], ['DeleteIngress', id]]);
    const [update, end] = asked.map(([, , request]) => request);
    assert.deepEqual([1, 2, 3, 5].map((number) => update.text(number)), [id, 'renamed', 'stage', 'Film']);
    assert.deepEqual([end.numbers, end.text(1)], [[1], id]);
    for (const stop of handlers) await stop();
  });

  await suite.check('a session that is told to be there and answers nothing keeps no ingress from being changed and deleted [RPC-17]', async () => {
    const id = await running();
    await hear_only(peer, 'IngressHandler', 'UpdateIngress', id);
    assert.equal((await ingresses(one).updateIngress(id, { name: 'renamed', roomName: 'stage' })).name, 'renamed');
    assert.equal((await stored.record('ingress', id)).text(2), 'renamed');
    const end = await peer.serve('IngressHandler', 'DeleteIngress', id, () => {
      throw { code: 'internal', text: 'it will not end' };
    });
    assert.equal((await ingresses(two).deleteIngress(id)).ingressId, id);
    await end();
    assert.deepEqual(await stored.names('KEYS', '*ingress*'), []);
  });
}

async function cluster_id_checks(suite) {
  await suite.check('services with a cluster_id are asked in the order of the configuration until one of them is there; without the option none of them is [RPC-31] [RPC-10] [RPC-20]', async () => {
    const nodes = await Nodes.start(suite, 1, { confab: { egress_cluster_ids: ['first', '', 'last'], sip_cluster_ids: ['phones'] } });
    const [knows] = nodes.all;
    const plain = await nodes.add();
    const peer = await Peer.start(suite, nodes.redis.port, 'fleets');
    const asked = [];
    const record = (id) => peer.serve('EgressInternal', 'StartEgress', id, (request) => {
      asked.push(id);
      return encode({ 1: new Fields(request).text(1), 3: 0n, 14: new Fields(request).bytes(11) });
    });
    const start = (node) => egresses(node).startWebEgress('https://192.0.2.1/', new EncodedFileOutput({ filepath: 'out.mp4' }));
    const ends = [await record('last')];
    await start(knows);
    ends.push(await record(''));
    await start(knows);
    ends.push(await record('first'));
    await start(knows);
    await start(plain);
    assert.deepEqual(asked, ['last', '', 'first', '']);
    for (const end of ends) await end();
    const phones = (node) => new SipClient(node.http, KEY, SECRET);
    const { sipTrunkId: trunk } = await phones(plain).createSipOutboundTrunk('out', 'pbx.example', ['+15550101']);
    const dial = (node) => phones(node).createSipParticipant(trunk, '+15550102', 'calls');
    await peer.serve('SIPInternal', 'CreateSIPParticipant', 'phones', (request) => encode({ 1: 'PA_x', 2: new Fields(request).text(8) }));
    assert.equal((await dial(knows)).roomName, 'calls');
    await refused(dial(plain), 'unavailable', 503, kNobody);
    peer.end();
    await nodes.end();
  }, { seconds: 60 });
}

export async function called_service_checks(suite, nodes, stored) {
  await egress_checks(suite, nodes.all, stored);
  await fetched_checks(suite, nodes, stored);
  await session_checks(suite, nodes.all, stored);
  await cluster_id_checks(suite);
}
