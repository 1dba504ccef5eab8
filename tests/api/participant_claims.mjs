// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Claims that make a participant: its sources, its kind.

import { TrackSource, TrackType } from '@livekit/protocol';

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name } from './clients.mjs';
import { call, mint } from './requests.mjs';
import { claims_of, join_with } from './token_claims.mjs';

const kSources = {
  camera: [TrackSource.CAMERA, TrackType.VIDEO],
  microphone: [TrackSource.MICROPHONE, TrackType.AUDIO],
  screen: [TrackSource.SCREEN_SHARE, TrackType.VIDEO],
  screen_sound: [TrackSource.SCREEN_SHARE_AUDIO, TrackType.AUDIO],
  unknown: [TrackSource.UNKNOWN, TrackType.VIDEO],
};

// The tracks that a participant with this grant gets to announce, of one for each source.
async function announced(server, grant) {
  const room = fresh_name('sources');
  const published = [];
  const client = await join_with(server, room, { video: { roomJoin: true, room, ...grant } }, {
    on_message: (kind, value) => kind === 'trackPublished' && published.push(value.cid),
  });
  for (const [cid, [source, type]] of Object.entries(kSources)) await client.send('addTrack', { cid, name: cid, type, source });
  // Answered in order: what is not here by then is refused.
  await client.send('pingReq', { timestamp: 1n, rtt: 0n });
  await client.wait('pongResp');
  const { permission } = client.last.join.participant;
  client.destroy();
  return { published, sources: permission.canPublishSources };
}

async function source_checks(suite, server) {
  await suite.check('canPublishSources: read without case, restricts, UNKNOWN is none of them [TOK-05]', async () => {
    const all = Object.keys(kSources);
    const of = (names, more) => announced(server, { ...(names && { canPublishSources: names }), ...more });
    assert.deepEqual((await of()).published, all);
    assert.deepEqual((await of([])).published, all);
    const { CAMERA, MICROPHONE, SCREEN_SHARE, SCREEN_SHARE_AUDIO, UNKNOWN } = TrackSource;
    assert.deepEqual(await of(['camera', 'microphone']), { published: ['camera', 'microphone'], sources: [CAMERA, MICROPHONE] });
    assert.deepEqual(await of(['Screen_Share', 'SCREEN_SHARE_AUDIO']), {
      published: ['screen', 'screen_sound'], sources: [SCREEN_SHARE, SCREEN_SHARE_AUDIO],
    });
    assert.deepEqual(await of(['hologram']), { published: [], sources: [UNKNOWN] });
    assert.deepEqual(await of(['hologram', 'microphone']), { published: ['microphone'], sources: [UNKNOWN, MICROPHONE] });
    assert.deepEqual((await of(['camera'], { canPublish: false })).published, []);
  });
}

const kDetails = ['cloud_agent', 'forwarded', 'connector_whatsapp', 'connector_twilio', 'bridge_rtsp', 'simulation'];

async function kind_checks(suite, server) {
  await suite.check('kind: read without case, unknown ones are STANDARD, written lower-case [TOK-07]', async () => {
    const room = fresh_name('kinds');
    const kinds = {
      standard: 'STANDARD', ingress: 'INGRESS', egress: 'EGRESS', sip: 'SIP', agent: 'AGENT',
      connector: 'CONNECTOR', bridge: 'BRIDGE', AGENT: 'AGENT', Sip: 'SIP', robot: 'STANDARD', '': 'STANDARD',
    };
    const clients = [];
    for (const kind of Object.keys(kinds)) {
      const client = await join_with(server, room, { sub: `a ${kind}`, kind });
      clients.push(client);
      const { kind: written = '' } = claims_of(await client.wait('refreshToken'));
      const named = kinds[kind].toLowerCase();
      assert.ok(written === named || (named === 'standard' && written === ''), `${kind} is written ${written}`);
    }
    const plain = await join_with(server, room, { sub: 'none' });
    const reply = await call(server, 'RoomService/ListParticipants', { room }, { grant: { roomAdmin: true, room } });
    const of = Object.fromEntries(reply.json.participants.map((one) => [one.identity, one.kind]));
    for (const [kind, expected] of Object.entries(kinds)) assert.equal(of[`a ${kind}`], expected, kind);
    assert.equal(of.none, 'STANDARD');
    for (const client of [...clients, plain]) client.destroy();
  });

  await suite.check('kindDetails name what is behind the kind; unknown ones are none [TOK-07]', async () => {
    const room = fresh_name('details');
    const client = await join_with(server, room, { sub: 'all', kind: 'agent', kindDetails: kDetails });
    const odd = await join_with(server, room, { sub: 'odd', kindDetails: ['Cloud_Agent', 'robot'] });
    const list = await call(server, 'RoomService/ListParticipants', { room }, { grant: { roomAdmin: true, room } });
    const of = (identity) => list.json.participants.find((one) => one.identity === identity).kind_details;
    assert.deepEqual(of('all'), kDetails.map((one) => one.toUpperCase()));
    assert.ok(!of('odd').some((one) => typeof one !== 'string'), JSON.stringify(of('odd')));
    // A list of the wrong type is a refusal.
    const refused = await fetch(`${server.http}/rtc/validate?access_token=${mint({ sub: 'x', kindDetails: 'agent', video: { roomJoin: true, room } })}`);
    assert.equal(refused.status, 401);
    await until(() => client.open, { what: 'the socket' });
    for (const one of [client, odd]) one.destroy();
  });
}

export async function participant_claim_checks(suite, server) {
  await source_checks(suite, server);
  await kind_checks(suite, server);
}
