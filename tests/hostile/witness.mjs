// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The call beside the attacks (witness_process.mjs), seen from the suite, and the frame every attack
// runs in: the call goes on, the server lives, its memory stays within limits.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { MemoryWatch } from '../lib/process_stats.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until, within } from '../lib/wait.mjs';

// No picture or sound for longer than this is a disturbance. Both cores may be busy attacking.
const kMaxGapMillis = 3000;
const kGrowthBytes = Number(process.env.CONFAB_GROWTH_MB ?? 200) * 2 ** 20;
const kFrames = 5;
const kInFlight = 4; // frames sent whose arrival is not counted yet

export class Witness {
  #child;
  #waiting = new Map();
  #next = 0;

  // Starts the call in `room` and waits until both see and hear each other.
  static async start(suite, server, room) {
    const witness = new Witness();
    const program = fileURLToPath(new URL('witness_process.mjs', import.meta.url));
    witness.#child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' });
    witness.#child.on('message', ({ id, value, error }) => {
      const { resolve, reject } = witness.#waiting.get(id);
      witness.#waiting.delete(id);
      if (error) reject(new Error(`witness: ${error}`));
      else resolve(value);
    });
    witness.#child.on('exit', () => {
      for (const { reject } of witness.#waiting.values()) reject(new Error('the witness has ended'));
      witness.#waiting.clear();
    });
    suite.cleanup(() => witness.stop());
    const tokens = [await join_token(room, 'witness-1'), await join_token(room, 'witness-2')];
    await witness.ask('join', { url: server.ws, tokens }, 30000);
    return witness;
  }

  ask(command, value, timeout = 15000) {
    const id = this.#next++;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#child.send({ id, command, value });
    return within(timeout, `the witness: ${command}`, answer);
  }

  mark() {
    return this.ask('mark');
  }

  // Further frames arrive both ways, and nothing stood still since the mark.
  async fine() {
    const before = await this.ask('report');
    let now;
    const further = async () => {
      now = await this.ask('report');
      return now.ways.every(
        (way, index) => way.frames >= before.ways[index].frames + kFrames && way.samples > before.ways[index].samples,
      );
    };
    await until(further, { timeout: 10000, every: 100, what: () => `the call to go on: ${JSON.stringify(now.ways)}` });
    for (const { way, video_gap, audio_gap, tone } of now.ways) {
      assert.ok(video_gap <= kMaxGapMillis, `${way}: no picture for ${video_gap} ms`);
      assert.ok(audio_gap <= kMaxGapMillis, `${way}: no sound for ${audio_gap} ms`);
      assert.equal(tone, way.startsWith('witness-1') ? 500 : 600, `${way}: the tone`);
    }
    assert.equal(String(now.broken), '0,0', 'connections of the call broke');
    return now;
  }

  // Frames sent and received by the two, added up; to compare with a later one.
  async frames() {
    const [one, two] = await this.ask('counters');
    return [
      { way: 'witness-1 to witness-2', sent: one.sent, received: two.received, lost: two.lost },
      { way: 'witness-2 to witness-1', sent: two.sent, received: one.received, lost: one.lost },
    ];
  }

  // Every frame sent since `before` arrived.
  async lost_none(before) {
    const after = await this.frames();
    for (const [index, { way, sent, received }] of after.entries()) {
      const missing = sent - before[index].sent - (received - before[index].received);
      assert.ok(missing <= kInFlight, `${way}: ${missing} of ${sent - before[index].sent} frames did not arrive`);
    }
    return after.map((one, index) => one.received - before[index].received);
  }

  // At most this share of the frames sent since `before` did not arrive. Of few frames those that are under way say
  // nothing: packets that the receiver misses do.
  async lost_few(before, share) {
    const after = await this.frames();
    for (const [index, { way, sent, received, lost }] of after.entries()) {
      const all = sent - before[index].sent;
      const gone = lost - before[index].lost;
      assert.ok(gone <= all * share, `${way}: ${gone} packets lost of ${all} frames`);
      const missing = all - (received - before[index].received);
      assert.ok(missing <= kInFlight + all * share, `${way}: ${missing} of ${all} frames did not arrive`);
    }
  }

  async stop() {
    if (!this.#child.connected) return;
    await this.ask('leave', undefined, 6000).catch(() => {});
    this.#child.disconnect();
    this.#child.kill('SIGKILL');
  }
}

const mega = (bytes) => (bytes / 2 ** 20).toFixed(1);

// A check whose action is an attack on `place` = {suite, server, witness}.
export function attack(place, name, action, { seconds = 45 } = {}) {
  const { suite, server, witness } = place;
  return suite.check(
    name,
    async () => {
      await witness.mark();
      const memory = new MemoryWatch(server.pid);
      try {
        await action();
      } finally {
        memory.stop();
      }
      assert.ok(!server.exited, 'the server has ended');
      const { ways } = await witness.fine();
      const growth = memory.peak - memory.before;
      const gap = Math.max(...ways.flatMap((way) => [way.video_gap, way.audio_gap]));
      console.log(`   ${mega(memory.before)} MB and at most ${mega(growth)} more; longest gap ${gap} ms`);
      assert.ok(growth < kGrowthBytes, `the server grew by ${mega(growth)} MB`);
    },
    { seconds },
  );
}
