// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A participant made of @livekit/rtc-node: sends the picture and the tone of lib/picture.mjs and
// keeps what it decodes of the others.

import { randomFillSync } from 'node:crypto';

import {
  AudioFrame,
  AudioSource,
  AudioStream,
  EncryptionType,
  LocalAudioTrack,
  LocalVideoTrack,
  Room,
  RoomEvent,
  SimulateScenarioKind,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  VideoCodec,
  VideoFrame,
  VideoSource,
  VideoStream,
} from '@livekit/rtc-node';

import { bars_of, kBars, kTones, PictureLog, tone_of } from './picture.mjs';
import { assert } from './suite.mjs';
import { join_token } from './token.mjs';
import { until, within } from './wait.mjs';

const kRate = 48000;
const kAudioMillis = 20;
const kToneWindow = 9600;
const kConnectMillis = 10000;
const kLeaveMillis = 5000;
const kRepublishMillis = 6000;
const kTraffic = new Set(['framesEncoded', 'packetsSent', 'packetsReceived', 'framesReceived', 'framesDecoded', 'pliCount']);
// That often in a row a full reconnect may get stuck, before it is taken for the server's fault.
export const kStuckTries = 4;
const kToldEvents = 12; // of each participant, when a check fails

// Black and white in the middle of limited-range luma.
const kWhite = 220;
const kBlack = 24;

function picture({ width, height, noise }, number, counter) {
  const data = new Uint8Array((width * height * 3) / 2).fill(128);
  if (noise) randomFillSync(data, width * height);
  const row = new Uint8Array(width);
  const bars = bars_of(number, counter);
  for (let x = 0; x < width; ++x) row[x] = bars[Math.floor((x * kBars) / width)] ? kWhite : kBlack;
  for (let y = 0; y < height; ++y) data.set(row, y * width);
  return new VideoFrame(data, width, height, VideoBufferType.I420);
}

// Power of one frequency (Goertzel).
function power(samples, frequency) {
  const factor = 2 * Math.cos((2 * Math.PI * frequency) / kRate);
  let before = 0;
  let last = 0;
  for (const sample of samples) [before, last] = [last, sample + factor * last - before];
  return last * last + before * before - factor * last * before;
}

// The loudest of the known tones; undefined in silence.
function loudest(samples) {
  const energy = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  if (energy < 10000) return undefined;
  const powers = kTones.map((tone) => power(samples, tone));
  return kTones[powers.indexOf(Math.max(...powers))];
}

// Collects a window of sound per sender; the frequency is worked out when asked for.
class SoundLog {
  samples = new Float32Array(kToneWindow);
  at = 0;
  total = 0;

  add(data) {
    for (const sample of data) {
      this.samples[this.at] = sample;
      this.at = (this.at + 1) % kToneWindow;
    }
    this.total += data.length;
  }

  get tone() {
    return loudest([...this.samples.subarray(this.at), ...this.samples.subarray(0, this.at)]);
  }
}

const encryption = (secret) => ({
  encryptionType: EncryptionType.GCM,
  keyProviderOptions: { sharedKey: new TextEncoder().encode(secret) },
});

export class Peer {
  room = new Room();
  pictures = new Map();
  sounds = new Map();
  data = [];
  events = [];
  #timers = new Set();
  #readers = new Set();
  #left = false;
  #forget = () => {};

  constructor(identity, number) {
    this.identity = identity;
    this.number = number;
    this.#observe();
  }

  // Joins `room_name`. `single` chooses single (true) or dual peer connection; `token` replaces
  // the one made here; `grant` and `options` go into it. `secret`: the key of end-to-end encryption.
  // `ice`: the transport type, where it is not all.
  static async join(suite, server, room_name, identity, settings = {}) {
    const { number = 1, single = true, auto_subscribe = true, grant, options, secret, ice } = settings;
    const peer = new Peer(identity, number);
    peer.#forget = suite.diagnostics(() => {}, () => peer.#story());
    suite.cleanup(() => peer.leave());
    const token = settings.token ?? (await join_token(room_name, identity, { grant, options }));
    const connect = peer.room.connect(server.ws, token, {
      autoSubscribe: auto_subscribe,
      dynacast: false,
      singlePeerConnection: single,
      ...(secret && { encryption: encryption(secret) }),
      ...(ice !== undefined && { rtcConfig: { iceTransportType: ice, continualGatheringPolicy: 1, iceServers: [] } }),
    });
    await within(kConnectMillis, `${identity} joining`, connect);
    return peer;
  }

  get local() {
    return this.room.localParticipant;
  }

  async #stats() {
    const stats = await this.room.getRtcStats();
    return stats.message?.value ?? stats;
  }

  // The protocol (`udp`, `tcp`) of each peer connection's selected candidate pair.
  async protocols() {
    const { publisherStats, subscriberStats } = await this.#stats();
    return [publisherStats, subscriberStats].flatMap((list) => {
      const of = (kind) => list.filter((one) => one.stats.case === kind).map((one) => one.stats.value);
      const [transport] = of('transport');
      const selected = transport?.transport.selectedCandidatePairId;
      const pair = of('candidatePair').find((one) => one.rtc.id === selected)?.candidatePair;
      const local = of('localCandidate').find((one) => one.rtc.id === pair?.localCandidateId);
      return local ? [local.candidate.protocol] : [];
    });
  }

  // The mime types of the pictures it gets, by the SSRCs they come with.
  async picture_codecs() {
    const { publisherStats, subscriberStats } = await this.#stats();
    const got = new Map();
    for (const list of [publisherStats, subscriberStats]) {
      const of = (kind) => list.filter((one) => one.stats.case === kind).map((one) => one.stats.value);
      const types = new Map(of('codec').map((one) => [one.rtc.id, one.codec.mimeType]));
      for (const { stream, inbound } of of('inboundRtp'))
        if (stream.kind === 'video') got.set(stream.ssrc, types.get(stream.codecId));
    }
    return got;
  }

  #observe() {
    this.room.setMaxListeners(100);
    for (const name of Object.values(RoomEvent)) {
      this.room.on(name, (...values) => this.events.push({ name, values, at: Date.now() }));
    }
    this.room.on(RoomEvent.TrackSubscribed, (track, publication, participant) => {
      const read = track.kind === TrackKind.KIND_VIDEO ? this.#watch : this.#listen;
      read.call(this, track, publication, participant.identity).catch(() => {});
    });
    this.room.on(RoomEvent.DataReceived, (payload, participant, kind, topic) => {
      const text = new TextDecoder().decode(payload);
      this.data.push({ text, payload, from: participant?.identity, kind, topic });
    });
  }

  async #watch(track, publication, identity) {
    const log = new PictureLog();
    this.pictures.set(identity, log);
    await this.#drain(new VideoStream(track), publication.sid, ({ frame }) => {
      const y = Math.floor(frame.height / 2) * frame.width;
      log.add(frame.width, frame.height, (part) => frame.data[y + Math.floor(part * frame.width)]);
    });
  }

  async #listen(track, publication, identity) {
    const log = new SoundLog();
    this.sounds.set(identity, log);
    await this.#drain(new AudioStream(track, kRate, 1), publication.sid, (frame) => log.add(frame.data));
  }

  async #drain(stream, sid, consume) {
    const reader = stream.getReader();
    const entry = { reader, sid };
    this.#readers.add(entry);
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.#left) break;
      consume(value);
    }
    this.#readers.delete(entry);
  }

  // Publishes the picture as camera; returns the publication with stop().
  // `noise` in its colours makes each frame many packets.
  async publish_picture(settings = {}) {
    const { codec = VideoCodec.VP8, width = 160, height = 120, fps = 10, simulcast = false, noise = false } = settings;
    const source = new VideoSource(width, height);
    const track = LocalVideoTrack.createVideoTrack('picture', source);
    let counter = 0;
    const send = () => {
      if (!source.closed) source.captureFrame(picture({ width, height, noise }, this.number, counter++));
    };
    send();
    const timer = setInterval(send, 1000 / fps);
    this.#timers.add(timer);
    const options = new TrackPublishOptions({
      source: TrackSource.SOURCE_CAMERA,
      videoCodec: codec,
      simulcast,
      videoEncoding: { maxBitrate: 300000n, maxFramerate: fps },
    });
    const publication = await this.local.publishTrack(track, options);
    const stop = async () => {
      clearInterval(timer);
      await this.local.unpublishTrack(publication.sid, true);
    };
    return { publication, track, stop };
  }

  // Publishes the tone as microphone.
  async publish_tone() {
    const source = new AudioSource(kRate, 1);
    const track = LocalAudioTrack.createAudioTrack('tone', source);
    const step = (2 * Math.PI * tone_of(this.number)) / kRate;
    const samples = (kRate * kAudioMillis) / 1000;
    let phase = 0;
    let volume = 8000;
    const send = async () => {
      while (!this.#left && !source.closed) {
        const data = new Int16Array(samples);
        for (let index = 0; index < samples; ++index) data[index] = volume * Math.sin((phase += step));
        await source.captureFrame(new AudioFrame(data, kRate, 1, samples));
      }
    };
    send().catch(() => {});
    const options = new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE });
    const publication = await this.local.publishTrack(track, options);
    const set_volume = (wanted) => {
      volume = wanted;
    };
    return { publication, track, set_volume, stop: () => this.local.unpublishTrack(publication.sid, true) };
  }

  // Waits until at least `changes` further frames of `other` were decoded.
  async sees(other, { timeout = 10000, changes = 3 } = {}) {
    const log_of = () => this.pictures.get(other.identity);
    let log = log_of();
    let begin = log?.changes ?? 0;
    try {
      await until(
        () => {
          if (log_of() !== log) [log, begin] = [log_of(), 0];
          return log && log.number === other.number && log.changes >= begin + changes;
        },
        { timeout, what: () => `${this.identity} to see ${other.identity}: ${JSON.stringify(log_of())}` },
      );
    } catch (error) {
      error.message += `; ${await other.traffic()}; ${await this.traffic()}`;
      throw error;
    }
    return log;
  }

  // Waits until no picture of `other` has come for `quiet` ms.
  async sees_no_more(other, { timeout = 5000, quiet = 600 } = {}) {
    let frames = -1;
    let since = 0;
    const still = () => {
      const now = this.pictures.get(other.identity)?.frames ?? 0;
      if (now !== frames) [frames, since] = [now, Date.now()];
      return Date.now() - since >= quiet;
    };
    await until(still, { timeout, what: `${this.identity} to see no more of ${other.identity}` });
  }

  async hears(other, { timeout = 10000 } = {}) {
    const tone = tone_of(other.number);
    const heard = () => this.sounds.get(other.identity)?.tone;
    const what = () => `${this.identity} to hear ${tone} Hz of ${other.identity}, hears ${heard()}`;
    await until(() => heard() === tone, { timeout, what });
  }

  // Waits for an event that satisfies `match`; events of the past count from `since` on.
  async event(name, match = () => true, { timeout = 10000, since = 0 } = {}) {
    const find = () => this.events.find((one) => one.name === name && one.at >= since && match(...one.values));
    return until(find, { timeout, every: 10, what: `${this.identity} to get the event ${name}` });
  }

  // Joins anew as after the end of its node, and publishes again. False: the SDK got stuck in it.
  async full_reconnect(timeout) {
    const since = Date.now();
    await this.room.simulateScenario(SimulateScenarioKind.SIMULATE_NODE_FAILURE);
    await this.event(RoomEvent.Reconnected, () => true, { since, timeout });
    return !(await this.got_stuck());
  }

  // After a full reconnect: whether the SDK got stuck in it and is of no use any more (rtc-node 1.1.0, behind
  // livekit-server, too: an answer that comes while it begins the next offer is never done with). It then
  // offers nothing of what it says it publishes, and can not even leave.
  async got_stuck() {
    const sends = async () => {
      const { publisherStats } = await this.#stats();
      const streams = publisherStats.filter((one) => one.stats.case === 'outboundRtp');
      return streams.length >= this.local.trackPublications.size;
    };
    if (await until(sends, { timeout: kRepublishMillis, every: 100 }).catch(() => false)) return false;
    this.#abandon();
    const left = await within(kLeaveMillis, 'leaving', this.room.disconnect()).then(() => true, () => false);
    assert.ok(!left, `${this.identity} joined anew and offers none of its tracks`);
    return true;
  }

  remote(identity) {
    return this.room.remoteParticipants.get(identity);
  }

  // For a failed check: what went through its connections, by its own statistics.
  async traffic() {
    const told = [];
    const walk = (part) => {
      if (part === null || typeof part !== 'object') return;
      const seen = Object.entries(part).filter(([key, value]) => kTraffic.has(key) && value > 0);
      if (seen.length > 0) told.push(seen.map(([key, value]) => `${key} ${value}`).join(' '));
      Object.values(part).forEach(walk);
    };
    try {
      walk(await within(2000, 'statistics', this.room.getRtcStats()));
    } catch (error) {
      told.push(error.message);
    }
    return `${this.identity}: ${told.join(', ') || 'nothing'}`;
  }

  // For a failed check: what the client says of itself, and what it heard last.
  #story() {
    const time = (at) => new Date(at).toISOString().slice(11, 23);
    const tracks = [...(this.local?.trackPublications.keys() ?? [])].join(' ');
    const last = this.events.slice(-kToldEvents).map(({ name, at }) => `${time(at)} ${name}`);
    return [`${this.identity} at ${time(Date.now())}: connection state ${this.room.connectionState}, publishes ${tracks}`, ...last];
  }

  // Without a word to anybody.
  #abandon() {
    this.#left = true;
    this.#forget();
    for (const timer of this.#timers) clearInterval(timer);
    for (const { reader } of this.#readers) reader.cancel().catch(() => {});
  }

  async leave() {
    if (this.#left) return;
    this.#abandon();
    await within(kLeaveMillis, `${this.identity} leaving`, this.room.disconnect());
  }
}
