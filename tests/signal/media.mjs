// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The peer connections of a Client, made of werift: two of them, or one in single mode. It answers
// offers and, in single mode, asks for sections when it is told to.

import { DataPacket, SignalTarget, TrackSource, TrackType } from '@livekit/protocol';
import { MediaStream, MediaStreamTrack, RTCPeerConnection } from 'werift';

import { until } from '../lib/wait.mjs';
import { Client } from './client.mjs';
import { codecs, header_extensions, send_packets } from './packets.mjs';

const kChannels = {
  _reliable: { ordered: true },
  _lossy: { ordered: false, maxRetransmits: 0 },
  _data_track: { ordered: false, maxRetransmits: 0 },
};

const kMaxKept = 2000;

export class MediaClient {
  channels = {}; // by label: those the server sends on
  opened_by_server = []; // their labels
  data = []; // {label, bytes}
  packets = new Map(); // RTP packets that came, by kind: {count, last}, last is the payload
  video = []; // the first of them, as {header, payload}
  errors = [];
  silent = false; // true: it answers no offer
  loud = false; // true: its packets say that it speaks
  rewrite = (sdp) => sdp; // what it says of its own descriptions
  offers = { codecs: codecs(), headerExtensions: header_extensions() };
  #connections = new Map();
  #work = Promise.resolve();
  #offers = 0;
  #timers = [];

  static async join(suite, server, room, identity, settings = {}) {
    const peer = new MediaClient();
    peer.v1 = settings.v1 ?? false;
    peer.silent = settings.silent ?? false;
    peer.rewrite = settings.rewrite ?? peer.rewrite;
    peer.offers = { ...peer.offers, ...settings.offers };
    suite.cleanup(() => peer.close());
    const on_message = (kind, value, client) => {
      peer.client = client;
      peer.#do(() => peer.#take(kind, value));
    };
    peer.client = await Client.join(suite, server, room, identity, { ...settings, on_message });
    if (peer.v1 || !peer.client.joined.subscriberPrimary) peer.#do(() => peer.#open_channels());
    if (!peer.silent) await peer.active();
    return peer;
  }

  get sid() {
    return this.client.sid;
  }

  // Waits until the server says that it is connected.
  async active() {
    const target = this.v1 || !this.client.joined.subscriberPrimary ? SignalTarget.PUBLISHER : SignalTarget.SUBSCRIBER;
    const state = () => this.#connections.get(target)?.connectionState;
    const what = () => `${this.client.identity} to connect, is ${state()} ${this.errors.join()}`;
    await until(() => state() === 'connected', { what });
  }

  connection(target) {
    const known = this.#connections.get(target);
    if (known) return known;
    const connection = new RTCPeerConnection({ ...this.offers, iceServers: [], iceUseIpv6: false });
    connection.onIceCandidate.subscribe((candidate) => {
      if (candidate) this.client.send('trickle', { target, candidateInit: JSON.stringify(candidate.toJSON()) });
    });
    connection.onTrack.subscribe((track) => track.onReceiveRtp.subscribe(({ header, payload }) => {
      this.packets.set(track.kind, { count: (this.packets.get(track.kind)?.count ?? 0) + 1, last: payload });
      if (track.kind === 'video' && this.video.length < kMaxKept) this.video.push({ header, payload });
    }));
    connection.onDataChannel.subscribe((channel) => {
      this.opened_by_server.push(channel.label);
      this.#listen(channel);
    });
    this.#connections.set(target, connection);
    return connection;
  }

  #listen(channel) {
    this.channels[channel.label] = channel;
    channel.onMessage.subscribe((bytes) => this.data.push({ label: channel.label, bytes }));
  }

  #do(step) {
    this.#work = this.#work.then(step).catch((error) => this.errors.push(error));
    return this.#work;
  }

  async #take(kind, value) {
    if (kind === 'trickle') {
      await this.connection(value.target).addIceCandidate(JSON.parse(value.candidateInit));
    } else if (kind === 'offer' && !this.silent) {
      await this.answer(value);
    } else if (kind === 'mediaSectionsRequirement' && !this.silent) {
      const connection = this.connection(SignalTarget.PUBLISHER);
      for (let i = 0; i < value.numAudios; ++i) connection.addTransceiver('audio', { direction: 'recvonly' });
      for (let i = 0; i < value.numVideos; ++i) connection.addTransceiver('video', { direction: 'recvonly' });
      await this.#offer();
    }
  }

  async answer(offer) {
    const connection = this.connection(SignalTarget.SUBSCRIBER);
    await connection.setRemoteDescription({ type: 'offer', sdp: offer.sdp });
    await connection.setLocalDescription(await connection.createAnswer());
    // An inactive section is no rejected one, as werift has it (RFC 8829 §5.3.1).
    const sdp = connection.localDescription.sdp.replace(/^(m=\S+) 0 /gm, '$1 9 ');
    this.client.send('answer', { type: 'answer', sdp: this.rewrite(sdp), id: offer.id });
  }

  // The channels it sends on where it is not they that it is told of.
  open_channels() {
    return this.#do(() => this.#open_channels());
  }

  open_channel(label, options) {
    this.#listen(this.connection(SignalTarget.PUBLISHER).createDataChannel(label, options));
  }

  async #open_channels() {
    const connection = this.connection(SignalTarget.PUBLISHER);
    for (const [label, options] of Object.entries(kChannels)) this.#listen(connection.createDataChannel(label, options));
    await this.#offer();
  }

  // Sends an offer and waits for what the answer does to the connection.
  async #offer() {
    const connection = this.connection(SignalTarget.PUBLISHER);
    const from = this.client.log.length;
    const id = (this.#offers += 1);
    await connection.setLocalDescription(await connection.createOffer());
    this.client.send('offer', { type: 'offer', sdp: this.rewrite(connection.localDescription.sdp), id });
    const answer = await this.client.told('answer', (one) => one.id === id, { from });
    await connection.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
  }

  // Publishes and sends packets; gives the TrackInfo of track_published. `at_once`: the offer goes
  // without waiting for that. `frames` gives the packets, one after the other; `first` is about the
  // number of the first, `every` the milliseconds between them; `codec` is said to be that of the
  // track.
  async publish(kind, { at_once = false, frames, first, every, codec, ...request } = {}) {
    const connection = this.connection(SignalTarget.PUBLISHER);
    const track = this.#add_track(kind);
    const video = kind === 'video';
    const cid = track.id;
    this.client.send('addTrack', {
      cid,
      name: kind,
      type: video ? TrackType.VIDEO : TrackType.AUDIO,
      source: video ? TrackSource.CAMERA : TrackSource.MICROPHONE,
      ...(video && { width: 640, height: 360 }),
      ...(codec && { simulcastCodecs: [{ codec, cid }] }),
      ...request,
    });
    if (!at_once) await this.client.told('trackPublished', (one) => one.cid === cid);
    await this.#do(() => this.#offer());
    const { track: info } = await this.client.told('trackPublished', (one) => one.cid === cid);
    if (this.errors.length) throw this.errors[0];
    await until(() => connection.connectionState === 'connected');
    this.#timers.push(send_packets(track, () => this.loud, frames, { first, every }));
    return info;
  }

  #add_track(kind) {
    const track = new MediaStreamTrack({ kind });
    this.connection(SignalTarget.PUBLISHER).addTransceiver(track, { direction: 'sendonly', streams: [new MediaStream([track])] });
    return track;
  }

  // Sends what it never announced.
  async smuggle(kind) {
    const track = this.#add_track(kind);
    await this.#do(() => this.#offer());
    this.#timers.push(send_packets(track, () => this.loud));
  }

  // A user packet with this text, on one of its own channels.
  send_data(label, text, sequence = 0) {
    const packet = new DataPacket({ sequence, value: { case: 'user', value: { payload: Buffer.from(text) } } });
    this.channels[label].send(Buffer.from(packet.toBinary()));
  }

  // Of the last offer's first section of a kind.
  ssrc_of(kind) {
    const section = this.client.all('offer').at(-1).sdp.split(/^m=/m).find((one) => one.startsWith(kind));
    return Number(/^a=ssrc:(\d+)/m.exec(section)[1]);
  }

  stop_sending() {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  async close() {
    this.stop_sending();
    this.client?.destroy();
    await Promise.all([...this.#connections.values()].map((connection) => connection.close()));
  }
}

export const count = (peer, kind) => peer.packets.get(kind)?.count ?? 0;

// Waits until so many further packets of a kind came.
export const more = (peer, kind, packets = 20) => {
  const begin = count(peer, kind);
  return until(() => count(peer, kind) >= begin + packets, {
    what: () => `${packets} packets of ${kind}, of ${begin} there are ${count(peer, kind)}`,
  });
};
