// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Egress, Ingress and SIP on a server without workers and without a store: who may call, what is
// looked at first, what is said to be missing.

import { EgressClient, EncodedFileOutput, IngressClient, IngressInput, SipClient } from 'livekit-server-sdk';

import { KEY, SECRET } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { fresh_name, refused } from './clients.mjs';
import { call, in_words } from './requests.mjs';

const kRecord = { grant: { roomRecord: true } };
const kIngress = { grant: { ingressAdmin: true } };
const kDenied = '401 unauthenticated permissions denied';
const kNobody = '503 unavailable twirp error unknown: no response from servers';
const kNoRoom = '404 not_found twirp error unknown: requested room does not exist';
const kMalformed = '400 malformed the json request could not be decoded';
const not_connected = (what) => `500 internal twirp error unknown: ${what} not connected (redis required)`;
const kOthers = { grant: { roomAdmin: true, roomCreate: true, roomList: true, roomJoin: true, room: 'r' } };

const file = { filepath: '/out/x.mp4' };
const kStarts = (room_name) => ({
  StartRoomCompositeEgress: { room_name, file },
  StartParticipantEgress: { room_name, identity: 'a', file },
  StartTrackCompositeEgress: { room_name, audio_track_id: 'TR_a', file },
  StartTrackEgress: { room_name, track_id: 'TR_a', file },
  StartEgress: { room_name, template: { layout: 'grid' }, outputs: [{ file }] },
});

async function egress_checks(suite, server) {
  await suite.check('egress: the grant, then the room, then that no worker answers [API-20] [API-21] [RDS-26]', async () => {
    const room = fresh_name('recorded');
    await call(server, 'RoomService/CreateRoom', { name: room }, { grant: { roomCreate: true } });
    const says = async (method, body, settings, expected) =>
      assert.equal(`${method} ${in_words(await call(server, `Egress/${method}`, body, settings))}`, `${method} ${expected}`);
    for (const [method, body] of Object.entries(kStarts(room))) {
      await says(method, body, kOthers, kDenied);
      await says(method, { ...body, room_name: 'nowhere' }, kOthers, kDenied);
      await says(method, { ...body, room_name: 'nowhere' }, kRecord, kNoRoom);
      await says(method, body, kRecord, kNobody);
      await says(method, { ...body, room_name: '' }, kRecord, kNobody);
      await says(method, { ...body, room_name: 5 }, kRecord, kMalformed);
    }
    // Of a web page nothing is asked but the grant.
    await says('StartWebEgress', { url: 'http://127.0.0.1/', file }, kOthers, kDenied);
    await says('StartWebEgress', { url: 'http://127.0.0.1/', file, room_name: 'nowhere' }, kRecord, kNobody);
  });

  await suite.check('egress: without a store its later methods say so at once [API-22] [API-23] [RDS-26]', async () => {
    const bodies = {
      UpdateLayout: { egress_id: 'EG_x', layout: 'speaker' },
      UpdateStream: { egress_id: 'EG_x', add_output_urls: ['rtmp://127.0.0.1/x'] },
      StopEgress: { egress_id: 'EG_x' },
      ListEgress: {},
    };
    for (const [method, body] of Object.entries(bodies)) {
      assert.equal(in_words(await call(server, `Egress/${method}`, body, kOthers)), kDenied, method);
      const begin = Date.now();
      assert.equal(in_words(await call(server, `Egress/${method}`, body, kRecord)), not_connected('egress'), method);
      assert.ok(Date.now() - begin < 2000, `${method} after ${Date.now() - begin} ms`);
    }
    const egress = new EgressClient(server.http, KEY, SECRET);
    await refused(egress.startRoomCompositeEgress('nowhere', new EncodedFileOutput(file)), 'not_found', 404, 'requested room does not exist');
    await refused(egress.stopEgress('EG_x'), 'internal', 500, 'egress not connected (redis required)');
  });
}

async function ingress_checks(suite, server) {
  await suite.check('ingress: the grant, then that there is no store; update and delete do not panic [API-25] [API-26] [RDS-26]', async () => {
    const bodies = {
      CreateIngress: { input_type: 'WHIP_INPUT', name: 'n', room_name: 'r', participant_identity: 'i' },
      UpdateIngress: { ingress_id: 'IN_x', name: 'z' },
      ListIngress: {},
      DeleteIngress: { ingress_id: 'IN_x' },
    };
    for (const [method, body] of Object.entries(bodies)) {
      assert.equal(in_words(await call(server, `Ingress/${method}`, body, kOthers)), kDenied, method);
      assert.equal(in_words(await call(server, `Ingress/${method}`, body, kIngress)), not_connected('ingress'), method);
      assert.equal(in_words(await call(server, `Ingress/${method}`, [], kIngress)), kMalformed, method);
    }
    const ingress = new IngressClient(server.http, KEY, SECRET);
    await refused(ingress.createIngress(IngressInput.RTMP_INPUT, { name: 'n', roomName: 'r', participantIdentity: 'i' }), 'internal', 500, 'redis required');
  });
}

const kTrunks = {
  CreateSIPInboundTrunk: { trunk: { name: 't', numbers: ['+1'] } },
  UpdateSIPInboundTrunk: { sip_trunk_id: 'ST_x', update: { name: 'z' } },
  GetSIPInboundTrunk: { sip_trunk_id: 'ST_x' },
  ListSIPInboundTrunk: {},
  CreateSIPOutboundTrunk: { trunk: { name: 't', address: '127.0.0.1', numbers: ['+1'] } },
  UpdateSIPOutboundTrunk: { sip_trunk_id: 'ST_x', update: { name: 'z' } },
  GetSIPOutboundTrunk: { sip_trunk_id: 'ST_x' },
  ListSIPOutboundTrunk: {},
  ListSIPTrunk: {},
  DeleteSIPTrunk: { sip_trunk_id: 'ST_x' },
  CreateSIPDispatchRule: { rule: { dispatch_rule_direct: { room_name: 'r' } } },
  UpdateSIPDispatchRule: { sip_dispatch_rule_id: 'SDR_x', update: { name: 'z' } },
  ListSIPDispatchRule: {},
  DeleteSIPDispatchRule: { sip_dispatch_rule_id: 'SDR_x' },
};

async function sip_checks(suite, server) {
  // The rules for trunks and dispatch rules need a store: tests/cluster/phones.mjs has them.
  await suite.check('SIP: sip.admin for trunks and rules, sip.call for calls, then that there is no store [API-W4] [API-W5] [RDS-26]', async () => {
    const admin = { claims: { sip: { admin: true } } };
    const caller = { claims: { sip: { call: true } } };
    for (const [method, body] of Object.entries(kTrunks)) {
      for (const settings of [kOthers, caller]) assert.equal(in_words(await call(server, `SIP/${method}`, body, settings)), kDenied, method);
      assert.equal(in_words(await call(server, `SIP/${method}`, body, admin)), not_connected('sip'), method);
    }
    const dial = { sip_trunk_id: 'ST_x', sip_call_to: '+15', room_name: 'r', participant_identity: 'p' };
    assert.equal(in_words(await call(server, 'SIP/CreateSIPParticipant', dial, admin)), kDenied);
    assert.equal(in_words(await call(server, 'SIP/CreateSIPParticipant', dial, caller)), not_connected('sip'));
    const sip = new SipClient(server.http, KEY, SECRET);
    await refused(sip.listSipInboundTrunk(), 'internal', 500, 'sip not connected (redis required)');
  });

  await suite.check('SIP transfer: both grants, the address, the participant, then its call [API-34]', async () => {
    const room = fresh_name('transfer');
    const alice = await SignalClient.join(server, room, 'alice', { v1: false });
    const body = { room_name: room, participant_identity: 'alice', transfer_to: 'tel:+15' };
    const both = { claims: { sip: { call: true } }, grant: { roomAdmin: true, room } };
    const says = async (more, expected, settings = both) =>
      assert.equal(in_words(await call(server, 'SIP/TransferSIPParticipant', { ...body, ...more }, settings)), expected, JSON.stringify(more));
    await says({}, kDenied, { claims: { sip: { call: true } } });
    await says({}, kDenied, { grant: { roomAdmin: true, room } });
    await says({}, kDenied, { claims: { sip: { call: true } }, grant: { roomAdmin: true, room: 'other' } });
    const no_address = '400 invalid_argument transfer_to must be a valid SIP(s) or TEL URI (sip:, sips: or tel:)';
    for (const transfer_to of ['+1999', 'http://x', '<+1>']) await says({ transfer_to }, no_address);
    await says({ transfer_to: '' }, '400 invalid_argument missing transfer to');
    await says({ room_name: '' }, '400 invalid_argument twirp error unknown: Missing room name', {});
    await says({ participant_identity: '' }, '400 invalid_argument twirp error unknown: Missing participant identity', {});
    const unknown = '404 not_found twirp error unknown: participant does not exist';
    await says({ participant_identity: 'nobody' }, unknown);
    const no_call = '400 invalid_argument twirp error unknown: no SIP session associated with participant';
    for (const transfer_to of ['tel:+15', 'sip:a@b', '<sips:a@b>']) await says({ transfer_to }, no_call);
    const call_id = { options: { attributes: { 'sip.callID': 'SCL_x' } } };
    const liar = await SignalClient.join(server, room, 'liar', { v1: false, ...call_id });
    await says({ participant_identity: 'liar' }, no_call);
    const phone = await SignalClient.join(server, room, 'phone', { v1: false, kind: 'sip', ...call_id });
    await says({ participant_identity: 'phone' }, not_connected('sip'));
    for (const client of [alice, liar, phone]) client.destroy();
  });
}

export async function service_checks(suite, server) {
  await egress_checks(suite, server);
  await ingress_checks(suite, server);
  await sip_checks(suite, server);
}
