// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The text of offers and answers of the server: lines of the session and of its sections, what a
// track has in them, and which sections there are.

import { make_offer } from '../lib/sdp.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Client, fresh_room } from './client.mjs';
import { count, MediaClient, more } from './media.mjs';
import { sections_of } from './rich_offer.mjs';

const kModes = [['v0', false], ['v1', true]];
const kOrigin = /^o=- (?<id>\d+) (?<version>\d+) IN IP4 0\.0\.0\.0$/;
const kFingerprint = /^a=fingerprint:sha-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}$/;

const session_lines = (sdp) => sdp.split(/^m=/m)[0].trimEnd().split('\r\n');
const line_of = (lines, start) => lines.find((one) => one.startsWith(start));

// The lines that every description of the server begins with. `mids`: those of its bundle.
function assert_session(sdp, mids, mixed) {
  const lines = session_lines(sdp);
  assert.deepEqual([lines[0], lines[2], lines[3]], ['v=0', 's=-', 't=0 0']);
  assert.match(lines[1], kOrigin);
  const attributes = lines.slice(4);
  const known = ['a=msid-semantic', 'a=fingerprint', ...(mixed ? ['a=extmap-allow-mixed'] : []), 'a=group'];
  assert.deepEqual(attributes.map((one) => one.split(':')[0]), known);
  assert.match(line_of(attributes, 'a=msid-semantic'), /^a=msid-semantic: ?WMS ?\*$/);
  assert.match(line_of(attributes, 'a=fingerprint'), kFingerprint);
  assert.equal(line_of(attributes, 'a=group'), `a=group:BUNDLE ${mids}`);
}

function assert_section(text, setup) {
  const lines = text.split('\r\n');
  assert.match(`m=${lines[0]}`, /^m=((audio|video) 9 UDP\/TLS\/RTP\/SAVPF( \d+)+|application 9 UDP\/DTLS\/SCTP webrtc-datachannel)$/);
  assert.equal(lines[1], 'c=IN IP4 0.0.0.0');
  const media = !text.startsWith('application');
  for (const line of [`a=setup:${setup}`, ...(media ? ['a=rtcp-mux', 'a=rtcp-rsize'] : ['a=sctp-port:5000', 'a=max-message-size:65535'])]) {
    assert.ok(lines.includes(line), `no ${line} in ${text}`);
  }
  for (const start of ['a=ice-ufrag:', 'a=ice-pwd:', 'a=mid:']) assert.ok(line_of(lines, start), start);
}

const version = (sdp) => Number(kOrigin.exec(session_lines(sdp)[1]).groups.version);

const kUnknownCodec = 'm=video 9 UDP/TLS/RTP/SAVPF 77\r\na=rtpmap:77 THEORA/90000';

async function line_checks(suite, server) {
  await suite.check('answers: their lines and order; a section without a codec we have is refused and no part of the bundle [SDP-01] [NET-02]', async () => {
    for (const [mode, v1] of kModes) {
      const alice = await Client.join(suite, server, fresh_room('text'), 'alice', { v1 });
      alice.send('addTrack', { cid: 'mic', type: 0, source: 2 });
      const offered = make_offer([{ kind: 'audio', direction: 'sendonly', cid: 'mic' }, { kind: 'video', direction: 'sendonly', cid: 'other' }]);
      const answered = async (sdp, id) => {
        alice.send('offer', { type: 'offer', sdp, id });
        return (await alice.told('answer', (one) => one.id === id)).sdp;
      };
      const first = await answered(offered, 1);
      assert_session(first, '0 1 2', true);
      const sections = first.split(/^m=/m).slice(1);
      for (const text of sections) assert_section(text, 'active');
      sections.forEach((text, at) => assert.ok(at === 0 || !text.includes('a=candidate'), `candidates in section ${at}`));
      const second = await answered(offered.replace('a=extmap-allow-mixed\r\n', ''), 2);
      assert_session(second, '0 1 2', false);
      assert.equal(version(second), version(first) + 1, mode);

      const [head, audio, video, data] = offered.split(/(?=^m=)/m);
      const strange = video.replace(/^m=video[^]*?(?=\r\na=(sendonly|extmap))/, (found) => {
        const [, ...lines] = found.split('\r\n').filter((one) => !/^a=(rtpmap|fmtp|rtcp-fb)/.test(one));
        return [kUnknownCodec, ...lines].join('\r\n');
      });
      const third = await answered([head, audio, strange, data].join(''), 3);
      assert_session(third, '0 2', true);
      const refused = third.split(/^m=/m)[2];
      assert.match(refused, /^video 0 UDP\/TLS\/RTP\/SAVPF 0\r\nc=IN IP4 0\.0\.0\.0\r\n/, refused);
      alice.destroy();
    }
  });

  await suite.check('offers of the server: their lines, versions and mids, the data section first, no section moves [SDP-01] [SDP-06] [NET-02]', async () => {
    const room = fresh_room('text');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const bob = await MediaClient.join(suite, server, room, 'bob');
    const kinds = [];
    for (const kind of ['audio', 'video']) {
      kinds.push(kind);
      const { sid } = await alice.publish(kind);
      await bob.client.told('offer', (one) => one.sdp.includes(sid));
    }
    const offers = bob.client.all('offer').map((one) => one.sdp);
    assert.ok(offers.length >= 3);
    offers.forEach((sdp, index) => {
      const sections = sections_of(sdp);
      const mids = sections.map((_, at) => `${at}`);
      assert_session(sdp, mids.join(' '), true);
      assert.deepEqual(sections.map((one) => one.mid), mids);
      assert.deepEqual(sections.map((one) => one.kind), ['application', ...kinds].slice(0, sections.length));
      for (const { text } of sections) assert_section(text, 'actpass');
      assert.equal(version(sdp), version(offers[0]) + index);
    });
    assert.equal(sections_of(offers[0]).length, 1, 'sections before there is a track');
  });
}

async function track_checks(suite, server) {
  await suite.check('a track in an offer: stream and track id, its SSRCs with their lines, random for each subscriber [SDP-04] [SDP-05]', async () => {
    const room = fresh_room('text');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const { sid } = await alice.publish('video');
    const seen = [];
    for (const [identity, protocol, stream] of [['bob', '16', `${alice.sid}|${sid}`], ['carol', '16', `${alice.sid}|${sid}`], ['old', '0', alice.sid]]) {
      // Before protocol 3 who may not publish is none: tracks come over the publisher's connection.
      const { client } = await MediaClient.join(suite, server, room, identity, { query: { protocol } });
      const { sdp } = await client.told('offer', (one) => one.sdp.includes(sid));
      const { text } = sections_of(sdp).find((one) => one.text.includes(sid));
      assert.ok(text.includes(`a=msid:${stream} ${sid}\r\n`), `${identity}: ${text}`);
      const [, main, rtx] = /^a=ssrc-group:FID (\d+) (\d+)\r$/m.exec(text);
      const lines = [main, rtx].flatMap((ssrc) => [`cname:${stream}`, `msid:${stream} ${sid}`, `mslabel:${stream}`, `label:${sid}`].map((one) => `a=ssrc:${ssrc} ${one}`));
      assert.deepEqual(text.match(/^a=ssrc:.*(?=\r$)/gm), lines, identity);
      seen.push(main, rtx);
    }
    assert.equal(new Set(seen).size, 6, `${seen}`);
    // Sound is not sent again on an SSRC of its own.
    const audio = await alice.publish('audio');
    const { client } = await MediaClient.join(suite, server, room, 'dave');
    const { sdp } = await client.told('offer', (one) => one.sdp.includes(audio.sid));
    const { text } = sections_of(sdp).find((one) => one.text.includes(audio.sid));
    assert.equal(new Set(text.match(/(?<=^a=ssrc:)\d+/gm)).size, 1);
    assert.ok(!text.includes('ssrc-group'));
  });

  await suite.check('mid_to_track_id names each section that sends, no other; an answer with a strange id counts as well [SDP-02]', async () => {
    for (const [mode, v1] of kModes) {
      const room = fresh_room('text');
      const alice = await MediaClient.join(suite, server, room, 'alice', { v1 });
      const bob = await MediaClient.join(suite, server, room, 'bob', { v1 });
      const tracks = [await alice.publish('audio'), await alice.publish('video')];
      const kind = v1 ? 'answer' : 'offer';
      const named = async (sids, from = 0) => {
        const fits = (one) => `${Object.values(one.midToTrackId).sort()}` === `${[...sids].sort()}`;
        const { sdp, midToTrackId } = await bob.client.told(kind, fits, { from });
        for (const { mid, text } of sections_of(sdp)) {
          const sid = /^a=msid:\S+ (TR_\S+)\r$/m.exec(text)?.[1];
          if (sid) assert.equal(midToTrackId[mid], sid, `${mode}: section ${mid}`);
        }
      };
      await named(tracks.map((one) => one.sid));
      await more(bob, 'video');
      const from = bob.client.log.length;
      bob.client.send('subscription', { trackSids: [tracks[0].sid], subscribe: false });
      await named([tracks[1].sid], from);
    }
    const carol = await MediaClient.join(suite, server, fresh_room('text'), 'carol', { silent: true });
    const offer = await carol.client.told('offer');
    await carol.answer({ ...offer, id: offer.id + 77 });
    await carol.active();
    assert.equal(carol.client.all('leave').length, 0);
  });
}

async function timing_checks(suite, server) {
  await suite.check('one offer at a time: what changes before its answer is in the next one [SDP-03]', async () => {
    const room = fresh_room('text');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const bob = await MediaClient.join(suite, server, room, 'bob');
    bob.silent = true;
    const first = await alice.publish('audio');
    const open = await bob.client.told('offer', (one) => one.sdp.includes(first.sid));
    const from = bob.client.log.length;
    const second = await alice.publish('video');
    const third = await alice.publish('audio', { source: 4 });
    await bob.client.told_of('alice', (one) => one.tracks.length === 3);
    await alice.client.fence(bob.client);
    assert.equal(bob.client.all('offer', () => true, from).length, 0, 'offered before the answer');
    bob.silent = false;
    await bob.answer(open);
    const next = await bob.client.told('offer', () => true, { from });
    assert.ok(next.sdp.includes(second.sid) && next.sdp.includes(third.sid), 'what came meanwhile is not offered at once');
    assert.equal(next.id, open.id + 1);
    await more(bob, 'video');
  });
}

// The sections of media in the last offer, and the SSRC that sends the track.
function media_of(client, sid) {
  const sections = sections_of(client.all('offer').at(-1).sdp).filter((one) => one.kind !== 'application');
  const own = sections.find((one) => one.text.includes(sid));
  return { sections: sections.length, mid: own?.mid, direction: own?.direction, ssrc: /^a=ssrc:(\d+)/m.exec(own?.text ?? '')?.[1] };
}

const kRounds = 6;

async function reuse_checks(suite, server) {
  await suite.check('a section is used again by who subscribes again, with new SSRCs; who ended its track sends no more on it [SDP-07] [SDP-43]', async () => {
    const room = fresh_room('text');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const { sid } = await alice.publish('audio');
    const places = new Set();
    const ssrcs = new Set();
    const bob = await MediaClient.join(suite, server, room, 'bob');
    for (let round = 0; round < kRounds; ++round) {
      await bob.client.told('offer', (one) => one.sdp.includes(sid));
      await until(() => media_of(bob.client, sid).ssrc);
      const { sections, mid, ssrc } = media_of(bob.client, sid);
      assert.equal(sections, 1);
      places.add(mid);
      ssrcs.add(ssrc);
      // What comes behind the first round is for clients that take new SSRCs on an old section.
      if (round === 0) await more(bob, 'audio', 3);
      bob.client.send('subscription', { trackSids: [sid], subscribe: false });
      await until(() => !bob.client.all('offer').at(-1).sdp.includes(sid));
      assert.match(bob.client.all('offer').at(-1).sdp, /^m=audio 9 [^]*^a=recvonly\r$/m);
      bob.client.send('subscription', { trackSids: [sid], subscribe: true });
      await until(() => media_of(bob.client, sid).ssrc);
    }
    assert.equal(places.size, 1);
    assert.equal(ssrcs.size, kRounds, 'an SSRC came again');
    // Up to protocol 3 each track has a section of its own.
    const old = await MediaClient.join(suite, server, room, 'old', { query: { protocol: '3' } });
    await old.client.told('offer', (one) => one.sdp.includes(sid));
    await more(old, 'audio', 3);
    old.client.send('subscription', { trackSids: [sid], subscribe: false });
    await until(() => !old.client.all('offer').at(-1).sdp.includes(sid));
    old.client.send('subscription', { trackSids: [sid], subscribe: true });
    await until(() => media_of(old.client, sid).ssrc);
    assert.equal(media_of(old.client, sid).sections, 2);
  });

  await suite.check('a publisher that resumes costs its subscribers no offer, and no packet more than the way [SDP-07]', async () => {
    const room = fresh_room('text');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const { sid } = await alice.publish('audio');
    const bob = await MediaClient.join(suite, server, room, 'bob');
    await more(bob, 'audio');
    const before = [bob.client.all('offer').length, media_of(bob.client, sid).ssrc];
    const again = await alice.client.resume(server, room);
    suite.cleanup(() => again.destroy());
    await again.told('reconnect');
    await more(bob, 'audio', 50);
    await again.fence(bob.client);
    assert.deepEqual([bob.client.all('offer').length, media_of(bob.client, sid).ssrc], before);
  });
}

async function channel_check(suite, server) {
  await suite.check('in single mode the channels of the client carry both ways; without them nothing comes, and the server opens none [SDP-41]', async () => {
    const room = fresh_room('text');
    const peers = [];
    for (const identity of ['alice', 'bob']) peers.push(await MediaClient.join(suite, server, room, identity, { v1: true }));
    await until(() => peers.every(({ channels }) => channels._reliable?.readyState === 'open'));
    for (const [from, to] of [peers, [...peers].reverse()]) {
      from.send_data('_reliable', from.client.identity);
      await until(() => to.data.some(({ label, bytes }) => label === '_reliable' && bytes.includes(from.client.identity)));
    }
    for (const { channels, opened_by_server } of peers) {
      assert.deepEqual(opened_by_server, []);
      assert.deepEqual(Object.keys(channels).sort(), ['_data_track', '_lossy', '_reliable']);
    }
    assert.equal(count(peers[0], 'audio'), 0);
  });
}

export async function description_text_checks(suite, server) {
  const groups = [line_checks, track_checks, timing_checks, reuse_checks, channel_check];
  await Promise.all(groups.map((group) => group(suite, server)));
}
