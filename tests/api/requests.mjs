// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Requests as they are on the wire: tokens with any claims, calls with any body, raw bytes.

import { createHmac } from 'node:crypto';
import net from 'node:net';

import { KEY, SECRET } from '../lib/server.mjs';
import { within } from '../lib/wait.mjs';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

export const now = () => Math.floor(Date.now() / 1000);

// Claims that are enough to join; `more` is laid over them, undefined takes one away.
export const join_claims = (room, more = {}) => ({ sub: 'caller', video: { roomJoin: true, room }, ...more });

// A token of these claims, by default of the test key and good for a minute.
export function mint(claims, { alg = 'HS256', digest = 'sha256', secret = SECRET } = {}) {
  const text = `${encode({ alg, typ: 'JWT' })}.${encode({ iss: KEY, exp: now() + 60, ...claims })}`;
  return `${text}.${createHmac(digest, secret).update(text).digest('base64url')}`;
}

// Calls `service/method` ("Egress/ListEgress"). `grant` is the video claim, `claims` any others,
// `body` is sent as it is if it is a text or bytes, else as JSON. The reply is {status, type, text,
// json}.
export async function call(server, path, body = {}, { grant, claims, token, type = 'application/json', headers = {}, signal } = {}) {
  const bearer = token ?? mint({ sub: 'caller', ...(grant && { video: grant }), ...claims });
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const reply = await fetch(`${server.http}/twirp/livekit.${path}`, {
    method: 'POST',
    headers: { ...(bearer && { Authorization: `Bearer ${bearer}` }), 'Content-Type': type, ...headers },
    body: raw ? body : JSON.stringify(body),
    redirect: 'manual',
    signal,
  });
  const bytes = Buffer.from(await reply.arrayBuffer());
  const text = bytes.toString('utf8');
  const of_json = reply.headers.get('content-type') === 'application/json';
  return { status: reply.status, type: reply.headers.get('content-type'), bytes, text, json: of_json ? JSON.parse(text) : undefined };
}

// An error on one line: `404 not_found <text>`.
export const in_words = ({ status, json }) => `${status} ${json?.code} ${json?.msg}`;

export async function get(server, path, { token, headers = {}, method = 'GET' } = {}) {
  const reply = await fetch(`${server.http}${path}`, {
    method,
    headers: { ...(token && { Authorization: `Bearer ${token}` }), ...headers },
    redirect: 'manual',
  });
  return { status: reply.status, headers: reply.headers, text: await reply.text() };
}

// `200 success`, or why a token may not join.
export async function validate(server, claims, settings) {
  const { status, text } = await get(server, '/rtc/validate', { token: mint(claims, settings) });
  return `${status} ${text}`;
}

// Sends raw bytes and returns what came back until the server closes.
export function exchange(port, bytes, host = '127.0.0.1') {
  const answer = new Promise((resolve, reject) => {
    const socket = net.connect(port, host, () => socket.write(bytes));
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => (text += chunk));
    socket.on('close', () => resolve(text));
    socket.on('error', (error) => (text ? resolve(text) : reject(error)));
  });
  return within(5000, 'the answer', answer);
}
