// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Data packets, text and byte streams, RPC between two participants.

import { RpcError } from '@livekit/rtc-node';

import { Peer } from '../lib/rtc_peer.mjs';
import { assert } from '../lib/suite.mjs';
import { until, within } from '../lib/wait.mjs';

const bytes = (text) => new TextEncoder().encode(text);

// The SDK awaits its native half once per packet: on a busy machine that alone is 30 ms each.
const kBulkSeconds = 90;

export async function data_checks(suite, server, { single, label }) {
  const room = `data-${label}`;
  const peers = {};
  const joined = await suite.check(`${label}: three participants join for data [SIG-78]`, async () => {
    for (const [index, name] of ['alice', 'bob', 'carol'].entries()) {
      peers[name] = await Peer.join(suite, server, room, name, { number: index + 1, single });
    }
    const all = () => Object.values(peers).every((peer) => peer.room.remoteParticipants.size === 2);
    await until(all, { what: 'everybody to know everybody' });
  }, { needed: true });
  if (!joined) return;
  await packet_checks(suite, label, peers);
  await flood_checks(suite, label, peers);
  await stream_checks(suite, label, peers);
  await rpc_checks(suite, label, peers);
  await Promise.all(Object.values(peers).map((peer) => peer.leave()));
}

async function packet_checks(suite, label, { alice, bob, carol }) {
  const got = (peer, text) => peer.data.filter((one) => one.text === text);

  await suite.check(`${label}: data packets both ways, reliable and lossy [SIG-120]`, async () => {
    for (const [from, to] of [[alice, bob], [bob, alice]]) {
      for (const reliable of [true, false]) {
        const text = `${from.identity} ${reliable}`;
        await from.local.publishData(bytes(text), { reliable, topic: 't' });
        const [packet] = await until(() => got(to, text).length && got(to, text), { what: text });
        assert.equal(packet.from, from.identity);
        assert.equal(packet.topic, 't');
        assert.equal(got(from, text).length, 0, 'no echo');
      }
    }
  });

  await suite.check(`${label}: data reaches the named participants only [SIG-120]`, async () => {
    const to = (...names) => ({ reliable: true, destination_identities: names });
    await alice.local.publishData(bytes('for bob'), to('bob'));
    await alice.local.publishData(bytes('for all'), to());
    await until(() => got(carol, 'for all').length && got(bob, 'for all').length);
    assert.equal(got(bob, 'for bob').length, 1);
    assert.equal(got(carol, 'for bob').length, 0);
  });

  await suite.check(`${label}: 300 reliable packets of 10 KB arrive once and in order [SIG-121] [MC-18] [DC-26]`, async () => {
    const count = 300;
    const filling = 'x'.repeat(10000);
    const arrived = () => bob.data.filter((one) => one.topic === 'bulk');
    for (let index = 0; index < count; ++index) {
      await alice.local.publishData(bytes(`${index} ${filling}`), { reliable: true, topic: 'bulk' });
    }
    await until(() => arrived().length >= count, { timeout: 60000, what: () => `${arrived().length} of ${count}` });
    // What came twice would be here before a packet that was sent later.
    await alice.local.publishData(bytes('after all'), { reliable: true });
    await until(() => bob.data.some((one) => one.text === 'after all'), { what: 'the packet after all others' });
    assert.deepEqual(arrived().map((one) => parseInt(one.text, 10)), [...Array(count).keys()]);
  }, { seconds: kBulkSeconds });
}

async function flood_checks(suite, label, { alice, bob }) {
  await suite.check(`${label}: a flood of lossy packets delays nothing reliable, none comes twice [SIG-120] [DC-26]`, async () => {
    const count = 300;
    const filling = 'x'.repeat(1000);
    const lossy = () => bob.data.filter((one) => one.topic === 'flood').map((one) => parseInt(one.text, 10));
    for (let index = 0; index < count; ++index) {
      await alice.local.publishData(bytes(`${index} ${filling}`), { reliable: false, topic: 'flood' });
    }
    await alice.local.publishData(bytes('after the flood'), { reliable: true });
    await until(() => bob.data.some((one) => one.text === 'after the flood'), { what: 'the reliable packet' });
    // The sender drops what its own queue can not take: what came is in order and came once.
    await until(() => lossy().length > 0, { what: 'lossy packets' });
    assert.deepEqual(lossy(), [...new Set(lossy())].sort((a, b) => a - b), 'a packet came twice or late');
  }, { seconds: kBulkSeconds });

  await suite.check(`${label}: lossy packets that wait for each other all arrive [SIG-120] [DC-26]`, async () => {
    const [rounds, burst] = [10, 10];
    const arrived = () => bob.data.filter((one) => one.topic === 'paced').map((one) => parseInt(one.text, 10));
    for (let sent = 0; sent < rounds * burst; sent += burst) {
      for (let index = sent; index < sent + burst; ++index) {
        await alice.local.publishData(bytes(`${index}`), { reliable: false, topic: 'paced' });
      }
      const what = () => `${sent + burst} lossy packets, got ${arrived().length}`;
      await until(() => arrived().length >= sent + burst, { every: 5, what });
    }
    assert.deepEqual(arrived(), [...Array(rounds * burst).keys()]);
  }, { seconds: kBulkSeconds });
}

async function stream_checks(suite, label, { alice, bob }) {
  await suite.check(`${label}: a text stream arrives whole [SIG-120]`, async () => {
    const text = 'Größe ∞ 𝄞 '.repeat(4000);
    const received = new Promise((resolve) => {
      bob.room.registerTextStreamHandler('text', async (reader, from) => {
        resolve({ text: await reader.readAll(), from: from.identity, attributes: reader.info.attributes });
      });
    });
    await alice.local.sendText(text, { topic: 'text', attributes: { a: 'b' } });
    const result = await within(30000, 'the text stream', received);
    assert.equal(result.from, 'alice');
    assert.equal(result.attributes.a, 'b');
    assert.ok(result.text === text, `${result.text.length} of ${text.length} characters`);
    bob.room.unregisterTextStreamHandler('text');
  }, { seconds: kBulkSeconds });

  await suite.check(`${label}: a byte stream of 1 MB arrives whole [SIG-120]`, async () => {
    const size = 1 << 20;
    const content = new Uint8Array(size).map((_, index) => (index * 31 + (index >> 8)) & 255);
    const received = new Promise((resolve) => {
      alice.room.registerByteStreamHandler('bytes', async (reader, from) => {
        resolve({ chunks: await reader.readAll(), from: from.identity, name: reader.info.name });
      });
    });
    const writer = await bob.local.streamBytes({ topic: 'bytes', name: 'blob', totalSize: size });
    await writer.write(content);
    await writer.close();
    const result = await within(60000, 'the byte stream', received);
    assert.equal(result.from, 'bob');
    assert.equal(result.name, 'blob');
    assert.ok(Buffer.concat(result.chunks).equals(Buffer.from(content)), 'content differs');
    alice.room.unregisterByteStreamHandler('bytes');
  }, { seconds: kBulkSeconds });
}

async function rpc_checks(suite, label, { alice, bob }) {
  const call = (method, payload = '', more = {}) =>
    alice.local.performRpc({ destinationIdentity: 'bob', method, payload, responseTimeout: 3000, ...more });
  const failure = async (promise) => {
    const error = await promise.then(() => assert.fail('no error'), (caught) => caught);
    return { code: error.code, message: error.message, data: error.data };
  };

  await suite.check(`${label}: RPC both ways [SIG-128]`, async () => {
    bob.local.registerRpcMethod('reverse', async ({ payload, callerIdentity }) =>
      `${callerIdentity}:${[...payload].reverse().join('')}`);
    alice.local.registerRpcMethod('length', async ({ payload }) => String(payload.length));
    assert.equal(await call('reverse', 'abc'), 'alice:cba');
    const long = 'x'.repeat(14000);
    const answer = await bob.local.performRpc({ destinationIdentity: 'alice', method: 'length', payload: long });
    assert.equal(answer, '14000');
  });

  await suite.check(`${label}: RPC errors keep code, message and data [SIG-128]`, async () => {
    bob.local.registerRpcMethod('fail', async () => {
      throw new RpcError(4711, 'not today', 'details');
    });
    bob.local.registerRpcMethod('slow', () => new Promise(() => {}));
    assert.deepEqual(await failure(call('fail')), { code: 4711, message: 'not today', data: 'details' });
    assert.equal((await failure(call('no-such-method'))).code, RpcError.ErrorCode.UNSUPPORTED_METHOD);
    const slow = await failure(call('slow', '', { responseTimeout: 1500 }));
    assert.equal(slow.code, RpcError.ErrorCode.RESPONSE_TIMEOUT);
  });

  await suite.check(`${label}: RPC to somebody who is not there fails [SIG-128]`, async () => {
    const error = await failure(call('reverse', '', { destinationIdentity: 'nobody', responseTimeout: 8000 }));
    const { CONNECTION_TIMEOUT, RECIPIENT_NOT_FOUND } = RpcError.ErrorCode;
    assert.ok([CONNECTION_TIMEOUT, RECIPIENT_NOT_FOUND].includes(error.code), JSON.stringify(error));
  });
}
