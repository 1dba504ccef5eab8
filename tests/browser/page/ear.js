// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Tells within some 20 ms whether something is heard of a participant, and at which time of RTP it is.

import { Track } from '/livekit-client.mjs';

const kSamples = 1024;
const kLoud = 0.02; // mean of a window
const kEveryMillis = 5;

export class Ear {
  #track;
  #analyser;
  #samples = new Float32Array(kSamples);

  constructor(participant) {
    this.#track = participant.getTrackPublication(Track.Source.Microphone).track;
    const context = new AudioContext();
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = kSamples;
    context.createMediaStreamSource(new MediaStream([this.#track.mediaStreamTrack])).connect(this.#analyser);
  }

  #loud() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return this.#samples.reduce((sum, one) => sum + Math.abs(one), 0) / kSamples > kLoud;
  }

  // Waits until it is loud, or is not; returns whether that came.
  async is(loud, timeout) {
    for (const end = Date.now() + timeout; Date.now() < end;) {
      if (this.#loud() === loud) return true;
      await new Promise((resolve) => setTimeout(resolve, kEveryMillis));
    }
    return false;
  }

  // The stream, the time of RTP of what was played last and when that was, in ms.
  played() {
    const [{ source, rtpTimestamp, timestamp }] = this.#track.receiver.getSynchronizationSources();
    return { source, rtp: rtpTimestamp, at: timestamp };
  }
}
