// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A picture and a sound of one clock: each kEvery-th picture a burst of sound begins. Who watches
// notes when each of the two came, for the difference.

import { PictureLog } from '/lib/picture.mjs';
import { Track, VideoPreset } from '/livekit-client.mjs';

import { PictureSource } from './media.js';

const kEvery = 16;
const kBurstSeconds = 0.15;
const kFrequency = 1000;
const kLoud = 0.05; // of a sample
const kQuietSeconds = 0.3; // between bursts, at least
const kSampleWidth = 80;
const kHalfPeriod = 400; // ms

// Runs where the sound is rendered: tells the time of the first loud sample behind silence.
const kListener = `registerProcessor('onsets', class extends AudioWorkletProcessor {
  #loud = -1;
  process([[samples]]) {
    samples?.forEach((sample, at) => {
      if (Math.abs(sample) < ${kLoud}) return;
      const time = currentTime + at / sampleRate;
      if (time - this.#loud > ${kQuietSeconds}) this.port.postMessage(time);
      this.#loud = time;
    });
    return true;
  }
});`;

// Publishes both, the picture in layers: [[width, height, bitrate, fps]…] below the full one.
export async function publish_clock(room, number, { size, bitrate, layers }) {
  const context = new AudioContext();
  const destination = context.createMediaStreamDestination();
  const gain = context.createGain();
  const oscillator = context.createOscillator();
  gain.gain.value = 0;
  oscillator.frequency.value = kFrequency;
  oscillator.connect(gain).connect(destination);
  oscillator.start();
  const drawn = (counter) => {
    if (counter % kEvery !== 0) return;
    gain.gain.setValueAtTime(0.5, context.currentTime);
    gain.gain.setValueAtTime(0, context.currentTime + kBurstSeconds);
  };
  const { track } = new PictureSource(number, { ...size, drawn });
  const { localParticipant } = room;
  const sound = { source: Track.Source.Microphone, red: false, dtx: false };
  await localParticipant.publishTrack(destination.stream.getAudioTracks()[0], sound);
  await localParticipant.publishTrack(track, {
    source: Track.Source.Camera,
    videoCodec: 'vp8',
    simulcast: true,
    videoSimulcastLayers: layers.map(([width, height, rate, fps]) => new VideoPreset(width, height, rate, fps)),
    videoEncoding: { maxBitrate: bitrate, maxFramerate: size.fps },
  });
}

// Notes when pictures that begin a burst, and bursts, came: milliseconds of this page's clock.
export class ClockReader {
  #pictures = [];
  #bursts = [];

  // Of a participant whose picture is shown.
  static async of(participant) {
    const [element] = participant.getTrackPublication(Track.Source.Camera).track.attachedElements;
    const track = participant.getTrackPublication(Track.Source.Microphone).track.mediaStreamTrack;
    const reader = new ClockReader();
    const context = new AudioContext();
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([kListener], { type: 'text/javascript' })));
    // The earliest that a time of the sound was read is closest to when it was.
    let zero = Infinity;
    const compare = () => (zero = Math.min(zero, performance.now() - 1000 * context.currentTime));
    setInterval(compare, 20);
    const listener = new AudioWorkletNode(context, 'onsets', { numberOfOutputs: 0 });
    listener.port.onmessage = ({ data }) => reader.#bursts.push(data);
    reader.zero = () => zero;
    context.createMediaStreamSource(new MediaStream([track])).connect(listener);
    reader.#watch(element);
    return reader;
  }

  #watch(element) {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: kSampleWidth, height: 4 });
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const log = new PictureLog();
    const look = (now, { presentationTime, width, height }) => {
      context.drawImage(element, 0, height / 2, width, 2, 0, 0, kSampleWidth, 4);
      const { data } = context.getImageData(0, 2, kSampleWidth, 1);
      const before = log.changes;
      log.add(width, height, (part) => data[Math.floor(part * kSampleWidth) * 4 + 1]);
      if (log.changes > before && log.counter % kEvery === 0) this.#pictures.push(presentationTime);
      element.requestVideoFrameCallback(look);
    };
    element.requestVideoFrameCallback(look);
  }

  forget() {
    this.#pictures = [];
    this.#bursts = [];
  }

  // How much later than its picture each burst came, in ms; of pictures that were missed none.
  offsets() {
    const bursts = this.#bursts.map((time) => 1000 * time + this.zero());
    const nearest = (at) => bursts.reduce((best, one) => (Math.abs(one - at) < Math.abs(best - at) ? one : best), Infinity);
    return this.#pictures.map((at) => nearest(at) - at).filter((offset) => Math.abs(offset) < kHalfPeriod);
  }
}
