// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What nodes keep in Redis of ingresses, made and changed by the API, and of their states, which the
// ingress service tells.

import { IngressClient, IngressInput } from 'livekit-server-sdk';

import { refused } from '../api/clients.mjs';
import { encode, Fields } from '../lib/psrpc.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { kNews } from './stored.mjs';

const api = (node) => new IngressClient(node.http, KEY, SECRET);
const kInfo = { name: 'camera', roomName: 'studio', participantIdentity: 'cam' };
const kAbsent = 'ingress does not exist';

const of_room = (room) => `room_{ingress}:${room}`;
const state_of = (id) => `{ingress}_state:${id}`;

// livekit.IngressState; the times are in nanoseconds.
const kPublishing = 2n;
const state = (started, updated, more = {}) => ({ 1: kPublishing, 7: started, 10: updated, 9: 'RES_1', ...more });

async function record_checks(suite, [one, two], stored) {
  await suite.check('an ingress in its four keys: made, given another room, deleted, through two nodes [RDS-11] [RDS-12] [RDS-13] [RDS-14] [RPC-34]', async () => {
    const made = await api(one).createIngress(IngressInput.WHIP_INPUT, { ...kInfo, participantName: 'Camera', enableTranscoding: true });
    const { ingressId: id, streamKey } = made;
    const record = () => stored.record('ingress', id);
    const info = await record();
    assert.deepEqual([1, 2, 3, 4, 8, 9, 10].map((number) => info.text(number)), [id, 'camera', streamKey, made.url, 'studio', 'cam', 'Camera']);
    assert.deepEqual([info.number(5), info.number(11), info.number(15)], [1, 1, 1]);
    assert.equal(info.has(12), false, 'the state stands elsewhere');
    assert.equal(await stored.text('HGET', '{ingress}_stream_key', streamKey), id);
    assert.equal(await stored.text('GET', state_of(id)), '');
    assert.deepEqual(await stored.names('SMEMBERS', of_room('studio')), [id]);

    const other = await api(two).createIngress(IngressInput.RTMP_INPUT, { ...kInfo, name: 'other' });
    assert.deepEqual(await stored.names('SMEMBERS', of_room('studio')), [id, other.ingressId].sort());
    await api(two).updateIngress(id, { name: 'camera', roomName: 'stage' });
    assert.equal((await record()).text(8), 'stage');
    assert.equal((await record()).has(12), false);
    assert.deepEqual(await stored.names('SMEMBERS', of_room('stage')), [id]);
    assert.deepEqual(await stored.names('SMEMBERS', of_room('studio')), [other.ingressId]);
    assert.deepEqual((await api(one).listIngress({ roomName: 'stage' })).map(({ ingressId }) => ingressId), [id]);

    for (const { ingressId } of [made, other]) await api(two).deleteIngress(ingressId);
    for (const key of ['ingress', '{ingress}_stream_key', state_of(id), of_room('stage'), of_room('studio')])
      assert.equal(await stored.text('EXISTS', key), '0', key);
    await refused(api(one).deleteIngress(id), 'not_found', 404, kAbsent);
    await refused(api(one).updateIngress(id, { name: 'z', roomName: 'stage' }), 'not_found', 404, kAbsent);
    await refused(api(one).createIngress(IngressInput.RTMP_INPUT, { ...kInfo, enableTranscoding: false }), 'invalid_argument', 400, 'invalid transcoding bypass configuration');
    assert.deepEqual(await stored.names('KEYS', '*ingress*'), []);
  });

  // differs from upstream, which after five lost races says that it has written (RDS-23).
  await suite.check('an ingress that is given many rooms at once, through two nodes, is in one of them [RDS-11] [RDS-14]', async () => {
    const { ingressId: id } = await api(one).createIngress(IngressInput.RTMP_INPUT, kInfo);
    const rooms = Array.from({ length: 24 }, (_, i) => `stage-${i}`);
    const all = await Promise.allSettled(rooms.map((roomName, i) => api(i % 2 ? one : two).updateIngress(id, { name: 'camera', roomName })));
    const written = rooms.filter((_, i) => all[i].status === 'fulfilled');
    for (const { reason } of all) if (reason) assert.deepEqual([reason.status, reason.code], [503, 'unavailable'], reason.message);
    const room = (await stored.record('ingress', id)).text(8);
    assert.ok(written.includes(room), `${room} of ${written}`);
    assert.deepEqual(await stored.names('KEYS', of_room('*')), [of_room(room)]);
    assert.deepEqual(await stored.names('SMEMBERS', of_room(room)), [id]);
    assert.deepEqual(await stored.names('HVALS', '{ingress}_stream_key'), [id]);
    await api(one).deleteIngress(id);
    assert.deepEqual(await stored.names('KEYS', '*ingress*'), []);
  });

  await suite.check('what a newer version wrote into the record of an ingress stays when the API changes it [RDS-25]', async () => {
    const { ingressId: id } = await api(one).createIngress(IngressInput.RTMP_INPUT, kInfo);
    await stored.put_news('ingress', id);
    await api(two).updateIngress(id, { name: 'renamed', roomName: 'stage' });
    const info = await stored.record('ingress', id);
    assert.deepEqual([info.text(2), info.text(8), info.text(9)], ['renamed', 'stage', 'cam']);
    assert.ok(await stored.has_news('ingress', id));
    await api(one).deleteIngress(id);
  });
}

async function state_checks(suite, [one, two], stored) {
  const { peer } = stored;
  const tell = (id, told) => peer.call('IOInfo', 'UpdateIngressState', encode({ 1: id, 2: told }));

  await suite.check('states as the ingress service tells them: kept as they come, one of an older session refused, an older one of the same session passed over [RDS-13] [RDS-23] [RPC-13] [RPC-34]', async () => {
    const { ingressId: id } = await api(one).createIngress(IngressInput.RTMP_INPUT, kInfo);
    const there = () => stored.ask('GET', state_of(id));
    const seen = async () => (await api(two).listIngress({ ingressId: id }))[0].state;
    const first = state(2000n, 2500n, { 5: 'RM_x', ...kNews });
    await tell(id, first);
    assert.deepEqual(await there(), Buffer.from(encode(first)));
    assert.deepEqual([(await seen()).status, (await seen()).roomId, (await seen()).startedAt], [2, 'RM_x', 2000n]);

    await assert.rejects(tell(id, state(1999n, 9000n)), { code: 'failed_precondition' });
    assert.deepEqual(await there(), Buffer.from(encode(first)));
    assert.equal((await tell(id, state(2000n, 2499n, { 5: 'RM_late' }))).answer.length, 0);
    assert.deepEqual(await there(), Buffer.from(encode(first)));

    for (const next of [state(2000n, 2500n, { 5: 'RM_same' }), state(2000n, 2501n, { 5: 'RM_later' }), state(3000n, 1n, { 5: 'RM_next', 9: 'RES_2' })]) {
      await tell(id, next);
      assert.deepEqual(await there(), Buffer.from(encode(next)));
    }
    assert.equal((await seen()).roomId, 'RM_next');
    assert.equal((await stored.record('ingress', id)).has(12), false);

    await assert.rejects(tell('IN_none', state(1n, 1n)), { code: 'not_found', text: kAbsent });
    assert.equal(await stored.text('EXISTS', state_of('IN_none')), '0');
    await api(one).deleteIngress(id);
    assert.equal(await there(), null);
  });

  await suite.check('an ingress as the service asks for it: by its id, by the key of its encoder, with its state [RPC-13] [RPC-34] [RDS-12]', async () => {
    const { ingressId: id, streamKey } = await api(one).createIngress(IngressInput.RTMP_INPUT, kInfo);
    await tell(id, state(2000n, 2500n));
    for (const asked of [{ 1: id }, { 2: streamKey }]) {
      const { answer, claims } = await peer.call('IOInfo', 'GetIngressInfo', encode(asked));
      const info = new Fields(answer).message(1);
      assert.deepEqual([info.text(1), info.text(3), info.text(8), info.message(12).number(7)], [id, streamKey, 'studio', 2000]);
      assert.equal(claims, 1, 'one node takes a request');
    }
    for (const asked of [{ 1: 'IN_none' }, { 2: 'none' }]) await assert.rejects(peer.call('IOInfo', 'GetIngressInfo', encode(asked)), { code: 'not_found', text: kAbsent });
    await assert.rejects(peer.call('IOInfo', 'GetIngressInfo', encode({})), { code: 'invalid_argument' });
    await api(two).deleteIngress(id);
    await assert.rejects(peer.call('IOInfo', 'GetIngressInfo', encode({ 2: streamKey })), { code: 'not_found', text: kAbsent });
  });
}

export async function stored_ingress_checks(suite, nodes, stored) {
  await record_checks(suite, nodes.all, stored);
  await state_checks(suite, nodes.all, stored);
}
