// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Tokens that must not open anything: malformed, forged, confused about their algorithm.

import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';

import { KEY, SECRET } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { attack } from './witness.mjs';

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const now = () => Math.floor(Date.now() / 1000);

const claims = (more = {}) => ({
  iss: KEY,
  sub: 'eve',
  nbf: now() - 10,
  exp: now() + 600,
  video: { roomJoin: true, room: 'hostile', roomAdmin: true },
  ...more,
});

function hmac(head, body, { secret = SECRET, digest = 'sha256' } = {}) {
  const text = `${encode(head)}.${encode(body)}`;
  return `${text}.${createHmac(digest, secret).update(text).digest('base64url')}`;
}

function algorithm_confusion() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const spki = publicKey.export({ type: 'spki', format: 'pem' });
  const text = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims())}`;
  const list = [`${text}.${createSign('sha256').update(text).sign(privateKey, 'base64url')}`];
  const names = [
    'none',
    'None',
    'NONE',
    'nOnE',
    '',
    'HS1',
    'HS384',
    'HS512',
    'RS256',
    'ES256',
    'PS256',
    'EdDSA',
    'A256GCM',
    'hs256',
    'HS256 ',
    ' HS256',
    'HS256\u0000',
    'HS25６',
  ];
  for (const alg of names) {
    list.push(`${encode({ alg, typ: 'JWT' })}.${encode(claims())}.`);
    list.push(`${encode({ alg, typ: 'JWT' })}.${encode(claims())}`);
    list.push(hmac({ alg, typ: 'JWT' }, claims()));
    list.push(hmac({ alg, typ: 'JWT' }, claims(), { secret: spki }));
  }
  list.push(
    hmac({ alg: 'HS384' }, claims(), { digest: 'sha384' }),
    hmac({ alg: 'HS512' }, claims(), { digest: 'sha512' }),
  );
  for (const alg of [null, 256, true, ['HS256'], { name: 'HS256' }]) list.push(hmac({ alg }, claims()));
  list.push(
    hmac({}, claims()),
    hmac([], claims()),
    hmac('HS256', claims()),
    hmac('{"alg":"none","alg":"HS256"}', claims()),
  );
  return list;
}

function wrong_keys() {
  const guesses = [
    '',
    ' ',
    KEY,
    'secret',
    'devkey',
    SECRET.slice(1),
    `${SECRET} `,
    SECRET.toUpperCase(),
    encode(SECRET),
    '\u0000',
    'null',
    'undefined',
    'a'.repeat(5000),
  ];
  const list = guesses.map((secret) => hmac({ alg: 'HS256' }, claims(), { secret }));
  list.push(hmac({ alg: 'HS256', kid: '../../../../dev/null' }, claims(), { secret: '' }));
  list.push(hmac({ alg: 'HS256', jwk: { kty: 'oct', k: encode('mine') } }, claims(), { secret: 'mine' }));
  list.push(hmac({ alg: 'HS256', jku: 'http://localhost/keys' }, claims(), { secret: 'mine' }));
  for (const iss of [
    '',
    'nobody',
    ` ${KEY}`,
    `${KEY}\u0000`,
    KEY.toUpperCase(),
    5,
    null,
    [KEY],
    { key: KEY },
    undefined,
    'x'.repeat(10000),
  ]) {
    list.push(hmac({ alg: 'HS256' }, claims({ iss })));
  }
  return list;
}

function wrong_claims() {
  const list = [];
  for (const exp of [0, now() - 3600, -1, 'soon', null, [], {}, true, undefined, '', ` ${now() + 600}`, `${now() + 600}s`, String(now() - 3600)])
    list.push(hmac({ alg: 'HS256' }, claims({ exp })));
  for (const nbf of [now() + 3600, 'now', {}, [], true]) list.push(hmac({ alg: 'HS256' }, claims({ nbf })));
  for (const video of [
    null,
    'all',
    7,
    [],
    true,
    { roomJoin: false },
    { roomJoin: 'yes', room: 'hostile' },
    { roomJoin: 1, room: 'hostile' },
    undefined,
  ]) {
    list.push(hmac({ alg: 'HS256' }, claims({ video })));
  }
  for (const body of [
    '',
    '{',
    '[]',
    'null',
    '"x"',
    '5',
    `{"iss":"${KEY}"`,
    '['.repeat(20000),
    '{"a":'.repeat(20000),
    `${JSON.stringify(claims())} x`,
  ])
    list.push(hmac({ alg: 'HS256' }, body));
  return list;
}

function broken_texts(good) {
  const [head, body, signature] = good.split('.');
  const list = [
    '.',
    '..',
    '...',
    'x',
    'a.b.c',
    `${head}.${body}`,
    `${head}.${body}.`,
    `${head}..${signature}`,
    `.${body}.${signature}`,
    `${good}.`,
    `.${good}`,
    `${good}.${good}`,
    `${head}.${body}.${signature}.${signature}`,
  ];
  list.push(
    `${head}.${body}.${signature}=`,
    `${head}=.${body}.${signature}`,
    `${head}.${body}.${signature.slice(0, -1)}`,
    `${head}.${body}.${signature}A`,
    `${head}.${body}.${encode('')}`,
  );
  list.push(
    good.toUpperCase(),
    good.toLowerCase(),
    good.replaceAll('.', ':'),
    'A'.repeat(50000),
    `${head}.${'A'.repeat(50000)}.${signature}`,
  );
  for (let index = 0; index < 60; ++index) {
    const at = Math.floor((good.length * index) / 60);
    // The last character of a part has bits that mean nothing: another one may decode to the same.
    const last = good[at + 1] === '.' || good[at + 1] === undefined;
    if (good[at] !== '.' && !last) list.push(good.slice(0, at) + (good[at] === 'A' ? 'B' : 'A') + good.slice(at + 1));
  }
  for (let index = 1; index < 20; ++index) list.push(good.slice(0, Math.floor((good.length * index) / 20)));
  return list;
}

export async function token_attacks(place) {
  const { server, room } = place;
  await attack(
    place,
    'malformed and forged tokens get 401 and nothing else [IMM-11] [CON-21]',
    async () => {
      const good = await join_token(room, 'eve');
      const tokens = [...algorithm_confusion(), ...wrong_keys(), ...wrong_claims(), ...broken_texts(good)];
      assert.ok(tokens.length >= 200, `${tokens.length} tokens`);
      console.log(`   ${tokens.length} tokens`);
      const wrong = [];
      for (const [index, token] of tokens.entries()) {
        const { status, client } = await SignalClient.ask(server, room, 'eve', { token, v1: index % 2 === 0 });
        client?.destroy();
        if (status !== 401) wrong.push(`join ${status}: ${describe(token)}`);
        const reply = await fetch(`${server.http}/twirp/livekit.RoomService/ListParticipants`, {
          method: 'POST',
          headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
          body: JSON.stringify({ room }),
        });
        await reply.arrayBuffer();
        if (reply.status !== 401) wrong.push(`call ${reply.status}: ${describe(token)}`);
      }
      assert.deepEqual(wrong, []);
      const fine = await SignalClient.ask(server, room, 'eve', { token: good });
      assert.equal(fine.status, 101, 'the good token');
      fine.client.destroy();
    },
    { seconds: 60 },
  );
}

function describe(token) {
  const [head, body] = token.split('.');
  const text = (part) =>
    Buffer.from(part ?? '', 'base64url')
      .toString('latin1')
      .slice(0, 200);
  return `${text(head)} ${text(body)}`;
}
