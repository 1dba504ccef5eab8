// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Session descriptions (RFC 8866) as lines, and their attributes.

const attribute = (line) => /^a=([^:]+):?(.*)$/.exec(line);

class Section {
  constructor(lines) {
    this.lines = lines;
    const [kind, port, , ...formats] = (lines[0] ?? '').slice(2).split(' ');
    Object.assign(this, { kind, port: Number(port), formats });
  }
  all(name) {
    return this.lines.map(attribute).flatMap((found) => (found && found[1] === name ? [found[2]] : []));
  }
  get(name) {
    return this.all(name)[0];
  }
  has(name) {
    return this.get(name) !== undefined;
  }
  get is_sent() {
    return this.port !== 0 && this.kind !== 'application' && (this.has('sendonly') || this.has('sendrecv'));
  }
}

// { session, sections }, of which each has all(), get() and has() for its attributes.
export function parse_sdp(text) {
  const parts = [[]];
  for (const line of text.split(/\r?\n/).filter(Boolean)) {
    if (line.startsWith('m=')) parts.push([]);
    parts.at(-1).push(line);
  }
  const [session, ...sections] = parts.map((lines) => new Section(lines));
  return { session, sections };
}
