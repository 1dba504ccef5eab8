// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The requests of WHIP, and what is seen of its sessions by the API.

import { RoomServiceClient } from 'livekit-server-sdk';

import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';

export const kSdp = 'application/sdp';
export const kFragment = 'application/trickle-ice-sdpfrag';

// `location`: of a session, else a new one is asked for.
export async function ask(server, method, { token, type, body, location = '/whip/v1', headers = {} } = {}) {
  const response = await fetch(`${server.http}${location}`, {
    method,
    body,
    headers: { ...(token && { Authorization: `Bearer ${token}` }), ...(type && { 'Content-Type': type }), ...headers },
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

export const error_of = ({ text }) => {
  assert.ok(text.endsWith('\n'), text);
  return JSON.parse(text).error;
};

export const rooms_of = (server) => new RoomServiceClient(server.http, KEY, SECRET);

// The participants of a room, by identity.
export async function people(server, room) {
  const list = await rooms_of(server).listParticipants(room);
  return new Map(list.map((one) => [one.identity, one]));
}

export const gone = (server, room, identity, timeout = 10000) =>
  until(async () => !(await people(server, room)).has(identity), { timeout, what: `${identity} to be gone` });
