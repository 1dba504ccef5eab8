// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// mediasoup behind the adapter, by its npm package: one worker, which is a process of its own, with
// one router; a WebRtcTransport for each connection, all on one UDP socket (WebRtcServer), or each
// on its own. It knows no session descriptions: ortc_sdp.mjs writes them.

import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

import { answer_for, fingerprints_of, offer_for, sent_parameters } from './ortc_sdp.mjs';
import { parse_sdp } from './sdp.mjs';

const kAddress = '127.0.0.1';
const kCodecs = [
  { kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2 },
  { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000 },
];
// What subscribers take. They estimate their links themselves and send REMB.
const kSubscriberExtensions = ['sdes:mid', 'ssrc-audio-level', 'abs-send-time'];

function load_package(folder) {
  const require = createRequire(path.resolve(folder, 'package.json'));
  try {
    return import(pathToFileURL(require.resolve('mediasoup')));
  } catch (cause) {
    throw new Error(`there is no mediasoup in ${folder}; 'npm install mediasoup' installs it`, { cause });
  }
}

// Ours are DTLS clients in both directions.
function connect(transport, description) {
  return transport.connect({ dtlsParameters: { role: 'client', fingerprints: fingerprints_of(description) } });
}

export class MediasoupServer {
  #router;
  #sockets; // how transports get theirs
  #capabilities; // of subscribers

  static async start(options) {
    const mediasoup = await load_package(options.package ?? '.');
    const worker = await mediasoup.createWorker(options.worker ? { workerBin: path.resolve(options.worker) } : {});
    worker.on('died', (error) => {
      process.stderr.write(`mediasoup's worker has ended: ${error}\n`);
      process.exit(1);
    });
    const listenInfos = [{ protocol: 'udp', ip: kAddress }];
    const self = new MediasoupServer();
    if (options.sockets === 'each') self.#sockets = { listenInfos };
    else self.#sockets = { webRtcServer: await worker.createWebRtcServer({ listenInfos }), enableTcp: false };
    self.#router = await worker.createRouter({ mediaCodecs: kCodecs });
    const { codecs, headerExtensions } = self.#router.rtpCapabilities;
    const taken = headerExtensions.filter(({ uri }) => kSubscriberExtensions.some((end) => uri.endsWith(end)));
    self.#capabilities = { codecs, headerExtensions: taken };
    return self;
  }

  join(participant) {
    return { participant, up: null, down: null, mids: new Set(), consumers: [] };
  }
  async publish(state, offer, tracks) {
    const offered = parse_sdp(offer);
    if (!state.up) {
      state.up = await this.#router.createWebRtcTransport(this.#sockets);
      await connect(state.up, offered);
    }
    const published = [];
    for (const section of offered.sections) {
      if (!section.is_sent || state.mids.has(section.get('mid'))) continue;
      state.mids.add(section.get('mid'));
      const rtpParameters = sent_parameters(section, this.#router.rtpCapabilities);
      const { id: producerId } = await state.up.produce({ kind: section.kind, rtpParameters });
      const track = tracks.get(section.get('msid').split(' ')[1])?.sid ?? producerId;
      published.push({ producerId, msid: `${state.participant.sid} ${track}` });
    }
    const answer = answer_for(state.up, offered, this.#router.rtpCapabilities);
    return { answer, published: Promise.resolve(published) };
  }
  async subscribe(state, streams) {
    state.down ??= await this.#router.createWebRtcTransport(this.#sockets);
    for (const { producerId, msid } of streams) {
      const request = { producerId, rtpCapabilities: this.#capabilities, paused: true };
      state.consumers.push({ consumer: await state.down.consume(request), msid });
    }
    return offer_for(state.down, state.consumers);
  }
  async answered(state, answer) {
    if (state.down.dtlsState === 'new') await connect(state.down, parse_sdp(answer));
    for (const { consumer } of state.consumers) if (consumer.paused) await consumer.resume();
  }
  // It is ICE lite: clients' checks say where they are.
  trickle() {}
  leave(state) {
    state.up?.close();
    state.down?.close();
  }
}
