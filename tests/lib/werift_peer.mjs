// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A participant with two peer connections made of werift, WebRTC in TypeScript: sends and receives
// RTP of any codec as it is, without an encoder or decoder. Signalling is lib/signal_client.mjs.

import { SignalTarget, TrackSource, TrackType } from '@livekit/protocol';
import { MediaStream, MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters, RtpHeader, RtpPacket } from 'werift';

import { SignalClient } from './signal_client.mjs';
import { until } from './wait.mjs';

const kClock = 90000;
const kPayloadTypes = { H265: 100, VP8: 101 };
const kFeedback = [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }, { type: 'ccm', parameter: 'fir' }];

const codec = (name) => new RTCRtpCodecParameters({
  mimeType: `video/${name}`,
  clockRate: kClock,
  payloadType: kPayloadTypes[name],
  rtcpFeedback: kFeedback,
});

export class WeriftPeer {
  key_frames_asked = 0;
  on_packet = () => {}; // called with each RTP packet that comes
  errors = [];
  offers = []; // SDP of each that came
  #connections = new Map(); // target → connection
  #work = Promise.resolve(); // messages are handled one after the other
  #codecs;

  constructor(codecs) {
    this.#codecs = codecs.map(codec);
  }

  static async join(suite, server, room, identity, codecs) {
    const peer = new WeriftPeer(codecs);
    suite.cleanup(() => peer.close());
    const on_message = (kind, value, client) => {
      peer.signal = client;
      peer.#work = peer.#work.then(() => peer.#take(kind, value)).catch((error) => peer.errors.push(error));
    };
    await SignalClient.join(server, room, identity, { v1: false, on_message });
    return peer;
  }

  #connection(target) {
    const known = this.#connections.get(target);
    if (known) return known;
    const connection = new RTCPeerConnection({ codecs: { video: this.#codecs }, iceServers: [], iceUseIpv6: false });
    connection.onIceCandidate.subscribe((candidate) => {
      if (candidate) this.signal.send('trickle', { target, candidateInit: JSON.stringify(candidate.toJSON()) });
    });
    connection.onTrack.subscribe((track) => track.onReceiveRtp.subscribe((packet) => this.on_packet(packet)));
    this.#connections.set(target, connection);
    return connection;
  }

  async #take(kind, value) {
    if (kind === 'trickle') {
      await this.#connection(value.target).addIceCandidate(JSON.parse(value.candidateInit));
    } else if (kind === 'offer') {
      this.offers.push(value.sdp);
      const connection = this.#connection(SignalTarget.SUBSCRIBER);
      await connection.setRemoteDescription({ type: 'offer', sdp: value.sdp });
      await connection.setLocalDescription(await connection.createAnswer());
      this.signal.send('answer', { type: 'answer', sdp: connection.localDescription.sdp, id: value.id });
    } else if (kind === 'answer') {
      await this.#connection(SignalTarget.PUBLISHER).setRemoteDescription({ type: 'answer', sdp: value.sdp });
    }
  }

  // Publishes a camera; returns a function that sends a picture of these RTP payloads.
  async publish(width, height) {
    const connection = this.#connection(SignalTarget.PUBLISHER);
    const track = new MediaStreamTrack({ kind: 'video' });
    const { sender } = connection.addTransceiver(track, { direction: 'sendonly', streams: [new MediaStream([track])] });
    sender.onPictureLossIndication.subscribe(() => (this.key_frames_asked += 1));
    const offer = await connection.createOffer();
    const cid = /^a=msid:\S+ (\S+)/m.exec(offer.sdp)[1];
    const mime = this.#codecs[0].name;
    this.signal.send('addTrack', {
      cid,
      type: TrackType.VIDEO,
      source: TrackSource.CAMERA,
      width,
      height,
      simulcastCodecs: [{ codec: mime.toLowerCase(), cid }],
    });
    await this.signal.wait('trackPublished');
    await connection.setLocalDescription(offer);
    this.signal.send('offer', { type: 'offer', sdp: connection.localDescription.sdp, id: 1 });
    const state = () => connection.connectionState;
    await until(() => state() === 'connected', { what: () => `a connection, is ${state()} ${this.errors.join()}` });
    let sequenceNumber = 0;
    return (payloads, timestamp) => payloads.forEach((payload, index) => {
      sequenceNumber = (sequenceNumber + 1) & 0xffff;
      const header = new RtpHeader({ sequenceNumber, timestamp, marker: index + 1 === payloads.length });
      track.writeRtp(new RtpPacket(header, payload));
    });
  }

  async close() {
    this.signal?.destroy();
    await Promise.all([...this.#connections.values()].map((connection) => connection.close()));
  }
}
