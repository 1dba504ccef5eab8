// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The parties of the checks of tenants, and their clients.

import { AgentDispatchClient, RoomServiceClient } from 'livekit-server-sdk';

import { KEY, SECRET } from '../lib/server.mjs';
import { join_token } from '../lib/token.mjs';
import { mint } from './requests.mjs';

const secret_of = (name) => `the-secret-of-${name}-0123456789-0123456789`;

class Party {
  constructor(key, secret = secret_of(key)) {
    this.key = key;
    this.secret = secret;
  }
  rooms(server) {
    return new RoomServiceClient(server.http, this.key, this.secret);
  }
  dispatches(server) {
    return new AgentDispatchClient(server.http, this.key, this.secret);
  }
  token(room, identity, settings = {}) {
    return join_token(room, identity, { ...settings, key: this.key, secret: this.secret });
  }
  // A token of any video grant.
  mint(video, claims = {}) {
    return mint({ iss: this.key, sub: 'caller', video, ...claims }, { secret: this.secret });
  }
  // Names of its rooms, or of those it asks for.
  async names(server, ...asked) {
    return (await this.rooms(server).listRooms(...asked)).map(({ name }) => name).sort();
  }
  async people(server, room) {
    return (await this.rooms(server).listParticipants(room)).map(({ identity }) => identity).sort();
  }
}

export const operator = new Party(KEY, SECRET);
export const acme = new Party('APIacme');
export const acme_too = new Party('APIacmeToo');
export const globex = new Party('APIglobex');
export const all = [operator, acme, acme_too, globex];

export const keys = Object.fromEntries(all.map(({ key, secret }) => [key, secret]));
export const tenants = { acme: [acme.key, acme_too.key], globex: [globex.key] };
