// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What Firefox and Safari get otherwise than other browsers, because they would break over it.

import { room_client } from '../api/clients.mjs';
import { make_offer } from '../lib/sdp.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { Client, fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';
import { red_codecs } from './packets.mjs';
import { rich_offer, sections_of } from './rich_offer.mjs';

const browser = (name, os = 'linux') => ({ query: { browser: name, os } });
const kBrowsers = [['chrome', true], ['firefox', false], ['safari', false]];
const names = (section) => section.types.map((type) => section.codecs[type].split('/')[0].toLowerCase());

async function red_check(suite, server) {
  await suite.check('Firefox and Safari get no RED: what they lose is sent again instead [SIG-68] [SDP-42]', async () => {
    const room = fresh_room('quirks');
    const publish = async (identity, settings) => (await MediaClient.join(suite, server, room, identity, settings)).publish('audio');
    const red = await publish('red', { offers: { codecs: red_codecs() } });
    const plain = await publish('plain');
    for (const [name, has_red] of kBrowsers) {
      const subscriber = await MediaClient.join(suite, server, room, name, browser(name));
      const asks_again = async ({ sid }) => {
        const { sdp } = await subscriber.client.told('offer', (one) => one.sdp.includes(sid));
        const offered = sections_of(sdp).find((one) => one.text.includes(sid));
        return (offered.feedback[111] ?? []).includes('nack');
      };
      // Who gets RED asks for no packet again (SIG-93); what is none when it is published is none for anybody.
      assert.deepEqual([await asks_again(red), await asks_again(plain)], [!has_red, true], `offered to ${name}`);
    }
  });
}

async function codec_check(suite, server) {
  await suite.check('Firefox on Linux and Android is answered with the preferred video codec alone, without retransmission, others with all behind it [SIG-68] [SDP-23] [SDP-42]', async () => {
    const answered = async (name, os) => {
      const client = await Client.join(suite, server, fresh_room('quirks'), 'alice', browser(name, os));
      client.send('addTrack', { cid: 'cam', type: 1, source: 1, simulcastCodecs: [{ codec: 'vp9', cid: 'cam' }] });
      client.send('offer', { type: 'offer', sdp: rich_offer([{ kind: 'video', cid: 'cam' }]), id: 1 });
      const [video] = sections_of((await client.told('answer')).sdp);
      client.destroy();
      return names(video);
    };
    for (const os of ['linux', 'android']) assert.deepEqual(await answered('firefox', os), ['vp9'], os);
    for (const [name, os] of [['firefox', 'windows'], ['chrome', 'linux']]) {
      const codecs = await answered(name, os);
      assert.equal(codecs[0], 'vp9', name);
      assert.ok(codecs.includes('h264') && codecs.includes('rtx'), `${name}: ${codecs}`);
    }
  });
}

async function stream_check(suite, server) {
  await suite.check('tracks that share a stream are apart for Firefox [SIG-68] [SDP-04] [SDP-42]', async () => {
    const room = fresh_room('quirks');
    await room_client(server).createRoom({ name: room, syncStreams: true });
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const { sid } = await alice.publish('audio');
    const stream = async (name) => {
      const { client } = await MediaClient.join(suite, server, room, name, browser(name));
      const { sdp } = await client.told('offer', (one) => one.sdp.includes(sid));
      return /^a=msid:(\S+) /m.exec(sdp)[1];
    };
    assert.equal(await stream('chrome'), `${alice.sid}|camera`);
    assert.equal(await stream('firefox'), `${alice.sid}|${sid}`);
  });
}

// A section whose track is gone is there for the next one, but not for Safari.
async function reuse_check(suite, server) {
  await suite.check('Safari gets a new section for each track, others an old one whose track is gone [SIG-68] [SDP-07] [SDP-42]', async () => {
    const room = fresh_room('quirks');
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const first = await alice.publish('audio');
    const peers = [];
    for (const [name] of kBrowsers) peers.push(await MediaClient.join(suite, server, room, name, browser(name)));
    const offer_with = async ({ client }, sid) => (await client.told('offer', (one) => one.sdp.includes(sid))).sdp;
    await Promise.all(peers.map((one) => offer_with(one, first.sid)));
    for (const { client } of peers) client.send('subscription', { trackSids: [first.sid], subscribe: false });
    const gone = (one) => !one.sdp.includes(first.sid) && one.sdp.includes('m=audio');
    await Promise.all(peers.map(({ client }) => client.told('offer', gone)));
    const second = await alice.publish('audio', { source: 4 });
    for (const peer of peers) {
      const sections = sections_of(await offer_with(peer, second.sid)).filter((one) => one.kind === 'audio');
      const name = peer.client.identity;
      assert.equal(sections.findIndex((one) => one.text.includes(second.sid)), name === 'safari' ? 1 : 0, name);
    }
  });
}

async function lite_check(suite) {
  await suite.check('an ICE-lite server is none for Firefox [SIG-68]', async () => {
    const lite = await start_server(suite, { rtc: { use_ice_lite: true } });
    const found = await Promise.all(kBrowsers.map(async ([name]) => {
      const client = await Client.join(suite, lite, fresh_room('quirks'), 'alice', browser(name));
      client.send('offer', { type: 'offer', sdp: make_offer([]), id: 1 });
      return (await client.told('answer')).sdp.includes('a=ice-lite');
    }));
    assert.deepEqual(found, [true, false, true]);
    await lite.stop();
    lite.forget();
  });
}

export async function quirk_checks(suite, server) {
  const groups = [red_check, codec_check, stream_check, reuse_check, lite_check];
  await Promise.all(groups.map((group) => group(suite, server)));
}
