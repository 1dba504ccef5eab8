// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A well-behaved call in a process of its own, so that the work of attacking does not slow it down:
// two participants, one per kind of session, both with picture and tone. Answers the commands of
// witness.mjs with numbers.

import { DataPacketKind, RoomEvent } from '@livekit/rtc-node';

import { Peer } from '../lib/rtc_peer.mjs';

const kLookMillis = 20;
const kMaxStepMillis = 5 * kLookMillis;
const ignored = { cleanup() {}, diagnostics: () => () => {} };

// The time that this process had: while it does not run for want of a processor, nothing it should
// have seen counts as a gap.
let awake = 0;
let looked = performance.now();
function stay_awake() {
  const now = performance.now();
  awake += Math.min(now - looked, kMaxStepMillis);
  looked = now;
}

// One way of the call.
class Way {
  constructor(from, to) {
    Object.assign(this, { from, to });
    this.mark();
  }

  get #picture() {
    return this.to.pictures.get(this.from.identity);
  }

  get #samples() {
    return this.to.sounds.get(this.from.identity)?.total ?? 0;
  }

  mark() {
    this.video = {
      at: awake,
      count: this.#picture?.changes ?? 0,
      gap: 0,
      begin: this.#picture?.changes ?? 0,
    };
    this.audio = { at: awake, count: this.#samples, gap: 0, begin: this.#samples };
  }

  look(now) {
    for (const [seen, count] of [
      [this.video, this.#picture?.changes ?? 0],
      [this.audio, this.#samples],
    ]) {
      seen.gap = Math.max(seen.gap, now - seen.at);
      if (count !== seen.count) [seen.count, seen.at] = [count, now];
    }
  }

  report() {
    return {
      way: `${this.from.identity} to ${this.to.identity}`,
      frames: this.video.count - this.video.begin,
      samples: this.audio.count - this.audio.begin,
      video_gap: Math.round(this.video.gap),
      audio_gap: Math.round(this.audio.gap),
      tone: this.to.sounds.get(this.from.identity)?.tone,
    };
  }
}

let peers = [];
let ways = [];
let marked = 0;

// What happens to a participant whose connections break.
const kBroken = new Set([RoomEvent.Reconnecting, RoomEvent.Disconnected]);

// Video counters of all connections of a participant.
async function counters(peer) {
  const { publisherStats, subscriberStats } = await peer.room.getRtcStats();
  const total = { sent: 0, received: 0, lost: 0, dropped: 0 };
  for (const { stats } of [...publisherStats, ...subscriberStats]) {
    const { inbound, outbound, received, stream } = stats.value ?? {};
    if (stream?.kind !== 'video') continue;
    if (stats.case === 'outboundRtp') total.sent += Number(outbound.framesSent);
    if (stats.case !== 'inboundRtp') continue;
    total.received += Number(inbound.framesReceived);
    total.dropped += Number(inbound.framesDropped);
    total.lost += Number(received.packetsLost);
  }
  return total;
}

const commands = {
  async join({ url, tokens }) {
    peers = [];
    for (const [index, token] of tokens.entries()) {
      const settings = { token, number: index + 1, single: index % 2 === 0 };
      peers.push(await Peer.join(ignored, { ws: url }, '', `witness-${index + 1}`, settings));
    }
    for (const peer of peers) {
      await peer.publish_picture({ fps: 15 });
      await peer.publish_tone();
    }
    const [one, two] = peers;
    await Promise.all([one.sees(two), two.sees(one), one.hears(two), two.hears(one)]);
    ways = [new Way(one, two), new Way(two, one)];
    setInterval(() => {
      stay_awake();
      ways.forEach((way) => way.look(awake));
    }, kLookMillis);
  },
  mark() {
    ways.forEach((way) => way.mark());
    marked = Date.now();
  },
  report() {
    const identities = peers.map((peer) => [...peer.room.remoteParticipants.keys()]);
    const broken = peers.map((peer) => peer.events.filter(({ name, at }) => at >= marked && kBroken.has(name)).length);
    const data = peers.map((peer) => peer.data.map(({ text, from }) => ({ text: text.slice(0, 100), from })));
    return { ways: ways.map((way) => way.report()), identities, broken, data };
  },
  // Of each, the numbers that the reliable packets of a topic begin with.
  numbers(topic) {
    const of = (peer) => peer.data.filter((one) => one.topic === topic && one.kind === DataPacketKind.KIND_RELIABLE);
    return peers.map((peer) => of(peer).map(({ text }) => parseInt(text, 10)));
  },
  async counters() {
    return Promise.all(peers.map(counters));
  },
  async leave() {
    await Promise.all(peers.map((peer) => peer.leave()));
  },
};

process.on('message', async ({ id, command, value }) => {
  try {
    process.send({ id, value: await commands[command](value) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
process.on('disconnect', () => process.exit(0));
// An error that nobody handles ends the call, and with it the suite's next question fails.
for (const kind of ['unhandledRejection', 'uncaughtException']) {
  process.on(kind, (error) => {
    console.log(`unhandled error of the witness: ${error?.stack ?? error}`);
    process.exit(1);
  });
}
