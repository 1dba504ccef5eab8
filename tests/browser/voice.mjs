// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A voice for Chromium's invented microphone, whose own beeps are too short to count as speech:
// bursts of a deep tone with overtones, as loud as somebody near the microphone.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const kRate = 48000;
const kSeconds = 4;

function samples() {
  const data = Buffer.alloc(2 * kRate * kSeconds);
  for (let at = 0; at < kRate * kSeconds; ++at) {
    const time = at / kRate;
    const syllable = Math.max(0, Math.sin(2 * Math.PI * 2 * time) + 0.6);
    const pitch = 140 * time + 3 * Math.sin(2 * Math.PI * 0.75 * time);
    let sum = 0;
    for (let overtone = 1; overtone <= 12; ++overtone) sum += Math.sin(2 * Math.PI * overtone * pitch) / overtone;
    data.writeInt16LE(Math.round(7000 * Math.min(1, syllable) * sum), 2 * at);
  }
  return data;
}

function header(bytes) {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + bytes, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20); // PCM
  head.writeUInt16LE(1, 22); // one channel
  head.writeUInt32LE(kRate, 24);
  head.writeUInt32LE(2 * kRate, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(bytes, 40);
  return head;
}

// Arguments that make Chromium's microphone speak all the time.
export function voice_args(suite) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'confab-voice-'));
  suite.cleanup(() => fs.rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'voice.wav');
  const data = samples();
  fs.writeFileSync(file, Buffer.concat([header(data.length), data]));
  return [`--use-file-for-fake-audio-capture=${file}`];
}
