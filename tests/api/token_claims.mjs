// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What the registered claims of a token and its other grants do.

import { createHash } from 'node:crypto';

import { AccessToken } from 'livekit-server-sdk';

import { KEY, SECRET } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { fresh_name, room_client } from './clients.mjs';
import { call, in_words, join_claims, mint, now, validate } from './requests.mjs';

export const claims_of = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url').toString());

// Joins with these claims; the client has its join response.
export const join_with = (server, room, claims, settings = {}) =>
  SignalClient.join(server, room, 'whoever', { v1: false, token: mint(join_claims(room, claims)), ...settings });

async function registered_checks(suite, server) {
  await suite.check('HS256 and nothing else; key, secret and times decide [TOK-01]', async () => {
    const room = fresh_name('registered');
    const good = join_claims(room);
    const is = async (expected, claims, settings) =>
      assert.equal(await validate(server, claims, settings), expected, JSON.stringify([claims, settings]));
    const refused = (detail) => `401 invalid authorization token: ${detail}`;
    await is('200 success', good);
    for (const [alg, digest] of [['HS384', 'sha384'], ['HS512', 'sha512'], ['RS256', 'sha256'], ['none', 'sha256']]) {
      await is(refused(`token signature is invalid: signing method ${alg} is invalid`), good, { alg, digest });
    }
    await is(refused('token signature is invalid: signature is invalid'), good, { secret: 'x'.repeat(40) });
    await is('401 invalid API key', { ...good, iss: 'nobody' });
    await is('401 invalid API key', { ...good, iss: undefined });
    // A minute of leeway on both sides; 15 s are for a slow run.
    await is('200 success', { ...good, exp: now() - 45 });
    await is(refused('token has invalid claims: token is expired'), { ...good, exp: now() - 75 });
    await is('200 success', { ...good, nbf: now() + 45 });
    await is(refused('token has invalid claims: token is not valid yet'), { ...good, nbf: now() + 75 });
    await is('200 success', { ...good, iat: now() + 6000 });
  });

  await suite.check('a token without exp is refused, and no answer repeats a token [TOK-01]', async () => {
    const room = fresh_name('everlasting');
    for (const claims of [{ exp: undefined }, { exp: 1 }, { nbf: now() + 600 }, { metadata: 5 }, { iss: 'nobody' }]) {
      const token = mint(join_claims(room, claims));
      const reply = await fetch(`${server.http}/rtc/validate?access_token=${token}`);
      const text = await reply.text();
      assert.equal(reply.status, 401, text);
      assert.ok(!text.includes(token.slice(-20)) && !text.includes('nobody'), text);
    }
    assert.match(await validate(server, join_claims(room, { exp: undefined })), /^401 invalid authorization token: token has invalid claims/);
  });

  await suite.check('the identity is sub, else jti, and no other claim [TOK-01]', async () => {
    const room = fresh_name('identity');
    const anna = await join_with(server, room, { sub: 'anna', jti: 'beate', identity: 'carla' });
    const dora = await join_with(server, room, { sub: '', jti: 'dora', identity: 'carla' });
    assert.equal(anna.last.join.participant.identity, 'anna');
    assert.equal(dora.last.join.participant.identity, 'dora');
    const inside = (await room_client(server).listParticipants(room)).map((one) => one.identity);
    assert.deepEqual(inside.sort(), ['anna', 'dora']);
    assert.equal(await validate(server, join_claims(room, { sub: '', identity: 'carla' })), '400 identity cannot be empty');
    for (const client of [anna, dora]) client.destroy();
  });

  await suite.check('what an SDK makes by default is good for six hours [TOK-01]', async () => {
    const token = new AccessToken(KEY, SECRET, { identity: 'anna' });
    token.addGrant({ roomJoin: true, room: fresh_name('default') });
    const jwt = await token.toJwt();
    assert.ok(Math.abs(claims_of(jwt).exp - now() - 6 * 3600) <= 5, `${claims_of(jwt).exp}`);
    const reply = await fetch(`${server.http}/rtc/validate?access_token=${jwt}`);
    assert.equal(`${reply.status} ${await reply.text()}`, '200 success');
  });
}

async function grant_checks(suite, server) {
  await suite.check('sip.admin and sip.call open their own methods only; wrong types are refused [TOK-06]', async () => {
    const asked = async (sip) => {
      const admin = await call(server, 'SIP/ListSIPInboundTrunk', {}, { claims: { sip } });
      const dial = await call(server, 'SIP/CreateSIPParticipant', {}, { claims: { sip } });
      return [admin, dial].map((reply) => (reply.status === 401 ? 'denied' : 'let in'));
    };
    assert.deepEqual(await asked({ admin: true }), ['let in', 'denied']);
    assert.deepEqual(await asked({ call: true }), ['denied', 'let in']);
    assert.deepEqual(await asked({}), ['denied', 'denied']);
    assert.deepEqual(await asked(undefined), ['denied', 'denied']);
    const video = await call(server, 'SIP/ListSIPInboundTrunk', {}, { grant: { roomAdmin: true, roomCreate: true, roomRecord: true } });
    assert.equal(in_words(video), '401 unauthenticated permissions denied');
    for (const claims of [{ sip: { admin: 'yes' } }, { agent: { admin: 1 } }, { inference: { perform: 'true' } }, { observability: [] }]) {
      assert.match(await validate(server, join_claims('r', claims)), /^401 invalid authorization token: /, JSON.stringify(claims));
    }
  });

  await suite.check('grants of other services are taken and not handed on, unknown ones are ignored [TOK-06]', async () => {
    const others = {
      sip: { admin: true, call: true },
      agent: { admin: true, simulationAdmin: true, databaseAdmin: true, unheard: 1 },
      inference: { perform: true },
      observability: { write: true },
      unheard: { of: true },
    };
    const client = await join_with(server, fresh_name('others'), others);
    const claims = claims_of(await client.wait('refreshToken'));
    for (const name of Object.keys(others)) assert.equal(claims[name], undefined, name);
    assert.equal(claims.video.roomJoin, true);
    // Nothing of them opens a room.
    const nothing = { sub: 'a', agent: { admin: true }, inference: { perform: true }, observability: { write: true } };
    assert.equal(await validate(server, nothing), '401 no permissions to access the room');
    client.destroy();
  });

  await suite.check('sha256 of a webhook is the standard base64 digest of its body [TOK-09] [HOOK-05]', async () => {
    const { sink } = server;
    // Enough of them that one digest has a character which the URL alphabet writes differently.
    const names = Array.from({ length: 12 }, () => fresh_name('digest'));
    for (const name of names) await room_client(server).createRoom({ name });
    for (const name of names) await sink.event(name, 'room_started');
    const digests = sink.deliveries.map(({ body, headers }) => {
      const { sha256 } = claims_of(headers.authorization);
      assert.equal(sha256, createHash('sha256').update(body).digest('base64'));
      return sha256;
    });
    assert.ok(digests.every((one) => one.length === 44 && one.endsWith('=')));
    assert.ok(digests.some((one) => /[+/]/.test(one)), 'a digest in the standard alphabet');
  });
}

export async function token_checks(suite, server) {
  await registered_checks(suite, server);
  await grant_checks(suite, server);
}
