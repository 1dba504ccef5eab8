// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// livekit.SIP of a cluster: trunks and rules through any node, calls by a SIP service on its Redis,
// and what that asks of the nodes.

import { SIPStatus } from '@livekit/protocol';
import { SipClient } from 'livekit-server-sdk';

import { refused } from '../api/clients.mjs';
import { encode, Fields, Peer } from '../lib/psrpc.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';

const sip = (node) => new SipClient(node.http, KEY, SECRET);
const ids = (list) => list.map((one) => one.sipTrunkId ?? one.sipDispatchRuleId);
const no_trunk = 'requested sip trunk does not exist';

async function trunk_checks(suite, [one, two]) {
  await suite.check('inbound trunks through any node: kept, changed, in conflict, deleted [API-30] [RDS-16] [SIP-01] [SIP-03] [SIP-05] [SIP-06]', async () => {
    const made = await sip(one).createSipInboundTrunk('front', ['+1 555-0100'], { allowedAddresses: ['10.0.0.0/8'], authUsername: 'u', authPassword: 'p' });
    assert.match(made.sipTrunkId, /^ST_\w{12}$/);
    assert.deepEqual((await sip(two).listSipInboundTrunk())[0].toJson(), made.toJson());
    await refused(sip(two).createSipInboundTrunk('again', ['15550100']), 'invalid_argument', 400, `"<new>" and "${made.sipTrunkId}"`);
    await refused(sip(two).createSipInboundTrunk('open', []), 'invalid_argument', 400, 'for security, one of the fields must be set');
    const changed = await sip(two).updateSipInboundTrunkFields(made.sipTrunkId, { name: 'back', numbers: { add: ['+15550109'] } });
    assert.deepEqual([changed.name, changed.numbers, changed.authUsername], ['back', ['+1 555-0100', '+15550109'], 'u']);
    const other = await sip(one).createSipInboundTrunk('other', ['+15550200']);
    const all = [made.sipTrunkId, other.sipTrunkId].sort();
    assert.deepEqual(ids(await sip(one).listSipInboundTrunk({ page: { afterId: '', limit: 1 } })), all);
    assert.deepEqual(ids(await sip(one).listSipInboundTrunk({ page: { afterId: all[0], limit: 1 } })), [all[1]]);
    assert.deepEqual(ids(await sip(one).listSipInboundTrunk({ numbers: ['15550100'] })), [made.sipTrunkId]);
    for (const id of [...all, all[0]]) assert.equal((await sip(two).deleteSipTrunk(id)).sipTrunkId, id);
    assert.deepEqual(await sip(one).listSipInboundTrunk(), []);
    await refused(sip(one).updateSipInboundTrunkFields(made.sipTrunkId, { name: 'z' }), 'not_found', 404, no_trunk);
  });

  await suite.check('outbound trunks through any node, and all kinds in the old list [API-31] [SIP-10] [SIP-12]', async () => {
    const made = await sip(one).createSipOutboundTrunk('out', '127.0.0.1:5060', ['+15550101'], { headers: { 'X-A': '1' } });
    const inbound = await sip(one).createSipInboundTrunk('in', ['+15550100']);
    assert.equal((await sip(two).updateSipOutboundTrunkFields(made.sipTrunkId, { address: 'pbx.example' })).address, 'pbx.example');
    assert.deepEqual(ids(await sip(one).listSipTrunk()), [made.sipTrunkId, inbound.sipTrunkId].sort());
    await refused(sip(two).createSipOutboundTrunk('out', 'sip:pbx.example', ['+1']), 'invalid_argument', 400, 'not SIP URI');
    await refused(sip(two).createSipOutboundTrunk('out', 'pbx.example', ['+1'], { headers: { From: 'x' } }), 'invalid_argument', 400, 'header name From not supported');
    for (const { sipTrunkId } of [made, inbound]) await sip(two).deleteSipTrunk(sipTrunkId);
    assert.deepEqual(await sip(one).listSipTrunk(), []);
  });

  await suite.check('dispatch rules through any node [API-32] [RDS-17] [SIP-02] [SIP-07] [SIP-26]', async () => {
    const direct = { type: 'direct', roomName: 'support', pin: '12' };
    const made = await sip(one).createSipDispatchRule(direct, { name: 'desk', attributes: { a: '1', b: '2' }, trunkIds: ['ST_x'] });
    assert.match(made.sipDispatchRuleId, /^SDR_\w{12}$/);
    await refused(sip(two).createSipDispatchRule(direct, { trunkIds: ['ST_x'] }), 'invalid_argument', 400, 'Dispatch rule for the same trunk');
    const twice = { trunkIds: ['ST_x', 'ST_y', 'ST_x'] };
    await refused(sip(two).createSipDispatchRule({ ...direct, pin: '34' }, twice), 'invalid_argument', 400, 'already exists in dispatch rule "<new>"');
    const changed = await sip(two).updateSipDispatchRuleFields(made.sipDispatchRuleId, { attributes: { a: '', c: '3' } });
    assert.deepEqual(changed.attributes, { b: '2', c: '3' });
    assert.deepEqual(ids(await sip(two).listSipDispatchRule()), [made.sipDispatchRuleId]);
    assert.equal((await sip(two).deleteSipDispatchRule(made.sipDispatchRuleId)).name, 'desk');
    await refused(sip(one).deleteSipDispatchRule(made.sipDispatchRuleId), 'not_found', 404, 'requested sip dispatch rule does not exist');
  });
}

// What InternalCreateSIPParticipantRequest says, by the numbers of 05 SIP-38.
const dialed = (request) => {
  const fields = new Fields(request);
  return { address: fields.text(2), number: fields.text(3), to: fields.text(4), room: fields.text(7), identity: fields.text(8), id: fields.text(13), attributes: fields.map(17) };
};

const busy = (phrase) => ({
  code: 'resource_exhausted',
  text: `INVITE failed: sip status: 486: ${phrase}`,
  details: [encode({ 1: 'type.googleapis.com/livekit.SIPStatus', 2: new SIPStatus({ code: 486, status: phrase }).toBinary() })],
});

async function call_checks(suite, [one, two], peer) {
  const trunk = await sip(one).createSipOutboundTrunk('out', 'pbx.example:5070', ['+15550101']);

  await suite.check('a call out where no SIP service is there ends at once [API-33] [RPC-20]', async () => {
    await refused(sip(one).createSipParticipant(trunk.sipTrunkId, '+15550102', 'phones'), 'unavailable', 503, 'no response from servers');
    await refused(sip(one).createSipParticipant('ST_none', '+15550102', 'phones'), 'not_found', 404, no_trunk);
    await refused(sip(one).createSipParticipant(trunk.sipTrunkId, 'a@b', 'phones'), 'invalid_argument', 400, 'not a full SIP URI');
  });

  await suite.check('a call out by the service, and its transfer through the other node [API-33] [API-34] [RPC-20] [RPC-21] [SIP-33] [SIP-38]', async () => {
    let asked;
    let phone;
    const end = await peer.serve('SIPInternal', 'CreateSIPParticipant', '', async (request) => {
      asked = dialed(request);
      phone = await SignalClient.join(one, asked.room, asked.identity, { kind: 'sip', options: { attributes: asked.attributes } });
      return encode({ 1: phone.last.join.participant.sid, 2: asked.identity, 3: asked.id });
    });
    const made = await sip(one).createSipParticipant(trunk.sipTrunkId, '+15550102', 'phones', { participantIdentity: 'bob' });
    assert.deepEqual(made.toJson(), { participantId: phone.last.join.participant.sid, participantIdentity: 'bob', roomName: 'phones', sipCallId: asked.id });
    assert.match(asked.id, /^SCL_\w{12}$/);
    assert.deepEqual([asked.address, asked.number, asked.to], ['pbx.example:5070', '+15550101', '+15550102']);
    assert.deepEqual(asked.attributes, { 'sip.callID': asked.id, 'sip.trunkID': trunk.sipTrunkId, 'sip.phoneNumber': '+15550102', 'sip.hostname': 'pbx.example:5070', 'sip.trunkPhoneNumber': '+15550101' });
    let target;
    const end_transfer = await peer.serve('SIPInternal', 'TransferSIPParticipant', asked.id, (request) => {
      target = new Fields(request).text(2);
      return encode({ 1: 'STR_1', 2: 2n, 3: 1n });
    });
    await sip(two).transferSipParticipant('phones', 'bob', 'sip:desk@pbx.example');
    assert.equal(target, '<sip:desk@pbx.example>');
    await end_transfer();
    await refused(sip(two).transferSipParticipant('phones', 'bob', 'tel:+1'), 'unavailable', 503, 'no response from servers');
    await phone.leave();
    await end();
  });

  await suite.check('a call is of the participant that is one, whatever others say of themselves [API-34] [SIP-09]', async () => {
    const liar = await SignalClient.join(one, 'phones', 'liar', { options: { attributes: { 'sip.callID': 'SCL_x' } } });
    await refused(sip(two).transferSipParticipant('phones', 'liar', 'tel:+1'), 'invalid_argument', 400, 'no SIP session associated with participant');
    await refused(sip(two).transferSipParticipant('phones', 'nobody', 'tel:+1'), 'not_found', 404, 'participant does not exist');
    await refused(sip(two).transferSipParticipant('phones', 'liar', '+1'), 'invalid_argument', 400, 'transfer_to must be a valid SIP(s) or TEL URI');
    await liar.leave();
  });

  await suite.check('why a call failed comes to the SDK [API-W5] [SIP-18] [SDK-04]', async () => {
    const end = await peer.serve('SIPInternal', 'CreateSIPParticipant', '', () => { throw busy('Busy at lunch'); });
    let error;
    await sip(two).createSipParticipant(trunk.sipTrunkId, '+15550102', 'phones').catch((caught) => { error = caught; });
    assert.deepEqual([error.status, error.code, error.sipStatusCode, error.sipStatus], [429, 'resource_exhausted', 486, 'Busy at lunch']);
    const details = new Fields(Buffer.from(error.metadata.error_details, 'base64'));
    assert.deepEqual([details.number(1), details.text(2)], [8, 'INVITE failed: sip status: 486: Busy at lunch']);
    await end();
  });

  await sip(one).deleteSipTrunk(trunk.sipTrunkId);
}

// SIPCall of a phone at 10.0.0.9, and what of it is said the old way, too.
const kCall = { 1: 'SCL_in', 2: '10.0.0.9', 4: { 1: '+15559999', 2: '10.0.0.9' }, 5: { 1: '+15550100', 2: 'us.example' } };
const evaluate = (more = {}) => encode({ 2: '+15559999', 3: '+15550100', 12: kCall, ...more });
const kAccept = 1;
const kRequestPin = 2;
const kDrop = 4;

async function inbound_checks(suite, [one, two], peer) {
  await suite.check('a call that comes in: its password, its rule, its room, from one of the nodes [RPC-13] [RPC-14] [SIP-20] [SIP-34] [SIP-36] [SIP-37]', async () => {
    const trunk = await sip(one).createSipInboundTrunk('front', ['15550100'], { authUsername: 'u', authPassword: 'p' });
    const rule = await sip(two).createSipDispatchRule({ type: 'individual', roomPrefix: 'call' }, { trunkIds: [trunk.sipTrunkId], metadata: 'm' });
    for (const service of ['IOInfo', 'IOInfoSIP']) {
      const asked = await peer.call(service, 'GetSIPTrunkAuthentication', encode({ 8: kCall }));
      const login = new Fields(asked.answer);
      assert.deepEqual([login.text(1), login.text(2), login.text(4)], ['u', 'p', trunk.sipTrunkId]);
      assert.equal(asked.claims, 1, 'one node takes a request');
      const said = new Fields((await peer.call(service, 'EvaluateSIPDispatchRules', evaluate({ 10: trunk.sipTrunkId }))).answer);
      assert.equal(said.number(6), kAccept);
      assert.match(said.text(1), /^call_\+15559999_\w{12}$/);
      assert.deepEqual([said.text(2), said.text(7), said.text(8)], ['sip_+15559999', 'Phone +15559999', 'm']);
      assert.deepEqual(said.map(11), { 'sip.callID': 'SCL_in', 'sip.trunkID': trunk.sipTrunkId, 'sip.ruleID': rule.sipDispatchRuleId, 'sip.phoneNumber': '+15559999', 'sip.hostname': '10.0.0.9', 'sip.trunkPhoneNumber': '+15550100' });
      assert.equal((await peer.call(service, 'UpdateSIPCallState', encode({ 1: { 1: 'SCL_in' } }))).answer.length, 0);
    }
    await sip(one).deleteSipDispatchRule(rule.sipDispatchRuleId);
    assert.equal(new Fields((await peer.call('IOInfo', 'EvaluateSIPDispatchRules', evaluate())).answer).number(6), kDrop);
    await sip(one).deleteSipTrunk(trunk.sipTrunkId);
  });

  await suite.check('a room with a pin, a trunk that others may not use, two that both would take it [SIP-21] [SIP-22] [SIP-23] [SIP-24] [SIP-31]', async () => {
    const ask = async (more) => new Fields((await peer.call('IOInfo', 'EvaluateSIPDispatchRules', evaluate(more))).answer);
    const rule = await sip(one).createSipDispatchRule({ type: 'direct', roomName: 'safe', pin: '12' });
    assert.equal((await ask()).number(6), kRequestPin);
    assert.equal((await ask({ 5: '13' })).number(6), kDrop);
    assert.equal((await ask({ 5: '12' })).text(1), 'safe');
    const trunk = await sip(one).createSipInboundTrunk('front', ['15550100'], { allowedAddresses: ['10.1.0.0/16'], authUsername: 'u', authPassword: 'p' });
    const login = async () => new Fields((await peer.call('IOInfo', 'GetSIPTrunkAuthentication', encode({ 8: kCall }))).answer);
    assert.equal((await login()).has(1), false);
    await sip(two).updateSipInboundTrunkFields(trunk.sipTrunkId, { allowedAddresses: { add: ['10.0.0.0/24'] } });
    assert.equal((await login()).text(1), 'u');
    const second = await sip(two).createSipInboundTrunk('again', ['15550100'], { allowedNumbers: ['+15559999'] });
    await assert.rejects(login(), { code: 'failed_precondition', text: 'Multiple SIP Trunks matched for "+15550100"' });
    for (const { sipTrunkId } of [trunk, second]) await sip(two).deleteSipTrunk(sipTrunkId);
    await sip(two).deleteSipDispatchRule(rule.sipDispatchRuleId);
  });
}

export async function phone_checks(suite, nodes) {
  const peer = await Peer.start(suite, nodes.redis.port, 'phones');
  await trunk_checks(suite, nodes.all);
  await call_checks(suite, nodes.all, peer);
  await inbound_checks(suite, nodes.all, peer);
  peer.end();
}
