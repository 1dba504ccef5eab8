// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Well-formed protobuf messages full of nonsense: every field may be there, with values from a pool
// of likely and unlikely ones.

import { ScalarType } from '@bufbuild/protobuf';

const kMaxDepth = 5;
const kNumbers = [0, 1, 2, 7, 255, 65535, 65536, 2 ** 31 - 1, -1, -(2 ** 31)];
const kWide = [0n, 1n, 2n ** 32n, 2n ** 63n - 1n, -1n, -(2n ** 63n)];
const kUnsigned = new Set([ScalarType.UINT32, ScalarType.FIXED32]);
const kUnsignedWide = new Set([ScalarType.UINT64, ScalarType.FIXED64]);
const kSignedWide = new Set([ScalarType.INT64, ScalarType.SINT64, ScalarType.SFIXED64]);

export class RandomMessages {
  // `words`: texts worth trying, such as sids, identities and candidates.
  constructor(random, words) {
    this.random = random;
    this.words = words;
  }

  text() {
    const { random } = this;
    if (random.chance(0.7)) return random.pick(this.words);
    return random
      .bytes(random.below(40))
      .toString('latin1')
      .repeat(random.chance(0.02) ? 500 : 1);
  }

  scalar(type) {
    const { random } = this;
    if (type === ScalarType.STRING) return this.text();
    if (type === ScalarType.BYTES) return random.bytes(random.below(64));
    if (type === ScalarType.BOOL) return random.chance(0.5);
    if (type === ScalarType.DOUBLE || type === ScalarType.FLOAT) return random.pick([0, -1, 1e30, NaN, Infinity]);
    if (kUnsigned.has(type)) return random.pick(kNumbers) >>> 0;
    if (kUnsignedWide.has(type)) return BigInt.asUintN(64, random.pick(kWide));
    if (kSignedWide.has(type)) return random.pick(kWide);
    return random.pick(kNumbers);
  }

  #value(field, depth) {
    if (field.kind === 'scalar') return this.scalar(field.T);
    if (field.kind === 'enum') return this.random.pick([...field.T.values.map((one) => one.no), 99, -5]);
    return this.message(field.T, depth + 1);
  }

  #fill(target, field, depth) {
    const { random } = this;
    const times = () => (random.chance(0.03) ? 200 : random.below(4));
    if (field.kind === 'map') {
      for (let left = times(); left > 0; --left) {
        const value = field.V.kind === 'scalar' ? this.scalar(field.V.T) : this.#value({ ...field.V }, depth);
        target[field.localName][field.K === ScalarType.STRING ? this.text() : random.below(9)] = value;
      }
    } else if (field.repeated) {
      for (let left = times(); left > 0; --left) target[field.localName].push(this.#value(field, depth));
    } else {
      target[field.localName] = this.#value(field, depth);
    }
  }

  // A message of a type; each field is there with probability `density`.
  message(type, depth = 0, density = 0.5) {
    const result = new type();
    if (depth > kMaxDepth) return result;
    for (const member of type.fields.byMember()) {
      if (!this.random.chance(density)) continue;
      if (member.kind === 'oneof') {
        const field = this.random.pick(member.fields);
        result[member.localName] = { case: field.localName, value: this.#value(field, depth) };
      } else {
        this.#fill(result, member, depth);
      }
    }
    return result;
  }

  // The same with its oneof `message` set to the field of that name.
  request(type, name) {
    const field = type.fields.list().find((one) => one.localName === name);
    return new type({ message: { case: name, value: this.#value(field, 0) } });
  }
}
