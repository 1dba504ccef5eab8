// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// WHIP clients that receive: X-LiveKit-ClientInfo names the tracks that have to be in the one answer.

import { randomUUID } from 'node:crypto';

import { JobType } from '@livekit/protocol';

import { check, Worker } from '../agents/worker.mjs';
import { start_chromium } from '../lib/browser.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { start_page_server } from '../lib/static_server.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { ask, error_of, gone, kSdp, people, rooms_of } from './http.mjs';
import { offer } from './requests.mjs';

const kHeader = 'X-LiveKit-ClientInfo';
const header = (names) => ({ [kHeader]: JSON.stringify({ subscribedParticipantTrackNames: names }) });

// ---- in the page; functions stand for themselves there

// Publishes nothing and receives one track of each of `kinds`; the answer comes when it has what
// `headers` name. Where they took longer than the server waits, it asks again, as clients do.
async function receive({ url, token, headers, kinds }) {
  const pc = new RTCPeerConnection();
  for (const kind of kinds) pc.addTransceiver(kind, { direction: 'recvonly' });
  await pc.setLocalDescription();
  const all = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/sdp', ...headers };
  let answer, sdp;
  const late = () => answer.status === 503 && sdp.includes('not published');
  for (let asked = 0; asked === 0 || (asked < 3 && late()); ++asked) {
    answer = await fetch(`${url}/whip/v1`, { method: 'POST', headers: all, body: pc.localDescription.sdp });
    sdp = await answer.text();
  }
  if (answer.status !== 201) throw new Error(`${answer.status}: ${sdp}`);
  await pc.setRemoteDescription({ type: 'answer', sdp });
  window.received = pc;
  return sdp;
}

// Octets that came of each kind.
async function octets() {
  const stats = [...(await window.received.getStats()).values()];
  return Object.fromEntries(stats.filter((one) => one.type === 'inbound-rtp').map((one) => [one.kind, one.bytesReceived]));
}

// ---- the checks

// What becomes of a request: `result` is there when it is over.
function pending(promise) {
  const state = { result: undefined };
  state.done = promise.then(
    (value) => (state.result = { value }),
    (error) => (state.result = { error: String(error) }),
  );
  return state;
}

async function answered(state) {
  await state.done;
  assert.ok(state.result.value, state.result.error);
  return state.result.value;
}

const comes = (server, room, identity) =>
  until(async () => (await people(server, room)).has(identity), { what: `${identity} in the room` });

export async function receive_checks(suite, server) {
  const names = {
    there: 'Chromium: named tracks that are there are in the answer, before all others [CON-62]',
    later: 'Chromium: named tracks come because somebody waits for them [CON-62]',
    agent: 'Chromium: the track of an agent that comes for the participant [CON-62] [DSP-22]',
  };
  if (!Object.values(names).some((name) => suite.selected(name))) return;
  const address = await start_page_server(suite);
  const browser = await start_chromium(suite);
  const start = async (room, settings) => {
    const page = await browser.newPage();
    await page.goto(address);
    const token = await join_token(room, 'viewer');
    return { page, joins: pending(page.evaluate(receive, { url: server.http, token, ...settings })) };
  };
  const flows = (page, kinds) =>
    until(async () => {
      const came = await page.evaluate(octets);
      return kinds.every((kind) => came[kind] > 1000);
    }, { timeout: 20000, what: `${kinds} to come` });

  await suite.check(names.there, async () => {
    const room = `whip-${randomUUID()}`;
    const carol = await Peer.join(suite, server, room, 'carol', { number: 6 });
    await carol.publish_tone();
    await until(async () => (await people(server, room)).get('carol').tracks.length === 1);
    const alice = await Peer.join(suite, server, room, 'alice', { number: 5 });
    const mine = [await alice.publish_tone(), await alice.publish_picture()];
    await until(async () => (await people(server, room)).get('alice').tracks.length === 2);
    const kinds = ['audio', 'video'];
    const { page, joins } = await start(room, { headers: header({ alice: ['tone', 'picture'] }), kinds });
    const sdp = await answered(joins);
    for (const { publication } of mine) assert.ok(sdp.includes(publication.sid), sdp);
    await flows(page, kinds);
    await page.close();

    // What else is there fills the sections that are left.
    const more = await start(room, { headers: header({ alice: ['tone'] }), kinds: ['audio', 'audio'] });
    const both = await answered(more.joins);
    const [hers] = (await people(server, room)).get('carol').tracks;
    assert.ok(both.indexOf(mine[0].publication.sid) < both.indexOf(hers.sid) && both.includes(mine[0].publication.sid), both);
    await more.page.close();
    for (const peer of [alice, carol]) await peer.leave();
  }, { seconds: 60 });

  await suite.check(names.later, async () => {
    const room = `whip-${randomUUID()}`;
    const alice = await Peer.join(suite, server, room, 'alice', { number: 5 });
    const kinds = ['audio', 'video'];
    const { page, joins } = await start(room, { headers: header({ alice: ['tone', 'picture'] }), kinds });
    await until(() => alice.remote('viewer'), { what: 'alice to see who waits' });
    await alice.publish_tone();
    assert.equal(joins.result, undefined, 'answered before anything was there');
    await until(async () => (await people(server, room)).get('alice').tracks.length === 1);
    await alice.publish_picture();
    await answered(joins);
    await flows(page, kinds);
    await page.close();
    await alice.leave();
  }, { seconds: 60 });

  await check(suite, names.agent, async () => {
    const room = `whip-${randomUUID()}`;
    const worker = await Worker.start(suite, server, { type: JobType.JT_PARTICIPANT });
    worker.answer = () => ({ available: true, participantIdentity: 'helper' });
    const { page, joins } = await start(room, { headers: header({ helper: ['tone'] }), kinds: ['audio'] });
    const { job, token } = await worker.assigned(room, { type: JobType.JT_PARTICIPANT });
    assert.equal(job.participant.identity, 'viewer');
    const helper = await Peer.join(suite, server, room, 'helper', { token, number: 4 });
    await helper.publish_tone();
    await answered(joins);
    await flows(page, ['audio']);
    await page.close();
    await helper.leave();
    worker.stop();
  }, { seconds: 60 });
}

// Without media: what does not come, and who does not wait any more.
export async function wait_checks(suite, server) {
  const listens = offer().replace('a=sendonly', 'a=recvonly');
  const wait = async (room, identity, names = { alice: ['tone'] }, more = {}) => {
    const began = Date.now();
    const token = await join_token(room, identity);
    const request = { token, type: kSdp, body: listens, headers: header(names), ...more };
    const answer = await ask(server, 'POST', request);
    return { ...answer, took: Date.now() - began };
  };

  await suite.check('a header that names no tracks, or too many, is refused [CON-62]', async () => {
    const room = `whip-${randomUUID()}`;
    const token = await join_token(room, 'viewer');
    const refusal = async (info, given = {}) => {
      const text = typeof info === 'string' ? info : JSON.stringify(info);
      const answer = await ask(server, 'POST', { token, type: kSdp, body: listens, headers: { [kHeader]: text }, ...given });
      return `${answer.status} ${error_of(answer)}`;
    };
    const names = (count) => ({ subscribedParticipantTrackNames: { alice: Array.from({ length: count }, (_, index) => `${index}`) } });
    for (const bad of ['{', '[]', { clientIp: 1 }, { subscribedParticipantTrackNames: { alice: 'tone' } }])
      assert.match(await refusal(bad), /^400 malformed json in client info header: /);
    assert.match(await refusal(names(17)), /^400 malformed .*more than 16 tracks/);
    assert.match(await refusal(`{"x":"${'x'.repeat(1 << 14)}"}`), /^400 malformed .*longer than 16384/);
    assert.equal(await refusal(names(2)), '400 the offer takes back fewer tracks than the header names');
    const deaf = await join_token(room, 'viewer', { grant: { canSubscribe: false } });
    assert.equal(await refusal(names(1), { token: deaf }), '401 no permissions to subscribe');
    assert.equal((await people(server, room)).size, 0);
  });

  await suite.check('tracks that do not come: 503 names them, and the participant leaves [CON-62]', async () => {
    const room = `whip-${randomUUID()}`;
    const dora = await Peer.join(suite, server, room, 'dora', { number: 5 });
    const nobody = wait(room, 'viewer', { alice: ['tone'], bob: [] });
    // Nor does one that the participant may not have any more.
    const revoked = pending(wait(room, 'revoked', { dora: ['tone'] }));
    await Promise.all(['viewer', 'revoked'].map((identity) => comes(server, room, identity)));
    await rooms_of(server).updateParticipant(room, 'revoked', { permission: { canSubscribe: false, canPublish: true } });
    await dora.publish_tone();
    await until(async () => (await people(server, room)).get('dora').tracks.length === 1);
    assert.equal(revoked.result, undefined, 'refused before the track was there');
    const missed = await nobody;
    assert.equal(`${missed.status} ${error_of(missed)}`, '503 tracks to subscribe to are not published: alice/tone');
    assert.ok(missed.took > 4500, `after ${missed.took} ms`);
    const refused = await answered(revoked);
    assert.equal(`${refused.status} ${error_of(refused)}`, '503 tracks to subscribe to are not published: dora/tone');
    for (const identity of ['viewer', 'revoked']) await gone(server, room, identity);
    await dora.leave();
  });

  await suite.check('a track that no section is for: 503, and the participant leaves [CON-62]', async () => {
    const room = `whip-${randomUUID()}`;
    const alice = await Peer.join(suite, server, room, 'alice', { number: 5 });
    await alice.publish_picture();
    const refused = await wait(room, 'viewer', { alice: ['picture'] });
    assert.equal(`${refused.status} ${error_of(refused)}`, '503 the offer has no section for: alice/picture');
    await gone(server, room, 'viewer');
    await alice.leave();
  });

  await suite.check('who is removed while it waits is told so, who hangs up leaves [CON-62] [TOK-14]', async () => {
    const room = `whip-${randomUUID()}`;
    // Who came before them leaves when the time is over, and after them.
    const stays = wait(room, 'patient');
    await comes(server, room, 'patient');
    const waits = wait(room, 'viewer');
    const hangs_up = new AbortController();
    const token = await join_token(room, 'impatient');
    const left = fetch(`${server.http}/whip/v1`, {
      method: 'POST', body: listens, signal: hangs_up.signal,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': kSdp, ...header({ alice: ['tone'] }) },
    }).catch((error) => error.name);
    await Promise.all(['viewer', 'impatient'].map((identity) => comes(server, room, identity)));
    hangs_up.abort();
    assert.equal(await left, 'AbortError');
    await rooms_of(server).removeParticipant(room, 'viewer', { revokeTokenTs: BigInt(Math.floor(Date.now() / 1000) + 1) });
    const ended = await waits;
    assert.equal(`${ended.status} ${error_of(ended)}`, '503 the session has ended');
    await Promise.all(['viewer', 'impatient'].map((identity) => gone(server, room, identity)));
    assert.equal((await stays).status, 503);
    await gone(server, room, 'patient');
    const left_in_order = () =>
      [...server.log.matchAll(new RegExp(`participant_connection_aborted room="${room}".* participant="(\\w+)"`, 'g'))].map((line) => line[1]);
    await until(() => left_in_order().length === 3, { what: () => `three to leave: ${left_in_order()}` });
    assert.equal(left_in_order().at(-1), 'patient', 'only after the time for the tracks');
  });

  await suite.check('X-Livekit-Ingress gives no rights: an ingress is who its token says [CON-62]', async () => {
    const room = `whip-${randomUUID()}`;
    const mark = { 'X-Livekit-Ingress': 'true' };
    for (const [identity, kind, expected] of [['encoder', undefined, 0], ['ingress', 'ingress', 1]]) {
      const token = await join_token(room, identity, { kind });
      const created = await ask(server, 'POST', { token, type: kSdp, body: offer(), headers: mark });
      assert.equal(created.status, 201, created.text);
      assert.equal((await people(server, room)).get(identity).kind, expected);
    }
  });
}
