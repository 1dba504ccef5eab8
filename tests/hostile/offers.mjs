// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Descriptions that no browser makes: mutated offers and answers, ten thousand sections.

import { make_offer } from '../lib/sdp.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { attack } from './witness.mjs';

const kMutations = 400;
const kSections = 10000;
const kRestarts = 300;

const kOdd = [
  '',
  '-1',
  '0',
  '65536',
  '4294967296',
  '99999999999999999999',
  '%s%n',
  '../../etc',
  '\u0000',
  'NaN',
  'x'.repeat(5000),
  '::1',
  '255.255.255.255',
];

// Changes lines and values of a description, or its bytes.
export function mutate_sdp(random, sdp) {
  if (random.chance(0.2)) return random.mutate(Buffer.from(sdp)).toString('latin1');
  const lines = sdp.split('\r\n');
  for (let left = 1 + random.below(6); left > 0; --left) {
    if (lines.length === 0) lines.push('v=0');
    const at = random.below(lines.length);
    const kind = random.below(7);
    if (kind === 0) lines.splice(at, 1);
    if (kind === 1) lines.splice(at, 0, ...Array(random.chance(0.05) ? 3000 : 1 + random.below(4)).fill(lines[at]));
    if (kind === 2) lines[at] = lines[at].replace(/\d+/, random.pick(kOdd));
    if (kind === 3) lines[at] = lines[at].replace(/[:=].*/, (value) => value[0] + random.pick(kOdd));
    if (kind === 4) lines.splice(random.below(lines.length), 0, ...lines.splice(at, 1));
    if (kind === 5) lines[at] = lines[at].repeat(1 + random.below(30));
    if (kind === 6) lines.length = Math.max(1, at);
  }
  return lines.join(random.chance(0.05) ? '\n' : '\r\n');
}

const kSendRecv = [
  { kind: 'audio', direction: 'sendonly', cid: 'mic', ssrc: 1111 },
  { kind: 'video', direction: 'sendonly', cid: 'cam', rids: ['q', 'h', 'f'] },
  ...Array(3).fill({ kind: 'audio', direction: 'recvonly' }),
  ...Array(3).fill({ kind: 'video', direction: 'recvonly' }),
];

// m-lines as short as they can be, so that thousands fit into a message.
function long_offer(count) {
  const attributes = ['a=rtpmap:111 opus/48000/2', 'a=sendonly'];
  const section = (mid) =>
    ['m=audio 9 UDP/TLS/RTP/SAVPF 111', `a=mid:${mid}`, ...attributes, `a=msid:s c${mid}`, ''].join('\r\n');
  const head = make_offer([])
    .replace(/a=group.*\r\n/, '')
    .split('m=application')[0];
  const ice = 'a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n';
  return head + ice + Array.from({ length: count }, (_, index) => section(index)).join('');
}

export async function offer_attacks(place) {
  const { server, room, random } = place;
  let count = 0;
  const join = async (v1, more = {}) => SignalClient.join(server, room, `sdp-${(count += 1)}`, { v1, ...more });

  for (const v1 of [false, true]) {
    const name = v1 ? '/rtc/v1' : '/rtc';

    await attack(
      place,
      `${name}: ${kMutations} mutated offers [IMM-7]`,
      async () => {
        const own = random.fork(`offers ${v1}`);
        let client = await join(v1);
        let answers = 0;
        for (let index = 0; index < kMutations; ++index) {
          if (!client.open) client = await join(v1);
          await client.send('addTrack', { cid: 'mic', type: 0, source: 2 });
          await client.send('addTrack', { cid: 'cam', type: 1, source: 1, width: 640, height: 360 });
          await client.send('offer', { type: 'offer', sdp: mutate_sdp(own, make_offer(kSendRecv)), id: index });
          const had = client.counts.answer ?? 0;
          const done = () => (client.counts.answer ?? 0) > had || client.counts.leave > 0 || !client.open;
          if (index % 8 === 0) await until(done, { timeout: 500, every: 2 }).catch(() => {});
          answers += (client.counts.answer ?? 0) - had;
          // Every other one is told off by a leave; it would stay until the client goes.
          if (client.counts.leave) client.destroy();
          if (client.counts.leave || index % 40 === 39) client = await join(v1);
        }
        client.destroy();
        assert.ok(answers > 0, 'none was good enough for an answer');
      },
      { seconds: 60 },
    );

    await attack(
      place,
      `${name}: an offer of ${kSections} sections, ten times [IMM-7] [IMM-13]`,
      async () => {
        const sdp = long_offer(kSections);
        assert.ok(sdp.length < 2 << 20, `${sdp.length} bytes are too many`);
        for (let index = 0; index < 10; ++index) {
          const client = await join(v1);
          await client.send('offer', { type: 'offer', sdp, id: 1 });
          await until(() => client.counts.answer || client.counts.leave || !client.open, { what: 'a word about it' });
          client.destroy();
        }
      },
      { seconds: 60 },
    );

    await attack(
      place,
      `${name}: ${kRestarts} ICE restarts and offers of 1000 sections [IMM-15]`,
      async () => {
        const client = await join(v1);
        for (let index = 0; index < kRestarts && client.open; ++index) {
          await client.send('offer', { type: 'offer', sdp: make_offer(kSendRecv), id: index + 1 });
        }
        await client.send('pingReq', { timestamp: 1n });
        await until(() => client.counts.pongResp > 0 || !client.open, {
          timeout: 30000,
          what: 'the end of the restarts',
        });
        client.destroy();
        const other = await join(v1);
        await other.send('offer', { type: 'offer', sdp: long_offer(1000), id: 1 });
        await other.send('offer', { type: 'offer', sdp: long_offer(1000), id: 2 });
        await until(() => other.counts.answer || other.counts.leave || !other.open, {
          what: 'a word about 1000 sections',
        });
        other.destroy();
      },
      { seconds: 60 },
    );
  }

  await attack(
    place,
    `/rtc: 200 mutated answers to the server's offer [IMM-7]`,
    async () => {
      const own = random.fork('answers');
      for (let index = 0; index < 200; ++index) {
        const client = await join(false);
        const offer = await client.wait('offer');
        const answer = offer.sdp.replaceAll('a=sendonly', 'a=recvonly').replaceAll('actpass', 'active');
        await client.send('answer', { type: 'answer', sdp: mutate_sdp(own, answer), id: offer.id });
        await client.send('answer', { type: 'answer', sdp: mutate_sdp(own, answer), id: offer.id });
        client.destroy();
      }
    },
    { seconds: 60 },
  );

  await attack(
    place,
    '/rtc/v1: mutated join requests, with offers and tracks inside [IMM-7] [CON-39]',
    async () => {
      const own = random.fork('joins');
      const statuses = {};
      for (let index = 0; index < 300; ++index) {
        const sdp = mutate_sdp(own, make_offer(kSendRecv));
        const tracks = Array.from({ length: own.below(40) }, (_, track) => ({ cid: `c${track}`, type: track % 2 }));
        const request = { publisherOffer: { type: 'offer', sdp, id: index }, addTrackRequests: tracks };
        const reply = await SignalClient.ask(server, room, `joiner-${index}`, { request });
        statuses[reply.status] = (statuses[reply.status] ?? 0) + 1;
        reply.client?.destroy();
      }
      console.log(`   ${JSON.stringify(statuses)}`);
      assert.ok(statuses[101] > 0, 'nobody could join');
    },
    { seconds: 60 },
  );
}
