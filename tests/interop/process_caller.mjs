// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A page with a plain RTCPeerConnection that publishes a picture, a tone and numbered messages, and
// counts what it gets of the other one.

import { until } from '../lib/wait.mjs';

// ---- in the page; functions stand for themselves there

async function prepare() {
  const { PictureSource, ToneSource } = await import('/page/media.js');
  const kMessageMillis = 10;
  const kPictures = { width: 320, height: 180, fps: 25 };

  // livekit.DataPacket with a UserPacket, as far as its payload and number go.
  const varint = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);
  const bytes_field = (number, bytes) => [...varint((number << 3) | 2), ...varint(bytes.length), ...bytes];
  const packet = (text, sequence) =>
    new Uint8Array([...bytes_field(2, bytes_field(2, [...new TextEncoder().encode(text)])), ...varint(16 << 3), ...varint(sequence)]);
  function* fields(bytes) {
    let at = 0;
    const number = () => {
      let value = 0;
      for (let shift = 0; ; shift += 7) {
        const octet = bytes[at++];
        value |= (octet & 127) << shift;
        if (octet < 128) return value >>> 0;
      }
    };
    while (at < bytes.length) {
      const key = number();
      const value = number();
      if ((key & 7) === 0) {
        yield [key >>> 3, value];
      } else {
        yield [key >>> 3, bytes.subarray(at, at + value)];
        at += value;
      }
    }
  }
  const field = (bytes, wanted) => [...fields(bytes)].find(([number]) => number === wanted)?.[1];
  const text_of = (bytes) => new TextDecoder().decode(field(field(bytes, 2), 2));

  class Client {
    states = [];
    #pc = new RTCPeerConnection();
    #channel;
    #said = 0;
    #sequence = 0;
    #talk;
    #heard = [];
    #last_picture;
    #gap = 0;

    async open({ number }) {
      const pc = this.#pc;
      this.#channel = pc.createDataChannel('_reliable');
      this.#channel.binaryType = 'arraybuffer';
      this.#channel.onmessage = ({ data }) => this.#heard.push(Number(text_of(new Uint8Array(data))));
      pc.createDataChannel('_lossy', { ordered: false, maxRetransmits: 0 });
      for (const name of ['connectionstatechange', 'iceconnectionstatechange'])
        pc.addEventListener(name, () => this.states.push(`${pc.connectionState}/${pc.iceConnectionState}`));
      this.#channel.onclose = () => this.states.push('channel closed');
      pc.addTransceiver(new ToneSource(number).track, { direction: 'sendonly' });
      pc.addTransceiver(new PictureSource(number, kPictures).track, { direction: 'sendonly' });
      pc.ontrack = ({ track }) => this.#show(track);
      for (const kind of ['audio', 'video']) pc.addTransceiver(kind, { direction: 'recvonly' });
      return this.#offer();
    }

    restart_ice() {
      this.#pc.restartIce();
      return this.#offer();
    }

    async #offer() {
      await this.#pc.setLocalDescription();
      return this.#pc.localDescription.sdp;
    }

    async accept({ sdp, candidates }) {
      await this.#pc.setRemoteDescription({ type: 'answer', sdp });
      for (const candidate of candidates) await this.#pc.addIceCandidate(JSON.parse(candidate));
    }

    #show(track) {
      const element = document.createElement(track.kind);
      element.srcObject = new MediaStream([track]);
      document.body.append(element);
      void element.play();
      if (track.kind !== 'video') return;
      const seen = () => {
        const now = performance.now();
        if (this.#last_picture) this.#gap = Math.max(this.#gap, now - this.#last_picture);
        this.#last_picture = now;
        element.requestVideoFrameCallback(seen);
      };
      element.requestVideoFrameCallback(seen);
    }

    channel_open() {
      return this.#channel.readyState === 'open';
    }

    start_watching() {
      this.#gap = 0;
      this.#last_picture = undefined;
    }

    // Numbers from 0 on; those of the talk before are forgotten.
    start_saying() {
      this.#said = 0;
      this.#talk = setInterval(() => this.#channel.send(packet(String(this.#said++), ++this.#sequence)), kMessageMillis);
    }

    stop_saying() {
      clearInterval(this.#talk);
      return this.#said;
    }

    // Since the last call that heard a 0.
    heard() {
      return this.#heard.slice(this.#heard.lastIndexOf(0));
    }

    async look() {
      const all = [...(await this.#pc.getStats()).values()];
      const of = (type, kind) => all.filter((one) => one.type === type && (kind === undefined || one.kind === kind));
      const sum = (list, name) => list.reduce((total, one) => total + (one[name] ?? 0), 0);
      const transport = of('transport')[0] ?? {};
      const certificate = all.find(({ id }) => id === transport.remoteCertificateId)?.fingerprint;
      const [video, audio] = ['video', 'audio'].map((kind) => of('inbound-rtp', kind));
      const out = of('outbound-rtp');
      return {
        at: transport.timestamp,
        states: [...this.states],
        connection: this.#pc.connectionState,
        dtls: transport.dtlsState,
        ufrag: transport.iceLocalUsernameFragment,
        pair: transport.selectedCandidatePairId,
        pair_changes: transport.selectedCandidatePairChanges,
        certificate,
        video_lost: sum(video, 'packetsLost'),
        audio_lost: sum(audio, 'packetsLost'),
        frames: sum(video, 'framesDecoded'),
        whole: sum(video, 'framesReceived'),
        encoded: sum(out, 'framesEncoded'),
        samples: sum(audio, 'totalSamplesReceived'),
        concealed: sum(audio, 'concealedSamples'),
        plis_sent: sum(video, 'pliCount'),
        firs_sent: sum(video, 'firCount'),
        nacks_sent: sum([...video, ...audio], 'nackCount'),
        plis_got: sum(out, 'pliCount'),
        firs_got: sum(out, 'firCount'),
        nacks_got: sum(out, 'nackCount'),
        gap: Math.round(this.#gap),
      };
    }
  }
  window.client = new Client();
}

// ---- the suite's side

export class PageCaller {
  #page;
  #who;

  static async open(suite, browser, address, { who, name }) {
    const context = await browser.createBrowserContext();
    const caller = new PageCaller();
    caller.#page = await context.newPage();
    caller.#who = who;
    caller.name = name;
    await caller.#page.goto(address);
    await caller.#page.evaluate(prepare);
    return caller;
  }

  call(method, ...values) {
    return this.#page.evaluate((name, list) => window.client[name](...list), method, values);
  }

  // `method` of the page makes an offer, which `node` answers.
  async negotiate(node, method, ...values) {
    const sdp = await this.call(method, ...values);
    await this.call('accept', await node.ask({ do: 'answer', who: this.#who, sdp }));
  }

  // Everything flows.
  async is_in_call() {
    const flows = async () => {
      const now = await this.call('look');
      return now.connection === 'connected' && now.frames > 25 && now.samples > 48_000 && (await this.call('channel_open'));
    };
    await until(flows, { timeout: 15000, what: async () => `${this.name} to be in a call: ${JSON.stringify(await this.call('look'))}` });
  }
}
