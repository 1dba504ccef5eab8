// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What nodes keep in Redis of trunks and rules: some that others wrote, and how they are listed.

import { SipClient } from 'livekit-server-sdk';

import { refused } from '../api/clients.mjs';
import { call } from '../api/requests.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';

const sip = (node) => new SipClient(node.http, KEY, SECRET);
const kAdmin = { claims: { sip: { admin: true } } };
const id_of = (one) => one.sipTrunkId ?? one.sipDispatchRuleId ?? one.sip_trunk_id ?? one.sip_dispatch_rule_id;

// livekit.SIPTrunkInfo, of before there were two kinds of trunks.
const legacy = (id, more = {}) => ({ 1: id, 2: ['10.0.0.0/8'], 3: 'pbx.example', 4: '+15550100', 6: 'in', 7: 'secret', 8: 'out', 9: 'word', 10: ['+15550900'], 11: 'old', ...more });
const kHashes = ['sip_trunk', 'sip_inbound_trunk', 'sip_outbound_trunk'];

async function legacy_checks(suite, [one, two], stored) {
  await suite.check('trunks of before there were two kinds: read as both, listed, deleted wherever they stand [RDS-15]', async () => {
    await stored.put('sip_trunk', 'ST_old', legacy('ST_old'));
    await stored.ask('HSET', 'sip_trunk', 'ST_broken', Buffer.from([0x0a, 0x7f]));
    const fresh = await sip(one).createSipInboundTrunk('fresh', ['+15550200']);
    assert.deepEqual(await stored.names('HKEYS', 'sip_trunk'), ['ST_broken', 'ST_old'], 'new ones are written elsewhere');
    const all = await sip(two).listSipTrunk();
    assert.deepEqual(all.map(id_of).sort(), ['ST_old', fresh.sipTrunkId].sort());
    const old = all.find((trunk) => trunk.sipTrunkId === 'ST_old');
    assert.deepEqual([old.kind, old.name, old.outboundAddress, old.outboundNumber, old.inboundUsername], [0, 'old', 'pbx.example', '+15550100', 'in']);
    const inbound = (await sip(two).listSipInboundTrunk()).find((trunk) => trunk.sipTrunkId === 'ST_old');
    assert.deepEqual([inbound.numbers, inbound.allowedAddresses, inbound.allowedNumbers, inbound.authUsername], [['+15550100'], ['10.0.0.0/8'], ['+15550900'], 'in']);
    const outbound = (await sip(one).listSipOutboundTrunk()).find((trunk) => trunk.sipTrunkId === 'ST_old');
    assert.deepEqual([outbound.numbers, outbound.address, outbound.authUsername], [['+15550100'], 'pbx.example', 'out']);

    await stored.put('sip_outbound_trunk', 'ST_old', { 1: 'ST_old', 4: 'pbx.example' });
    assert.equal((await sip(two).deleteSipTrunk('ST_old')).sipTrunkId, 'ST_old');
    for (const hash of kHashes) assert.equal(await stored.text('HEXISTS', hash, 'ST_old'), '0', hash);
    assert.deepEqual((await sip(one).listSipTrunk()).map(id_of), [fresh.sipTrunkId]);
    assert.equal(await stored.text('HEXISTS', 'sip_trunk', 'ST_broken'), '1', 'what cannot be read is left alone');
    await stored.ask('DEL', 'sip_trunk');
    await sip(one).deleteSipTrunk(fresh.sipTrunkId);
  });
}

async function list_checks(suite, [one, two], stored) {
  await suite.check('lists by pages: in the order of ids, behind the one that is named; without a page all [RDS-24]', async () => {
    const names = ['A', 'C', 'B', 'D'];
    for (const name of names) {
      await stored.put('sip_inbound_trunk', `ST_${name}`, { 1: `ST_${name}`, 4: [`+1555${name.charCodeAt(0)}`] });
      await stored.put('sip_outbound_trunk', `ST_${name}`, { 1: `ST_${name}`, 2: name, 4: 'pbx.example', 6: ['+1'] });
      await stored.put('sip_dispatch_rule', `SDR_${name}`, { 1: `SDR_${name}`, 2: { 1: { 1: name } }, 3: [`ST_${name}`] });
    }
    for (const [method, prefix] of [['ListSIPInboundTrunk', 'ST_'], ['ListSIPOutboundTrunk', 'ST_'], ['ListSIPDispatchRule', 'SDR_']]) {
      const all = [...names].sort().map((name) => prefix + name);
      const listed = async (page) => {
        const reply = await call(two, `SIP/${method}`, page ? { page } : {}, kAdmin);
        assert.equal(reply.status, 200, reply.text);
        return reply.json.items.map(id_of);
      };
      assert.deepEqual((await listed()).sort(), all, method);
      // How many are read at once is nothing that shows: who asks gets all that is behind (SIP-05).
      for (const limit of [undefined, 1, 1000]) {
        assert.deepEqual(await listed({ limit }), all, `${method} by ${limit}`);
        assert.deepEqual(await listed({ after_id: all[1], limit }), all.slice(2), `${method} behind ${all[1]} by ${limit}`);
      }
      assert.deepEqual(await listed({ after_id: `${prefix}BX`, limit: 1 }), all.slice(2), 'behind one that is not there');
      assert.deepEqual(await listed({ after_id: all.at(-1) }), []);
      const unsound = await call(one, `SIP/${method}`, { page: { limit: 'many' } }, kAdmin);
      assert.equal(unsound.status, 400);
    }
    for (const key of ['sip_inbound_trunk', 'sip_outbound_trunk', 'sip_dispatch_rule']) await stored.ask('DEL', key);
  });

  await suite.check('what a newer version wrote into the records of trunks and rules stays when the API changes them [RDS-25] [RDS-16] [RDS-17]', async () => {
    const inbound = await sip(one).createSipInboundTrunk('in', ['+15550100'], { authUsername: 'u', authPassword: 'p' });
    const outbound = await sip(one).createSipOutboundTrunk('out', 'pbx.example', ['+1']);
    const rule = await sip(one).createSipDispatchRule({ type: 'direct', roomName: 'desk' }, { name: 'rule' });
    const places = [['sip_inbound_trunk', inbound.sipTrunkId], ['sip_outbound_trunk', outbound.sipTrunkId], ['sip_dispatch_rule', rule.sipDispatchRuleId]];
    for (const [hash, id] of places) await stored.put_news(hash, id);
    await sip(two).updateSipInboundTrunkFields(inbound.sipTrunkId, { name: 'changed' });
    await sip(two).updateSipOutboundTrunkFields(outbound.sipTrunkId, { name: 'changed' });
    await sip(two).updateSipDispatchRuleFields(rule.sipDispatchRuleId, { metadata: 'changed' });
    const record = await stored.record('sip_inbound_trunk', inbound.sipTrunkId);
    assert.deepEqual([record.text(1), record.text(2), record.text(4), record.text(7), record.text(8)], [inbound.sipTrunkId, 'changed', '+15550100', 'u', 'p']);
    for (const [hash, id] of places) assert.ok(await stored.has_news(hash, id), hash);
    for (const id of [inbound.sipTrunkId, outbound.sipTrunkId]) await sip(one).deleteSipTrunk(id);
    await sip(one).deleteSipDispatchRule(rule.sipDispatchRuleId);
    for (const [hash, id] of places) assert.equal(await stored.text('HEXISTS', hash, id), '0', hash);
    await refused(sip(two).updateSipInboundTrunkFields(inbound.sipTrunkId, { name: 'z' }), 'not_found', 404);
  });
}

export async function stored_phone_checks(suite, nodes, stored) {
  await legacy_checks(suite, nodes.all, stored);
  await list_checks(suite, nodes.all, stored);
}
