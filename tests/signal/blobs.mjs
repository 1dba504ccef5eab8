// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Data blobs: what a participant keeps at the server for others of its room to fetch.

import { DataBlob, DataBlobKey, DataTrackSchemaEncoding, DataTrackSchemaId, RequestResponse_Reason } from '@livekit/protocol';

import { room_client } from '../api/clients.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { Client, fresh_room } from './client.mjs';
import { MediaClient } from './media.mjs';

const kReason = RequestResponse_Reason;
const kLimits = { max_data_blobs_size: 1024, max_data_blob_key_length: 16 };

const generic = (value) => new DataBlobKey({ key: { case: 'generic', value } });
const schema = (name, custom) => {
  const encoding = new DataTrackSchemaEncoding({ value: { case: 'custom', value: custom } });
  return new DataBlobKey({ key: { case: 'schemaId', value: new DataTrackSchemaId({ name, encoding }) } });
};

let requests = 0;

// Sends a request and gives the answer to it, whichever it is.
async function ask(client, kind, value) {
  const requestId = (requests += 1);
  const from = client.log.length;
  client.send(kind, { requestId, ...value });
  const answers = [kind.replace('Request', 'Response'), 'requestResponse'];
  const mine = (one) => answers.includes(one.kind) && one.value.requestId === requestId;
  await client.fence();
  const found = client.log.slice(from).filter(mine);
  assert.equal(found.length, 1, `${kind}: ${client.log.slice(from).map((one) => one.kind)}`);
  const [{ kind: answer, value: reply }] = found;
  if (answer !== 'requestResponse') return reply;
  assert.equal(reply.request.case, undefined, 'a refusal repeats nothing');
  return [reply.reason, reply.message];
}
const store = (client, key, text) =>
  ask(client, 'storeDataBlobRequest', { blob: new DataBlob({ key, contents: Buffer.from(text) }) });
const get = (client, participantIdentity, key) => ask(client, 'getDataBlobRequest', { participantIdentity, key });
const contents = async (...args) => {
  const { blob } = await get(...args);
  return blob && Buffer.from(blob.contents).toString();
};

async function off_check(suite, server) {
  await suite.check('data blobs are off unless the configuration says so [SIG-20] [SIG-127] [TST-24]', async () => {
    const alice = await Client.join(suite, server, fresh_room('blobs'), 'alice');
    assert.deepEqual(await store(alice, generic('k'), 'x'), [kReason.NOT_ALLOWED, 'data blob not enabled']);
    assert.deepEqual(await get(alice, 'alice', generic('k')), [kReason.NOT_FOUND, 'data blob not found']);
  });
}

async function store_checks(suite, server) {
  for (const v1 of [false, true]) {
    await suite.check(`a blob is stored, replaced and fetched, ${v1 ? 'v1' : 'v0'} [SIG-20] [SIG-54] [SIG-127] [DT-07] [TST-24]`, async () => {
      const room = fresh_room('blobs');
      const alice = await Client.join(suite, server, room, 'alice', { v1 });
      const bob = await Client.join(suite, server, room, 'bob', { v1 });
      const stored = await store(alice, generic('k'), 'one');
      assert.equal(stored.key.key.value, 'k');
      await store(alice, schema('k', 'json'), 'other');
      const { blob } = await get(bob, 'alice', generic('k'));
      assert.deepEqual([blob.key.toJson(), Buffer.from(blob.contents).toString()], [{ generic: 'k' }, 'one']);
      assert.equal(await contents(bob, 'alice', schema('k', 'json')), 'other');
      assert.equal(await contents(alice, 'alice', generic('k')), 'one');
      await store(alice, generic('k'), 'two');
      assert.equal(await contents(bob, 'alice', generic('k')), 'two');
      const elsewhere = await Client.join(suite, server, fresh_room('blobs'), 'bob', { v1 });
      assert.deepEqual(await get(elsewhere, 'alice', generic('k')), [kReason.NOT_FOUND, 'participant not found']);
    });
  }

  await suite.check('blobs that cannot be stored or fetched: reason and words [SIG-20] [SIG-127] [DT-07]', async () => {
    const room = fresh_room('blobs');
    const alice = await Client.join(suite, server, room, 'alice');
    await Client.join(suite, server, room, 'bob');
    const invalid = (words) => [kReason.INVALID_REQUEST, words];
    const too_much = [kReason.LIMIT_EXCEEDED, 'async attribute definition exceeds limit'];
    const encoding = 'encoding identifier is empty or exceeds the maximum length';
    assert.deepEqual(await ask(alice, 'storeDataBlobRequest', {}), invalid('data blob is invalid'));
    assert.deepEqual(await store(alice, new DataBlobKey(), 'x'), invalid('data blob is invalid'));
    assert.deepEqual(await store(alice, generic('k'.repeat(17)), 'x'), invalid('data blob is invalid'));
    assert.deepEqual(await store(alice, schema('k', ''), 'x'), invalid(encoding));
    assert.deepEqual(await store(alice, generic('k'), ''), invalid('data blob is empty'));
    assert.deepEqual(await store(alice, generic('k'.repeat(16)), 'x'.repeat(1009)), too_much);
    assert.ok((await store(alice, generic('k'.repeat(16)), 'x'.repeat(1008))).key);
    assert.deepEqual(await store(alice, generic(''), 'x'), too_much);
    assert.deepEqual(await get(alice, 'bob', generic('k')), [kReason.NOT_FOUND, 'data blob not found']);
    assert.deepEqual(await get(alice, 'carol', generic('k')), [kReason.NOT_FOUND, 'participant not found']);
    assert.deepEqual(await get(alice, 'bob', undefined), invalid('data blob key is required'));
  });
}

async function life_checks(suite, server) {
  await suite.check('blobs outlive a connection that is lost, not the participant [SIG-127]', async () => {
    const room = fresh_room('blobs');
    const { client: alice } = await MediaClient.join(suite, server, room, 'alice');
    const bob = await Client.join(suite, server, room, 'bob');
    await store(alice, generic('k'), 'one');
    alice.destroy();
    assert.equal(await contents(bob, 'alice', generic('k')), 'one');
    const again = await alice.resume(server, room);
    suite.cleanup(() => again.destroy());
    assert.equal(await contents(again, 'alice', generic('k')), 'one');
    const anew = await Client.join(suite, server, room, 'alice');
    assert.deepEqual(await get(bob, 'alice', generic('k')), [kReason.NOT_FOUND, 'data blob not found']);
    await store(anew, generic('k'), 'two');
    const from = bob.log.length;
    anew.send('leave', {});
    await bob.told_of('alice', (info) => info.state === 3, { from });
    assert.deepEqual(await get(bob, 'alice', generic('k')), [kReason.NOT_FOUND, 'participant not found']);
  });

  await suite.check('blobs go along to another room [SIG-127] [API-12]', async () => {
    const [room, other] = [fresh_room('blobs'), fresh_room('blobs')];
    const alice = await MediaClient.join(suite, server, room, 'alice');
    const bob = await Client.join(suite, server, other, 'bob');
    await store(alice.client, generic('k'), 'one');
    await bob.fence();
    await room_client(server).moveParticipant(room, 'alice', other);
    await bob.told_of('alice');
    assert.equal(await contents(bob, 'alice', generic('k')), 'one');
    assert.equal(await contents(alice.client, 'alice', generic('k')), 'one');
  });
}

async function thread_check(suite) {
  await suite.check('blobs of rooms on several control threads [SIG-127]', async () => {
    const threaded = await start_server(suite, { enable_participant_data_blob: true, confab: { control_threads: 2 } });
    await Promise.all(Array.from({ length: 8 }, async (_, index) => {
      const room = fresh_room('blobs');
      const alice = await Client.join(suite, threaded, room, 'alice');
      const bob = await Client.join(suite, threaded, room, 'bob');
      await store(alice, generic('k'), `${index}`);
      assert.equal(await contents(bob, 'alice', generic('k')), `${index}`);
    }));
    await threaded.stop();
    threaded.forget();
  });
}

export async function blob_checks(suite, server) {
  const config = { enable_participant_data_blob: true, limit: kLimits, confab: { control_threads: 1 } };
  const keeping = await start_server(suite, config);
  await Promise.all([off_check(suite, server), store_checks(suite, keeping), life_checks(suite, keeping), thread_check(suite)]);
  await keeping.stop();
  keeping.forget();
}
