// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What a page sends (a canvas with bars, an oscillator) and what it makes of what it receives.

import { bars_of, kBars, kTones, PictureLog, tone_of } from '/lib/picture.mjs';

const kSampleMillis = 30;
const kSampleWidth = kBars * 4;
const kSampleHeight = 4;
const kSilenceDecibels = -65;
const kToneTolerance = 30;

let audio_context;
function audio() {
  audio_context ??= new AudioContext();
  return audio_context;
}

// A canvas that shows the bars of `number` and counts frames.
export class PictureSource {
  #timer;

  // `busy`: above and below is noise, so that a frame takes many packets; half of the picture, or that
  // share of it. `drawn`: called with the
  // counter of each frame.
  constructor(number, { width = 320, height = 180, fps = 12, busy = false, drawn } = {}) {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width, height });
    const context = canvas.getContext('2d');
    let counter = 0;
    const draw = () => {
      const bars = bars_of(number, counter++);
      const step = width / kBars;
      // Brightness changes a little everywhere: encoders take liberties with areas that stand still.
      const dark = (counter * 7) % 32;
      const bright = 255 - dark;
      bars.forEach((bar, index) => {
        context.fillStyle = bar ? `rgb(${bright} ${bright} ${bright})` : `rgb(${dark} ${dark} ${dark})`;
        context.fillRect(Math.floor(index * step), 0, Math.ceil(step), height);
      });
      if (busy) {
        const share = busy === true ? 0.5 : busy;
        const noise = context.createImageData(width, Math.floor((height * share) / 2));
        for (let at = 0; at < noise.data.length; at += 1) noise.data[at] = at % 4 === 3 ? 255 : Math.random() * 256;
        context.putImageData(noise, 0, 0);
        context.putImageData(noise, 0, height - noise.height);
      }
      drawn?.(counter - 1);
    };
    draw();
    this.#timer = setInterval(draw, 1000 / fps);
    this.track = canvas.captureStream(fps).getVideoTracks()[0];
  }

  stop() {
    clearInterval(this.#timer);
    this.track.stop();
  }
}

// The tone of `number` as an audio track.
export class ToneSource {
  #oscillator;
  #gain;

  constructor(number, loudness = 0.4) {
    const context = audio();
    void context.resume();
    const destination = context.createMediaStreamDestination();
    this.#gain = context.createGain();
    this.#gain.gain.value = loudness;
    this.#oscillator = context.createOscillator();
    this.#oscillator.frequency.value = tone_of(number);
    this.#oscillator.connect(this.#gain).connect(destination);
    this.#oscillator.start();
    this.track = destination.stream.getAudioTracks()[0];
  }

  set_loudness(amplitude) {
    this.#gain.gain.value = amplitude;
  }

  stop() {
    this.#oscillator.stop();
    this.track.stop();
  }
}

// Reads the bars a video element shows.
export class PictureReader {
  log = new PictureLog();
  #timer;

  constructor(element) {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: kSampleWidth, height: kSampleHeight });
    const context = canvas.getContext('2d', { willReadFrequently: true });
    this.#timer = setInterval(() => {
      const { videoWidth: width, videoHeight: height } = element;
      if (element.readyState < 2 || width === 0) return;
      context.drawImage(element, 0, height / 2, width, 2, 0, 0, kSampleWidth, kSampleHeight);
      const { data } = context.getImageData(0, 2, kSampleWidth, 1);
      this.log.add(width, height, (part) => data[Math.floor(part * kSampleWidth) * 4 + 1]);
    }, kSampleMillis);
  }

  stop() {
    clearInterval(this.#timer);
  }
}

// Finds the loudest tone of an audio track.
export class ToneReader {
  #analyser;
  #source;
  #bins;

  constructor(track) {
    const context = audio();
    void context.resume();
    this.#source = context.createMediaStreamSource(new MediaStream([track]));
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = 8192;
    this.#analyser.smoothingTimeConstant = 0;
    this.#bins = new Float32Array(this.#analyser.frequencyBinCount);
    this.#source.connect(this.#analyser);
  }

  // The known tone heard now, or null.
  tone() {
    this.#analyser.getFloatFrequencyData(this.#bins);
    let peak = 1;
    this.#bins.forEach((level, bin) => {
      if (bin > 0 && level > this.#bins[peak]) peak = bin;
    });
    if (!(this.#bins[peak] > kSilenceDecibels)) return null;
    const frequency = (peak * audio().sampleRate) / this.#analyser.fftSize;
    return kTones.find((tone) => Math.abs(tone - frequency) < kToneTolerance) ?? Math.round(frequency);
  }

  stop() {
    this.#source.disconnect();
  }
}
