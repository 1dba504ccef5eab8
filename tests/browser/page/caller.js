// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// One participant made of livekit-client. The suite drives it through `window.caller` and asks it
// for plain data only.

import {
  BackupCodecPolicy,
  ConnectionErrorReason,
  ExternalE2EEKeyProvider,
  Room,
  RoomEvent,
  RpcError,
  setLogLevel,
  Track,
  VideoPreset,
  VideoQuality,
} from '/livekit-client.mjs';

import { PictureReader, PictureSource, ToneReader, ToneSource } from './media.js';

const kDataFrameMillis = 40;
const kQualities = { low: VideoQuality.LOW, medium: VideoQuality.MEDIUM, high: VideoQuality.HIGH };

const kSources = { picture: Track.Source.Camera, tone: Track.Source.Microphone };

setLogLevel('warn');

async function streams_of(track, type) {
  const report = Object.fromEntries((await track?.getRTCStatsReport()) ?? []);
  const streams = Object.values(report).filter((entry) => entry.type === type);
  return streams.map((entry) => ({ ...entry, mime: report[entry.codecId]?.mimeType }));
}

async function encryption_with(secret) {
  const keyProvider = new ExternalE2EEKeyProvider();
  await keyProvider.setKey(secret);
  return { keyProvider, worker: new Worker('/e2ee-worker.mjs', { type: 'module' }) };
}

// What the publisher wrote behind the newest frame that a video element showed.
function read_metadata(track, element, entry) {
  const look = (_now, { rtpTimestamp }) => {
    const found = track.lookupFrameMetadata({ rtpTimestamp });
    if (found) entry.metadata = { at: Number(found.userTimestamp) / 1000, frame: found.frameId, count: (entry.metadata?.count ?? 0) + 1 };
    element.requestVideoFrameCallback(look);
  };
  element.requestVideoFrameCallback(look);
}

class Caller {
  room;
  number = 1;
  events = [];
  data = [];
  frames = {}; // of data tracks, by publisher: how many came
  #remote_data_tracks = new Map(); // publisher → track
  #readers = new Map(); // track sid → {identity, kind, reader, element}
  #sources = {};

  // Joins, with end-to-end encryption if there is a `secret`, reading what others write behind their
  // frames with `metadata`; returns the own sids.
  async join({ url, token, number, v0 = false, adaptive = false, dynacast = false, auto_subscribe = true, secret, relay = false, metadata = false }) {
    this.number = number;
    const encryption = secret && (await encryption_with(secret));
    this.room = new Room({
      singlePeerConnection: !v0,
      adaptiveStream: adaptive,
      dynacast,
      publishDefaults: { backupCodec: false },
      encryption,
      frameMetadata: metadata ? { worker: new Worker('/fm-worker.mjs', { type: 'module' }) } : undefined,
    });
    this.#observe();
    try {
      if (secret) await this.room.setE2EEEnabled(true);
      const rtcConfig = relay ? { iceTransportPolicy: 'relay' } : undefined;
      await this.room.connect(url, token, { autoSubscribe: auto_subscribe, rtcConfig });
    } catch (error) {
      return { error: error.message, reason: ConnectionErrorReason[error.reason], status: error.status };
    }
    return { sid: this.room.localParticipant.sid, room: await this.room.getSid() };
  }

  #observe() {
    for (const name of Object.values(RoomEvent)) {
      this.room.on(name, (...values) => this.events.push({ name, at: Date.now(), who: this.#who(values) }));
    }
    this.room.on(RoomEvent.TrackSubscribed, (track, publication, participant) => {
      const element = track.attach();
      document.body.append(element);
      const reader = track.kind === Track.Kind.Video ? new PictureReader(element) : new ToneReader(track.mediaStreamTrack);
      this.#forget(publication.trackSid);
      const entry = { identity: participant.identity, kind: track.kind, reader, element };
      this.#readers.set(publication.trackSid, entry);
      if (track.kind === Track.Kind.Video) read_metadata(track, element, entry);
    });
    this.room.on(RoomEvent.TrackUnsubscribed, (_track, publication) => this.#forget(publication.trackSid));
    this.room.on(RoomEvent.DataTrackPublished, (track) => this.#remote_data_tracks.set(track.publisherIdentity, track));
    this.room.on(RoomEvent.DataReceived, (payload, participant, _kind, topic) => {
      this.data.push({ text: new TextDecoder().decode(payload), from: participant?.identity, topic });
    });
  }

  // Whom an event is about, and why somebody was disconnected.
  #who(values) {
    if (Array.isArray(values[0])) return values[0].map((one) => one?.identity).join();
    const participant = values.find((value) => value?.identity !== undefined);
    return participant?.identity ?? (['string', 'number'].includes(typeof values[0]) ? values[0] : undefined);
  }

  #forget(sid) {
    const entry = this.#readers.get(sid);
    if (!entry) return;
    entry.reader.stop();
    entry.element.remove();
    this.#readers.delete(sid);
  }

  // Publishes the picture as camera. `layers`: [[width, height, bitrate, fps]…] below the full one.
  // `backup`: how who has no such codec is to be served (VP8), a name of BackupCodecPolicy.
  async publish_picture({ codec = 'vp8', size = {}, bitrate = 300000, layers, metadata = false, backup } = {}) {
    const source = new PictureSource(this.number, size);
    this.#sources.picture = source;
    const presets = layers?.map(([width, height, rate, fps]) => new VideoPreset(width, height, rate, fps));
    const videoEncoding = { maxBitrate: bitrate, maxFramerate: size.fps ?? 12 };
    const publication = await this.room.localParticipant.publishTrack(source.track, {
      source: Track.Source.Camera,
      videoCodec: codec,
      simulcast: presets !== undefined,
      videoSimulcastLayers: presets,
      videoEncoding,
      ...(backup && { backupCodec: { codec: 'vp8', encoding: videoEncoding }, backupCodecPolicy: BackupCodecPolicy[backup] }),
      frameMetadata: metadata ? { timestamp: true, frameId: true } : undefined,
    });
    return publication.trackSid;
  }

  // The camera goes on in another codec that was agreed on, without an offer: as libwebrtc does by
  // itself when an encoder fails.
  async change_encoder(mime) {
    const { sender } = this.room.localParticipant.getTrackPublication(Track.Source.Camera).track;
    const parameters = sender.getParameters();
    const codec = parameters.codecs.find((one) => one.mimeType === mime);
    for (const encoding of parameters.encodings) Object.assign(encoding, { codec, scalabilityMode: 'L1T1' });
    await sender.setParameters(parameters);
  }

  async publish_tone({ red = true, loudness } = {}) {
    const source = new ToneSource(this.number, loudness);
    this.#sources.tone = source;
    const options = { source: Track.Source.Microphone, red };
    const publication = await this.room.localParticipant.publishTrack(source.track, options);
    return publication.trackSid;
  }

  // The microphone goes on, there is nothing to hear.
  fall_silent() {
    this.loudness(0);
  }

  // The amplitude of the tone, up to 1.
  loudness(amplitude) {
    this.#sources.tone.set_loudness(amplitude);
  }

  async unpublish(what) {
    const source = this.#sources[what];
    await this.room.localParticipant.unpublishTrack(source.track);
    source.stop();
  }

  // Camera and microphone as an application turns them on.
  async use_devices() {
    await this.room.localParticipant.setCameraEnabled(true, { resolution: { width: 320, height: 240, frameRate: 12 } });
    await this.room.localParticipant.setMicrophoneEnabled(true);
  }

  // As publish_picture, but past the client's own check of the permission.
  async force_publish() {
    this.room.localParticipant.hasPermissionsToPublish = () => true;
    try {
      return { sid: await this.publish_picture() };
    } catch (error) {
      return { error: error.message, status: error.status };
    }
  }

  async mute(what, muted) {
    const { track } = this.room.localParticipant.getTrackPublication(kSources[what]);
    await (muted ? track.mute() : track.unmute());
  }

  #publication(identity, source) {
    return this.room.remoteParticipants.get(identity)?.getTrackPublication(source);
  }

  quality(identity, quality) {
    this.#publication(identity, Track.Source.Camera).setVideoQuality(kQualities[quality]);
  }

  subscribe(identity, wanted) {
    this.#publication(identity, Track.Source.Camera).setSubscribed(wanted);
  }

  // The size of the element that shows a participant, for adaptive streams.
  resize(identity, width, height) {
    for (const entry of this.#readers.values()) {
      if (entry.identity === identity && entry.kind === Track.Kind.Video) {
        Object.assign(entry.element.style, { width: `${width}px`, height: `${height}px` });
      }
    }
  }

  async send(text, { reliable = true, to, topic } = {}) {
    const options = { reliable, destinationIdentities: to, topic };
    await this.room.localParticipant.publishData(new TextEncoder().encode(text), options);
  }

  // A data track with a frame every 40 ms.
  async publish_data_track(name) {
    const track = await this.room.localParticipant.publishDataTrack({ name });
    const push = () => track.tryPush({ payload: new TextEncoder().encode(name) }).catch(() => {});
    setInterval(push, kDataFrameMillis);
    return track.info.sid;
  }

  knows_data_track(identity) {
    return this.#remote_data_tracks.has(identity);
  }

  // Counts the frames of somebody's data track from now on.
  async read_data_track(identity) {
    this.frames[identity] = 0;
    const reader = this.#remote_data_tracks.get(identity).subscribe().getReader();
    void (async () => {
      while (!(await reader.read()).done) this.frames[identity] += 1;
      this.frames[identity] = undefined;
    })().catch(() => {});
  }

  // Who may subscribe to what this page publishes; undefined: everybody.
  allow_only(identities) {
    const list = identities?.map((participantIdentity) => ({ participantIdentity, allowAll: true }));
    this.room.localParticipant.setTrackSubscriptionPermissions(identities === undefined, list);
  }

  take_texts(topic) {
    this.room.registerTextStreamHandler(topic, async (reader, from) => {
      this.data.push({ text: await reader.readAll(), from: from.identity, topic });
    });
  }

  async send_text(text, topic) {
    await this.room.localParticipant.sendText(text, { topic });
  }

  answer_rpc() {
    this.room.registerRpcMethod('echo', async ({ payload, callerIdentity }) => `${callerIdentity}:${payload}`);
    this.room.registerRpcMethod('fail', async () => {
      throw new RpcError(4711, 'not today', 'details');
    });
  }

  async rpc(destinationIdentity, method, payload) {
    try {
      return { value: await this.room.localParticipant.performRpc({ destinationIdentity, method, payload }) };
    } catch (error) {
      return { code: error.code, message: error.message, data: error.data };
    }
  }

  async set_attributes(attributes) {
    await this.room.localParticipant.setAttributes(attributes);
  }

  async simulate(scenario) {
    await this.room.simulateScenario(scenario);
  }

  async leave() {
    await this.room.disconnect();
  }

  // Everything the suite may want to know.
  state() {
    const people = {};
    for (const [identity, participant] of this.room.remoteParticipants) {
      const tracks = [...participant.trackPublications.values()].map((one) => ({
        sid: one.trackSid,
        source: one.source,
        muted: one.isMuted,
        mime: one.mimeType,
        subscribed: one.isSubscribed,
      }));
      people[identity] = { sid: participant.sid, tracks, attributes: participant.attributes };
    }
    for (const { identity, kind, reader, metadata } of this.#readers.values()) {
      people[identity] ??= {};
      if (kind === Track.Kind.Video) Object.assign(people[identity], { picture: { ...reader.log }, metadata });
      else people[identity].tone = reader.tone();
    }
    return { connection: this.room.state, people, sid: this.room.localParticipant.sid };
  }

  #connections() {
    const manager = this.room.engine.pcManager;
    return [manager.publisher, manager.subscriber].filter(Boolean).map((transport) => transport.pc).filter(Boolean);
  }

  async #stats() {
    const reports = [];
    for (const connection of this.#connections()) {
      const report = await connection.getStats();
      reports.push(Object.fromEntries(report));
    }
    return reports;
  }

  // What getStats says of each stream of RTP of `what` of somebody, with its codec as `mime`.
  async inbound(identity, what) {
    return streams_of(this.#publication(identity, kSources[what])?.track, 'inbound-rtp');
  }

  async outbound(what) {
    return streams_of(this.room.localParticipant.getTrackPublication(kSources[what])?.track, 'outbound-rtp');
  }

  // How many sections of media each connection's description has.
  sections() {
    return this.#connections().map((pc) => pc.localDescription?.sdp.match(/^m=/gm)?.length ?? 0);
  }

  // The codecs of video this page receives, what it sends of each layer and why no more, counts of the
  // sound that it receives, the protocols (and those to a relay) and ciphers of its connections.
  async transport() {
    const result = { received: [], sent: [], sounds: [], protocols: [], relays: [], ciphers: [] };
    for (const report of await this.#stats()) {
      // Chromium names the pair in use; by its state it would be lost from each check of it to the
      // answer ('in-progress'), which takes long where the server has to wait for its turn.
      const in_use = new Set(Object.values(report).map((entry) => entry.selectedCandidatePairId).filter(Boolean));
      const is_selected = (pair) => (in_use.size > 0 ? in_use.has(pair.id) : pair.nominated && pair.state === 'succeeded');
      for (const entry of Object.values(report)) {
        const mime = report[entry.codecId]?.mimeType;
        if (entry.type === 'inbound-rtp' && entry.kind === 'video') {
          const { ssrc, framesDecoded: frames, packetsReceived: packets, packetsLost: lost, freezeCount: freezes, pliCount: plis } = entry;
          result.received.push({ ssrc, mime, frames, packets, lost, freezes, plis });
        }
        if (entry.type === 'inbound-rtp' && entry.kind === 'audio') {
          result.sounds.push({ packets: entry.packetsReceived, lost: entry.packetsLost, nacks: entry.nackCount });
        }
        if (entry.type === 'outbound-rtp' && entry.kind === 'video') {
          const { rid, active, framesEncoded: frames, frameWidth: width, qualityLimitationReason: limited, targetBitrate: bps } = entry;
          result.sent.push({ mime, frames, rid, active, width, limited, bps });
        }
        if (entry.type === 'transport') result.ciphers.push(entry.srtpCipher);
        if (entry.type === 'candidate-pair' && entry.bytesSent > 0 && is_selected(entry)) {
          const local = report[entry.localCandidateId];
          result.protocols.push(local?.protocol);
          result.relays.push(local?.relayProtocol);
        }
      }
    }
    return result;
  }
}

window.caller = new Caller();
