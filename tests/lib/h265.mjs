// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// H.265 as a byte stream (ITU-T H.265 Annex B) and as RTP payloads (RFC 7798 §4.4):
//
//   +---------------+---------------+
//   |F|   Type    |  LayerId  | TID |   the header of a NAL unit and of each payload
//   +---------------+---------------+

const kFirstNonVcl = 32;
const kVps = 32;
const kPps = 34;
const kAggregation = 48;
const kFragment = 49;
const kHeader = 2;
const kFragmentStart = 0x80;
const kFragmentEnd = 0x40;

const type_of = (nal) => (nal[0] >> 1) & 0x3f;
const with_type = (nal, type) => Buffer.from([(nal[0] & 0x81) | (type << 1), nal[1]]);
const is_parameter_set = (nal) => type_of(nal) >= kVps && type_of(nal) <= kPps;

// The NAL units of a byte stream.
function nal_units(stream) {
  const result = [];
  let at = stream.indexOf('000001', 0, 'hex');
  while (at >= 0) {
    const next = stream.indexOf('000001', at + 3, 'hex');
    let end = next < 0 ? stream.length : next;
    while (stream[end - 1] === 0) end -= 1; // the zero octet of the next start code
    result.push(stream.subarray(at + 3, end));
    at = next;
  }
  return result;
}

// Lists of NAL units, one for each picture: what goes before its slice, and the slice.
export function pictures_of(stream) {
  const result = [];
  let picture = [];
  for (const nal of nal_units(stream)) {
    picture.push(nal);
    if (type_of(nal) >= kFirstNonVcl) continue;
    result.push(picture);
    picture = [];
  }
  return result;
}

function aggregated(nals) {
  const parts = nals.flatMap((nal) => [Buffer.from([nal.length >> 8, nal.length & 255]), nal]);
  return Buffer.concat([with_type(nals[0], kAggregation), ...parts]);
}

function fragments(nal, most) {
  const body = nal.subarray(kHeader);
  const result = [];
  for (let at = 0; at < body.length; at += most) {
    const mark = (at === 0 ? kFragmentStart : 0) | (at + most >= body.length ? kFragmentEnd : 0);
    const head = Buffer.concat([with_type(nal, kFragment), Buffer.from([mark | type_of(nal)])]);
    result.push(Buffer.concat([head, body.subarray(at, at + most)]));
  }
  return result;
}

// The payloads of a picture: parameter sets in one packet, what is longer than `most` in several.
export function payloads_of(picture, most) {
  const sets = picture.filter(is_parameter_set);
  const others = picture.filter((nal) => !is_parameter_set(nal));
  const result = sets.length > 0 ? [aggregated(sets)] : [];
  for (const nal of others) result.push(...(nal.length <= most ? [nal] : fragments(nal, most)));
  return result;
}

// Makes pictures of packets that come in order.
export class Depacketizer {
  #picture = [];
  #fragment = [];
  #sequence;

  // The NAL units of the picture that ends with this packet, or undefined.
  add({ header, payload }) {
    if (this.#sequence !== undefined && header.sequenceNumber !== ((this.#sequence + 1) & 0xffff)) {
      throw new Error(`packet ${header.sequenceNumber} follows ${this.#sequence}`);
    }
    this.#sequence = header.sequenceNumber;
    if (payload.length > 0) this.#unpack(payload);
    if (!header.marker) return undefined;
    const picture = this.#picture;
    this.#picture = [];
    return picture;
  }

  #unpack(payload) {
    if (type_of(payload) === kAggregation) {
      for (let at = kHeader; at < payload.length; ) {
        const size = payload.readUInt16BE(at);
        this.#picture.push(payload.subarray(at + 2, at + 2 + size));
        at += 2 + size;
      }
    } else if (type_of(payload) === kFragment) {
      const mark = payload[kHeader];
      if (mark & kFragmentStart) this.#fragment = [with_type(payload, mark & 0x3f)];
      this.#fragment.push(payload.subarray(kHeader + 1));
      if (mark & kFragmentEnd) this.#picture.push(Buffer.concat(this.#fragment));
    } else {
      this.#picture.push(payload);
    }
  }
}
