// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// PerformRpc: the API calls a method that a participant registered.

import { RpcError } from '@livekit/rtc-node';
import { AccessToken } from 'livekit-server-sdk';

import { Peer } from '../lib/rtc_peer.mjs';
import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { fresh_name } from './clients.mjs';

async function perform(server, room, body, headers = {}) {
  const token = new AccessToken(KEY, SECRET, { identity: 'caller', ttl: 60 });
  token.addGrant({ roomAdmin: true, room });
  const reply = await fetch(`${server.http}/twirp/livekit.RoomService/PerformRpc`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${await token.toJwt()}`, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ room, ...body }),
  });
  return { status: reply.status, ...(await reply.json()) };
}

const shown = ({ status, code, msg }) => `${status} ${code} ${msg}`;
const kPrefix = 'twirp error unknown: ';

export async function rpc_checks(suite, server) {
  const room = fresh_name('rpc');
  let alice;
  let bob;
  const calls = [];
  let called = 0; // the method that never answers
  const call = (method, payload = '', more = {}, headers = {}) =>
    perform(server, room, { destination_identity: 'bob', method, payload, ...more }, headers);

  await suite.check('PerformRpc: the method sees caller and payload, its result comes back [API-14]', async () => {
    alice = await Peer.join(suite, server, room, 'alice');
    bob = await Peer.join(suite, server, room, 'bob', { number: 2 });
    bob.local.registerRpcMethod('reverse', async ({ payload, callerIdentity }) => {
      calls.push(callerIdentity);
      return [...payload].reverse().join('');
    });
    const result = await until(async () => {
      const one = await call('reverse', 'abc ∞');
      return one.status === 200 && one;
    });
    assert.equal(result.payload, '∞ cba');
    assert.match(calls.at(-1), /^RPC_/);
    assert.equal((await call('reverse', 'x'.repeat(15000))).payload, 'x'.repeat(15000));
  }, { needed: true });

  await suite.check('PerformRpc: a slow method is called once and has its whole time [API-14]', async () => {
    let invoked = 0;
    bob.local.registerRpcMethod('slow', async () => {
      invoked += 1;
      await sleep(4000);
      return 'at last';
    });
    const result = await call('slow', '', { response_timeout_ms: 9000 });
    assert.equal(`${result.status} ${result.payload}`, '200 at last');
    assert.equal(invoked, 1);
  });

  await suite.check('PerformRpc: errors of the method and of the protocol [API-14]', async () => {
    bob.local.registerRpcMethod('fail', async () => {
      throw new RpcError(1500, 'boom', 'dd');
    });
    bob.local.registerRpcMethod('custom', async () => {
      throw new RpcError(77, 'own');
    });
    for (const code of [1403, 1404]) {
      bob.local.registerRpcMethod(`refuse-${code}`, async () => {
        throw new RpcError(code, 'unsupported');
      });
    }
    bob.local.registerRpcMethod('never', () => {
      called += 1;
      return new Promise(() => {});
    });
    assert.equal(shown(await call('fail')), `500 internal ${kPrefix}RpcError 1500: boom: dd`);
    assert.equal(shown(await call('custom')), `500 internal ${kPrefix}RpcError 77: own`);
    for (const code of [1403, 1404]) {
      assert.equal(shown(await call(`refuse-${code}`)), `501 unimplemented ${kPrefix}RpcError ${code}: unsupported`);
    }
    const unknown = await call('no-such-method');
    assert.equal(`${unknown.status} ${unknown.code}`, '400 invalid_argument');
    assert.match(unknown.msg, /RpcError 1400: /);
    // Each has its own time: the patient one is asked first and answered last.
    const order = [];
    const ended = async (name, pending) => {
      const reply = await pending;
      order.push(name);
      return shown(reply);
    };
    const replies = await Promise.all([
      ended('patient', call('never', '', { response_timeout_ms: 3000 })),
      ended('short', call('never', '', { response_timeout_ms: 1000 })),
      ended('hurried', call('never', '', {}, { 'X-Twirp-Timeout-Ms': '300' })),
    ]);
    const timeout = `408 canceled ${kPrefix}RpcError 1502: Response timeout`;
    assert.deepEqual(replies, [timeout, timeout, `408 canceled ${kPrefix}request canceled`]);
    assert.equal(order.at(-1), 'patient', order.join());
  });

  await suite.check('PerformRpc: what can not be called is refused at once [API-14] [API-W7]', async () => {
    const absent = await call('reverse', '', { destination_identity: 'nobody' });
    assert.equal(shown(absent), `503 unavailable ${kPrefix}no response from servers`);
    const nowhere = await perform(server, 'no-such-room', { destination_identity: 'bob', method: 'm' });
    assert.equal(shown(nowhere), `503 unavailable ${kPrefix}no response from servers`);
    const nobody = await call('reverse', '', { destination_identity: '' });
    assert.equal(shown(nobody), `400 invalid_argument ${kPrefix}destination identity is required`);
    const large = await call('reverse', 'x'.repeat(15361));
    assert.equal(shown(large), `400 invalid_argument ${kPrefix}RpcError 1402: Request payload too large`);
  });

  await suite.check('PerformRpc: a participant that leaves ends the call [API-14]', async () => {
    const before = called;
    const pending = call('never');
    await until(() => called > before, { what: 'the call to reach bob' });
    await bob.leave();
    assert.equal(shown(await pending), `404 not_found ${kPrefix}participant does not exist`);
    assert.deepEqual(alice.data, [], 'nobody else got any of it');
    await alice.leave();
  });
}
