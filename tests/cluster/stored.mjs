// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What stands in Redis, as somebody sees it who knows keys and numbers of fields only.

import { encode, Fields } from '../lib/psrpc.mjs';

// A field that no version has, as of a program that is newer than all here.
const kNewer = 15000;
const kNews = { [kNewer]: 'of a newer version' };

export class Stored {
  constructor(peer) {
    this.peer = peer;
  }

  ask(...words) { return this.peer.commands.send(...words); }

  async text(...words) {
    const value = await this.ask(...words);
    return value === null ? null : String(value);
  }

  // In order: members of a set, fields of a hash.
  async names(...words) { return (await this.ask(...words)).map(String).sort(); }

  // A message of a hash; undefined: there is none.
  async record(key, field) {
    const bytes = await this.ask('HGET', key, field);
    return bytes === null ? undefined : new Fields(bytes);
  }

  put(key, field, message) { return this.ask('HSET', key, field, encode(message)); }

  // As a newer version would have written it.
  async put_news(key, field) {
    const bytes = await this.ask('HGET', key, field);
    await this.ask('HSET', key, field, Buffer.concat([bytes, encode(kNews)]));
  }

  async has_news(key, field) { return (await this.record(key, field))?.text(kNewer) === kNews[kNewer]; }
}

export { kNews };
