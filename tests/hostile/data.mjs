// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A participant whose data channels say what they like: a page in Chromium with bare
// RTCPeerConnection, its signalling done here.

import { DataPacket } from '@livekit/protocol';

import { start_chromium } from '../lib/browser.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { RandomMessages } from './random_messages.mjs';
import { attack } from './witness.mjs';

const kPackets = 4000;
const kRequests = 200;
const kChannels = ['_reliable', '_lossy', '_data_track'];
const kNames = [
  'spoofed senders on data channels never come through [SIG-120] [IMM-9]',
  `${kPackets} random, changed and oversize packets on data channels [IMM-7] [IMM-13]`,
  '500 data channels, empty messages and a flood on data channels [IMM-13] [IMM-15]',
  `a flood of data in one room: ${kRequests} requests of another are answered, each in its turn [SIG-48] [IMM-15]`,
];

// Runs in the page.
async function make_connection(labels) {
  window.pc = new RTCPeerConnection();
  window.channels = {};
  for (const label of labels) {
    const options = label === '_reliable' ? { ordered: true } : { ordered: false, maxRetransmits: 0 };
    window.channels[label] = window.pc.createDataChannel(label, options);
  }
  window.pc.ondatachannel = ({ channel }) => (channel.onmessage = () => {});
  await window.pc.setLocalDescription(await window.pc.createOffer());
  return window.pc.localDescription.sdp;
}

async function take_answer(sdp, candidates) {
  await window.pc.setRemoteDescription({ type: 'answer', sdp });
  for (const candidate of candidates) await window.pc.addIceCandidate(candidate);
  const open = () => Object.values(window.channels).every((channel) => channel.readyState === 'open');
  for (let left = 200; left > 0 && !open(); --left) await new Promise((resolve) => setTimeout(resolve, 50));
  return open();
}

// Sends base64 packets on channels, never letting more than a megabyte wait; gives how many went.
async function send_packets(list) {
  let sent = 0;
  for (const [label, text] of list) {
    const channel = window.channels[label];
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    while (channel.readyState === 'open' && channel.bufferedAmount > 1 << 20)
      await new Promise((resolve) => setTimeout(resolve, 5));
    if (channel.readyState !== 'open') break;
    channel.send(bytes);
    sent += 1;
  }
  return sent;
}

// Sends one packet again and again, as fast as it goes, until window.over; gives how often.
async function flood(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const channel = window.channels._reliable;
  window.over = false;
  for (window.sent = 0; !window.over && channel.readyState === 'open'; window.sent += 1) {
    channel.send(bytes);
    while (channel.bufferedAmount > 1 << 20 && !window.over) await new Promise((resolve) => setTimeout(resolve, 5));
    if (window.sent % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return window.sent;
}

class DataPeer {
  static async join(place, browser, identity) {
    const peer = new DataPeer();
    peer.page = await (await browser.createBrowserContext()).newPage();
    const offer = await peer.page.evaluate(make_connection, kChannels);
    peer.client = await SignalClient.join(place.server, place.room, identity);
    await peer.client.send('offer', { type: 'offer', sdp: offer, id: 1 });
    const answer = await peer.client.wait('answer');
    const all_told = () => peer.client.trickles.some((one) => one.final);
    await until(all_told, { what: 'the last candidate' });
    const candidates = peer.client.trickles.map((one) => JSON.parse(one.candidateInit));
    assert.ok(await peer.page.evaluate(take_answer, answer.sdp, candidates), `${identity}: no data channels`);
    return peer;
  }

  send(list) {
    return this.page.evaluate(
      send_packets,
      list.map(([label, bytes]) => [label, Buffer.from(bytes).toString('base64')]),
    );
  }

  async leave() {
    this.client.destroy();
    await this.page.close();
  }
}

const user = (text, more = {}) =>
  new DataPacket({
    kind: 0,
    ...more.packet,
    value: { case: 'user', value: { payload: Buffer.from(text), topic: 'spoof', ...more.user } },
  }).toBinary();

export async function data_attacks(place) {
  const { suite, server, random } = place;
  if (!kNames.some((name) => suite.selected(name))) return;
  const browser = await start_chromium(suite);
  const heard = async () => (await place.witness.ask('report')).data;

  await attack(
    place,
    kNames[0],
    async () => {
      const peer = await DataPeer.join(place, browser, 'impostor');
      const known = async () =>
        (await place.witness.ask('report')).identities.every((list) => list.includes('impostor'));
      await until(known, { what: 'everybody to know the impostor' });
      const [, ...sids] = place.sids;
      const list = [];
      for (const label of ['_reliable', '_lossy']) {
        list.push([label, user('spoof packet', { packet: { participantIdentity: 'witness-1' } })]);
        list.push([label, user('spoof user', { user: { participantIdentity: 'witness-1', participantSid: sids[0] } })]);
        list.push([
          label,
          user('spoof both', {
            packet: { participantIdentity: 'witness-2', participantSid: sids[0] },
            user: { participantIdentity: 'witness-2' },
          }),
        ]);
        list.push([label, user('spoof nobody', { packet: { participantIdentity: 'nobody' } })]);
        list.push([
          label,
          user('spoof aimed', { packet: { participantIdentity: 'witness-1', destinationIdentities: ['witness-2'] } }),
        ]);
        list.push([label, user('the last', {})]);
      }
      assert.equal(await peer.send(list), list.length);
      const all = async () => (await heard()).every((got) => got.filter(({ text }) => text === 'the last').length >= 1);
      await until(all, { what: 'the last packet' });
      const spoofed = (await heard()).flat().filter(({ text }) => text.startsWith('spoof'));
      assert.ok(spoofed.length > 0, 'nothing came through at all');
      for (const { text, from } of spoofed) assert.equal(from, 'impostor', text);
      await peer.leave();
    },
    { seconds: 60 },
  );

  await attack(
    place,
    kNames[1],
    async () => {
      const own = random.fork('data');
      const maker = new RandomMessages(own, ['', 'witness-1', 'witness-2', 'nobody', ...place.sids, 'x'.repeat(1000)]);
      const one = () => {
        const label = own.pick(kChannels);
        const kind = own.below(5);
        if (kind === 0) return [label, own.bytes(own.below(1200))];
        if (kind === 1) return [label, own.mutate(user('x'.repeat(own.below(500))))];
        if (kind === 2)
          return [
            label,
            user('y'.repeat(own.chance(0.05) ? 64000 : 100), {
              packet: { destinationIdentities: Array(own.below(100)).fill('witness-1') },
            }),
          ];
        return [label, maker.message(DataPacket, 0, 0.7).toBinary().subarray(0, 60000)];
      };
      const peer = await DataPeer.join(place, browser, 'babbler');
      const sent = await peer.send(Array.from({ length: kPackets }, one));
      console.log(`   ${sent} packets sent`);
      assert.ok(sent > kPackets / 2, `${sent} packets`);
      await peer.leave();
    },
    { seconds: 60 },
  );

  await attack(
    place,
    kNames[2],
    async () => {
      const peer = await DataPeer.join(place, browser, 'opener');
      const opened = await peer.page.evaluate(() => {
        let count = 0;
        try {
          for (; count < 500; ++count)
            window.pc.createDataChannel('x'.repeat(count * 20), { protocol: 'p'.repeat(count) });
        } catch {
          // the browser has its own limit
        }
        return count;
      });
      const empty = Array.from({ length: 500 }, (_, index) => [kChannels[index % 3], Buffer.alloc(0)]);
      const flood = Array.from({ length: 3000 }, (_, index) => [
        kChannels[index % 3],
        user(`${index}`.padEnd(1000, '.')),
      ]);
      const sent = await peer.send([...empty, ...flood]);
      console.log(`   ${opened} channels, ${sent} messages`);
      assert.ok(opened >= 100, `${opened} channels`);
      assert.ok(sent >= 1000, `${sent} messages`);
      await peer.leave();
    },
    { seconds: 60 },
  );

  await attack(
    place,
    kNames[3],
    async () => {
      const peer = await DataPeer.join(place, browser, 'flooder');
      const asker = await SignalClient.join(server, 'quiet', 'asker');
      const sent = () => peer.page.evaluate(() => window.sent ?? 0);
      const flooding = peer.page.evaluate(flood, Buffer.from(user('x'.repeat(1000))).toString('base64'));
      await until(async () => (await sent()) > 1000, { what: 'the flood to be under way' });
      const before = await sent();
      let during = 0;
      // And more, until the flood has shown that it goes on: 200 answers take a few milliseconds.
      for (let count = 1; count <= kRequests || (during <= kRequests && count <= 100 * kRequests); ++count) {
        await asker.send('updateMetadata', { metadata: `${count}`, requestId: count });
        const { requestId, reason } = await asker.wait('requestResponse', { count });
        assert.equal(requestId, count);
        assert.equal(reason, 0, 'the answer is no success');
        if (count >= kRequests) during = (await sent()) - before;
      }
      await peer.page.evaluate(() => (window.over = true));
      console.log(`   ${during} packets meanwhile, ${await flooding} in all`);
      assert.ok(during > kRequests, `${during} packets while the requests were answered`);
      await asker.leave();
      await peer.leave();
    },
    { seconds: 60 },
  );

  await browser.close();
  assert.ok(!server.exited);
}
