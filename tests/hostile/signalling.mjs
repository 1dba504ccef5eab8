// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// An authenticated participant that sends the wrong things over signalling: random messages, floods,
// things that do not exist.

import { SignalRequest } from '@livekit/protocol';

import { kBinary, kText } from '../lib/raw_websocket.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { RandomMessages } from './random_messages.mjs';
import { attack } from './witness.mjs';

const kRandomMessages = 3000;
const kMutated = 3000;
const kTracks = 10000;
const kFloodMillis = 4000;
const kLeaves = ['leave', 'simulate']; // these end the session by right

const endpoint = (v1) => (v1 ? '/rtc/v1' : '/rtc');

// Sends each message, joining again whenever the server has enough; counts the joins.
async function send_all(join, messages) {
  let client = await join();
  let joins = 1;
  for (const [opcode, bytes] of messages) {
    if (!client.open) {
      client = await join();
      joins += 1;
    }
    await client.ws.send(opcode, bytes);
    // The end of a connection is seen a little later.
    if (joins < 50 && client.sent++ % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  if (client.open) {
    await client.send('pingReq', { timestamp: 5n });
    await until(() => client.counts.pongResp > 0 || !client.open, {
      timeout: 20000,
      what: 'an answer after the flood',
    });
  }
  client.destroy();
  return joins;
}

export async function signalling_attacks(place) {
  const { server, room, random, sids } = place;
  const words = () => [
    '',
    'witness-1',
    'witness-2',
    ...sids,
    'TR_VCnothing',
    'PA_nobody',
    room,
    'x'.repeat(300),
    '\u0000',
    '0',
    '{"candidate":""}',
    'v=0\r\n',
  ];

  for (const v1 of [false, true]) {
    let count = 0;
    const join = async () => {
      const client = await SignalClient.join(server, room, `mallory-${v1}-${(count += 1)}`, { v1 });
      return Object.assign(client, { sent: 0 });
    };

    await attack(
      place,
      `${endpoint(v1)}: ${kRandomMessages} random requests of every kind [IMM-7] [IMM-15]`,
      async () => {
        const own = random.fork(`requests ${v1}`);
        const maker = new RandomMessages(own, words());
        const names = SignalRequest.fields.list().map((field) => field.localName);
        assert.ok(names.length > 15, `${names}`);
        const one = () => {
          const name = own.chance(0.02) ? own.pick(kLeaves) : own.pick(names.filter((each) => !kLeaves.includes(each)));
          return [kBinary, maker.request(SignalRequest, name).toBinary()];
        };
        console.log(`   ${await send_all(join, Array.from({ length: kRandomMessages }, one))} joins`);
      },
    );

    await attack(
      place,
      `${endpoint(v1)}: ${kMutated} changed, cut and random frames, binary and text [IMM-7]`,
      async () => {
        const own = random.fork(`frames ${v1}`);
        const maker = new RandomMessages(own, words());
        const one = () => {
          const kind = own.below(4);
          if (kind === 0) return [kBinary, own.bytes(own.below(300))];
          const message = maker.message(SignalRequest, 0, 1);
          if (kind === 1) return [kText, own.mutate(Buffer.from(json_of(message)))];
          return [kBinary, own.mutate(message.toBinary())];
        };
        console.log(`   ${await send_all(join, Array.from({ length: kMutated }, one))} joins`);
      },
    );

    await attack(place, `${endpoint(v1)}: ${kTracks} add_track requests [IMM-15]`, async () => {
      const client = await join();
      for (let index = 0; index < kTracks; ++index) {
        await client.send('addTrack', {
          cid: `cid-${index}`,
          name: `n${index}`.padEnd(200, '.'),
          type: index % 2,
          source: 1 + (index % 4),
        });
      }
      await client.send('pingReq', { timestamp: 5n });
      await client.wait('pongResp', { timeout: 20000 });
      console.log(`   ${JSON.stringify(client.counts)}`);
      assert.ok((client.counts.trackPublished ?? 0) <= 256, `${client.counts.trackPublished} were accepted`);
      await client.leave();
    });

    await attack(place, `${endpoint(v1)}: unknown and foreign sids in every request [IMM-15]`, async () => {
      const client = await join();
      const many = [...sids, ...Array.from({ length: 2000 }, (_, index) => `TR_VC${index}`)];
      for (let round = 0; round < 10; ++round) {
        await client.send('subscription', {
          trackSids: many,
          subscribe: round % 2 === 0,
          participantTracks: [{ participantSid: 'PA_nobody', trackSids: many }],
        });
        await client.send('trackSetting', { trackSids: many, disabled: false, quality: round, width: 1, fps: round });
        await client.send('subscriptionPermission', {
          allParticipants: false,
          trackPermissions: many.map((sid) => ({ participantSid: `PA_${sid}`, trackSids: [sid] })),
        });
        await client.send('updateDataSubscription', {
          updates: many.map((trackSid) => ({ trackSid, subscribe: true })),
        });
        for (const sid of sids) {
          await client.send('mute', { sid, muted: true });
          await client.send('updateVideoTrack', { trackSid: sid, width: 1, height: 1 });
          await client.send('updateAudioTrack', { trackSid: sid, features: [1, 2, 3] });
          await client.send('unpublishDataTrackRequest', { pubHandle: round });
        }
      }
      await client.send('pingReq', { timestamp: 5n });
      await client.wait('pongResp', { timeout: 20000 });
      await client.leave();
    });

    await attack(
      place,
      `${endpoint(v1)}: a flood of pings and candidates for ${kFloodMillis} ms [IMM-15]`,
      async () => {
        const client = await join();
        const sent = await client.flood(kFloodMillis, async (number) => {
          await client.send('ping', BigInt(number));
          const address = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255} ${1 + (number % 65535)}`;
          const candidate = `candidate:${number} 1 udp 2130706431 ${address} typ host`;
          await client.send('trickle', {
            candidateInit: JSON.stringify({ candidate, sdpMid: '0', sdpMLineIndex: 0 }),
            target: number % 2,
          });
        });
        console.log(`   ${2 * sent} requests`);
        assert.ok(sent > 50, `${sent} of each`);  // how many is the machine's, and our limit's, affair
        client.destroy();
      },
    );

    await attack(
      place,
      `${endpoint(v1)}: own metadata, name and attributes changed all the time [IMM-15]`,
      async () => {
        const client = await join();
        const sent = await client.flood(kFloodMillis, (number) => {
          const attributes = Object.fromEntries(
            Array.from({ length: 5 }, (_, key) => [`k${number}-${key}`, 'v'.repeat(50)]),
          );
          return client.send('updateMetadata', {
            name: `n${number}`,
            metadata: 'm'.repeat(number % 600),
            attributes,
            requestId: number,
          });
        });
        assert.ok(client.open, 'the one who floods was cut off, others may have been, too');
        console.log(`   ${sent} sent, ${client.counts.requestResponse} answered, ${client.counts.update} updates`);
        client.destroy();
      },
    );
  }
}

// The JSON of a message as far as it has one.
function json_of(message) {
  try {
    return message.toJsonString();
  } catch {
    return '{"ping":"1"}';
  }
}
