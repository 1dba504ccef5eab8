// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Attributes, permissions, refused tokens, reconnecting, duplicate identities.

import { ConnectionState, DisconnectReason, RoomEvent, SimulateScenarioKind } from '@livekit/rtc-node';

import { kStuckTries, Peer } from '../lib/rtc_peer.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';

const kReconnectMillis = 20000;

export async function session_checks(suite, server, { single, label }) {
  const room = `session-${label}`;
  const join = (options) => Peer.join(suite, server, room, 'alice', { number: 1, single, options });
  let alice;
  let bob;
  const joined = await suite.check(`${label}: join with name, metadata and attributes [TOK-03] [SIG-130]`, async () => {
    const options = { name: 'Alice', metadata: 'meta', attributes: { seat: '1' } };
    alice = await join(options);
    bob = await Peer.join(suite, server, room, 'bob', { number: 2, single });
    const seen = await until(() => bob.remote('alice'));
    assert.equal(seen.name, 'Alice');
    assert.equal(seen.metadata, 'meta');
    assert.deepEqual({ ...seen.attributes }, { seat: '1' });
  }, { needed: true });
  if (!joined) return;
  await attribute_checks(suite, label, alice, bob);
  alice = await reconnect_checks(suite, label, alice, bob, join);
  await refusal_checks(suite, server, { room, single, label }, bob);
  await Promise.all([alice.leave(), bob.leave()]);
}

async function attribute_checks(suite, label, alice, bob) {
  await suite.check(`${label}: own attributes, name and metadata change for others [SIG-130]`, async () => {
    await alice.local.setAttributes({ seat: '2', hand: 'up' });
    await alice.local.updateName('Alicia');
    // The client sends its name with the metadata, and may still think of the one before although it has the answer.
    await until(() => alice.local.name === 'Alicia', { timeout: 5000, what: () => `the own name, is ${alice.local.name}` });
    await alice.local.updateMetadata('new');
    const seen = () => bob.remote('alice');
    const settled = () => seen().attributes.hand === 'up' && seen().name === 'Alicia' && seen().metadata === 'new';
    await until(settled, { timeout: 5000, what: () => JSON.stringify([seen().attributes, seen().name]) });
    assert.equal(seen().attributes.seat, '2');
    await alice.local.setAttributes({ hand: '' });
    await until(() => !seen().attributes.hand, { timeout: 5000, what: 'the attribute to go' });
  });
}

// The scenarios a client can ask the server for, with what each must lead to.
const kScenarios = [
  ['the signal connection cut', SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT, '[SIG-160] [SIG-161]'],
  ['the node failing', SimulateScenarioKind.SIMULATE_NODE_FAILURE, '[SIG-162] [SIG-171]'],
  ['the media forced to TCP', SimulateScenarioKind.SIMULATE_FORCE_TCP, '[SIG-173]'],
];

// `join` gives another alice in the place of one whose client got stuck (Peer.full_reconnect); the last one
// is given back.
async function reconnect_checks(suite, label, alice, bob, join) {
  const publish = (peer) => Promise.all([peer.publish_picture(), peer.publish_tone()]);
  const both_ways = () => Promise.all([bob.sees(alice), alice.sees(bob), bob.hears(alice), alice.hears(bob)]);
  const node_fails = async () => {
    for (let tries = 1; !(await alice.full_reconnect(kReconnectMillis)); ++tries) {
      assert.ok(tries < kStuckTries, 'the client got stuck each time');
      alice = await join();
      await publish(alice);
      await both_ways();
    }
  };

  await suite.check(`${label}: picture and tone before reconnecting [SIG-100]`, async () => {
    await Promise.all([publish(alice), publish(bob)]);
    await both_ways();
  }, { needed: true });

  for (const [what, scenario, rows] of kScenarios) {
    await suite.check(`${label}: after ${what} pictures and tones go on both ways ${rows}`, async () => {
      const since = Date.now();
      if (scenario === SimulateScenarioKind.SIMULATE_NODE_FAILURE) await node_fails();
      else await alice.room.simulateScenario(scenario);
      if (scenario === SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT) {
        await alice.event(RoomEvent.Reconnected, () => true, { timeout: kReconnectMillis, since });
      }
      const timeout = kReconnectMillis;
      await Promise.all([bob.sees(alice, { timeout }), alice.sees(bob, { timeout })]);
      await Promise.all([bob.hears(alice, { timeout }), alice.hears(bob, { timeout })]);
      // A picture of before the scenario may have been enough so far.
      const connected = () => alice.room.connectionState === ConnectionState.CONN_CONNECTED;
      await until(connected, { timeout, what: () => `a connection, is ${alice.room.connectionState}` });
      if (scenario === SimulateScenarioKind.SIMULATE_FORCE_TCP) {
        const tcp = async () => (await alice.protocols()).every((protocol) => protocol === 'tcp');
        await until(tcp, { timeout, every: 200, what: async () => `tcp, is ${await alice.protocols()}` });
        await Promise.all([bob.sees(alice, { timeout }), alice.sees(bob, { timeout })]);
      }
    }, { seconds: 90 });
  }
  return alice;
}

async function refusal_checks(suite, server, { room, single, label }, bob) {
  const refused = async (token) => {
    const promise = Peer.join(suite, server, room, 'mallory', { single, token });
    return promise.then(() => assert.fail('joined'), (error) => error);
  };

  await suite.check(`${label}: forged, expired and foreign tokens are refused [CON-21] [CON-32] [CON-34]`, async () => {
    const tokens = [
      [/401.*signature is invalid/, { secret: 'x'.repeat(40) }],
      [/401.*token is expired/, { options: { ttl: -600 } }],
      [/401.*permissions denied/, { grant: { roomJoin: false } }],
    ];
    for (const [reason, made] of tokens) {
      const error = await refused(await join_token(room, 'mallory', made));
      assert.match(error.message, reason);
    }
    assert.ok(!bob.remote('mallory'));
  });

  await suite.check(`${label}: without the right to publish nothing is published [SIG-101] [TOK-11]`, async () => {
    const guest = await Peer.join(suite, server, room, 'guest', { number: 9, single, grant: { canPublish: false } });
    const outcome = await guest.publish_picture().then(() => 'published', (error) => error.message);
    assert.notEqual(outcome, 'published');
    await guest.sees(bob);
    assert.equal(bob.pictures.get('guest'), undefined);
    assert.equal(bob.remote('guest')?.trackPublications.size ?? 0, 0);
    await guest.leave();
  });

  await suite.check(`${label}: a second join with one identity ends the first [SIG-142] [SID-05]`, async () => {
    const first = await Peer.join(suite, server, room, 'twin', { number: 5, single });
    const second = await Peer.join(suite, server, room, 'twin', { number: 6, single });
    await first.event(RoomEvent.Disconnected, (reason) => reason === DisconnectReason.DUPLICATE_IDENTITY);
    await second.sees(bob);
    await second.leave();
  });
}
