// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// SDK clients of a server and what checks share.

import { RoomServiceClient } from 'livekit-server-sdk';

import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';

export const room_client = (server) => new RoomServiceClient(server.http, KEY, SECRET);

let count = 0;
export const fresh_name = (stem) => `${stem}-${(count += 1)}`;

// Expects a Twirp error with that code and status, and a message that contains `text`.
export async function refused(promise, code, status, text = '') {
  let error;
  try {
    const value = await promise;
    error = new Error(`succeeded with ${JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one))}`);
  } catch (caught) {
    error = caught;
  }
  const seen = `${error.status} ${error.code} ${error.message}`;
  assert.equal(`${error.status} ${error.code}`, `${status} ${code}`, seen);
  assert.ok(error.message.includes(text), `"${error.message}" does not contain "${text}"`);
  return error;
}
