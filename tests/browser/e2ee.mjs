// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// End-to-end encryption by livekit-client's worker: who has the key sees, hears and reads, in each
// layer; who has another gets the packets and nothing out of them.

import { RoomServiceClient } from 'livekit-server-sdk';
import { Encryption_Type } from '@livekit/protocol';

import { KEY, SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Caller, meet } from './caller.mjs';

const kKey = 'the key of the call';
const kOther = 'another key';
const kPackets = 50;
const kMutes = 2;
const kLayered = { size: { width: 640, height: 360, fps: 12 }, bitrate: 400000, layers: [[160, 90, 60000, 12]] };

export async function e2ee_checks({ suite, server, address, browser }, v0) {
  const mode = v0 ? 'v0' : 'v1';
  const room = `e2ee-${mode}`;
  const join = async (identity, number, secret) => {
    const caller = await Caller.open(suite, browser, address, identity, number);
    await caller.join(server, room, { v0, secret });
    return caller;
  };

  await suite.check(`${mode}: with one key picture, tone, layers and data come through encryption, and mutes [SIG-100] [SIG-120] [MC-01] [MC-17] [TRAP-19]`, async () => {
    const [alice, bob] = [await join('alice', 1, kKey), await join('bob', 2, kKey)];
    await alice.call('publish_picture', kLayered);
    await bob.call('publish_picture');
    await Promise.all([alice, bob].map((caller) => caller.call('publish_tone')));
    await meet(alice, bob);
    const rooms = new RoomServiceClient(server.http, KEY, SECRET);
    const { tracks } = await rooms.getParticipant(room, 'alice');
    assert.deepEqual(tracks.map((track) => track.encryption), [Encryption_Type.GCM, Encryption_Type.GCM]);
    for (const [quality, width] of [['low', 160], ['high', 640]]) {
      await bob.call('quality', 'alice', quality);
      const shown = async () => (await bob.person(alice)).picture.width === width;
      await until(shown, { timeout: 20000, every: 100, what: `a picture ${width} wide` });
      await bob.sees(alice);
    }
    await alice.call('send', 'for us', { topic: 'secret' });
    assert.equal((await bob.received('for us')).from, 'alice');
    await wrong_key_checks(join, alice, bob);
    await mute_checks(alice, bob);
    await Promise.all([alice.close(), bob.close()]);
  }, { seconds: 90 });
}

const undecrypted = (caller) => caller.evaluate(() => window.caller.events.filter(({ name }) => name === 'encryptionError').length);

// What the server sends itself at a mute is not encrypted and says so: nobody takes it for a wrong key.
async function mute_checks(alice, bob) {
  for (let i = 0; i < kMutes; i += 1) {
    for (const what of ['picture', 'tone']) await alice.call('mute', what, true);
    await Promise.all([bob.sees_no_more(alice), bob.hears_nothing_of(alice)]);
    for (const what of ['picture', 'tone']) await alice.call('mute', what, false);
    await Promise.all([bob.sees(alice), bob.hears(alice)]);
  }
  assert.equal(await undecrypted(bob), 0, 'bob has errors of decryption');
}

// Eve gets everything and can read nothing; who has the key notices nothing of her.
async function wrong_key_checks(join, alice, bob) {
  const eve = await join('eve', 3, kOther);
  let transport;
  const received = async () => {
    transport = await eve.call('transport');
    const streams = [...transport.received, ...transport.sounds];
    return streams.length >= 4 && streams.every((one) => one.packets >= kPackets);
  };
  await until(received, { timeout: 20000, every: 200, what: () => `packets of four tracks: ${JSON.stringify(transport)}` });
  await alice.call('send', 'not for eve', {});
  await bob.received('not for eve');
  assert.ok(transport.received.every((one) => !one.frames), `eve decodes: ${JSON.stringify(transport.received)}`);
  for (const other of [alice, bob]) {
    const { picture, tone } = await eve.person(other);
    assert.equal(picture?.changes ?? 0, 0, `eve sees ${other.identity}`);
    assert.ok(tone === null, `eve hears ${tone} of ${other.identity}`);
  }
  const read = await eve.evaluate(() => window.caller.data.map((one) => one.text));
  assert.ok(!read.some((text) => text.includes('not for eve')), 'eve reads the data');
  await Promise.all([alice.sees(bob), bob.sees(alice)]);
  assert.ok((await undecrypted(eve)) > 0, 'eve is told of no error');
  await eve.close();
}
