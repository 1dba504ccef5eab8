// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Random data that comes again with its seed (xorshift128 of 32-bit words).
//
// CONFAB_SEED  the seed (default 1)

export class Seeded {
  #state;

  constructor(seed = Number(process.env.CONFAB_SEED ?? 1)) {
    this.seed = seed;
    this.#state = [seed | 1, 0x9e3779b9, 0x243f6a88, 0xb7e15162];
    for (let round = 0; round < 32; ++round) this.word();
  }

  // A generator of its own for one purpose, so that checks do not depend on their order.
  fork(name) {
    let hash = this.seed;
    for (const character of name) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) | 0;
    return new Seeded(hash);
  }

  word() {
    let mixed = this.#state[3];
    const first = this.#state[0];
    mixed ^= mixed << 11;
    mixed ^= mixed >>> 8;
    mixed ^= first ^ (first >>> 19);
    this.#state = [mixed | 0, ...this.#state.slice(0, 3)];
    return mixed >>> 0;
  }

  below(limit) {
    return this.word() % limit;
  }

  chance(part) {
    return this.word() < part * 2 ** 32;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  bytes(count) {
    const result = Buffer.allocUnsafe(count);
    for (let at = 0; at < count; at += 4) {
      const word = this.word();
      for (let index = at; index < Math.min(at + 4, count); ++index) result[index] = word >>> (8 * (index - at));
    }
    return result;
  }

  // One to `most` changes: bytes flipped, set, cut out, doubled, or the end cut off.
  mutate(bytes, most = 4) {
    let result = Buffer.from(bytes);
    for (let left = 1 + this.below(most); left > 0 && result.length > 0; --left) {
      const at = this.below(result.length);
      const size = 1 + this.below(Math.min(16, result.length - at));
      const kind = this.below(6);
      if (kind === 0) result[at] ^= 1 << this.below(8);
      if (kind === 1) result[at] = this.pick([0, 1, 0x7f, 0x80, 0xff, this.below(256)]);
      if (kind === 2) result = Buffer.concat([result.subarray(0, at), result.subarray(at + size)]);
      if (kind === 3) result = Buffer.concat([result.subarray(0, at + size), result.subarray(at)]);
      if (kind === 4) result = result.subarray(0, at);
      if (kind === 5) this.bytes(size).copy(result, at);
    }
    return result;
  }
}
