// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Alice, who has much to say to all, Bob behind a proxy, and Carol.

import { MediaProxy } from '../lib/media_proxy.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { until } from '../lib/wait.mjs';

export const kBytes = 50000;
const kFilling = 'x'.repeat(kBytes);

export const numbers = (peer, topic) => peer.data.filter((one) => one.topic === topic).map((one) => parseInt(one.text, 10));
export const range = (count) => [...Array(count).keys()];

export async function trio(suite, server, name, mode) {
  const proxy = await MediaProxy.start(suite, server);
  const room = `${name}-${mode.label}`;
  const alice = await Peer.join(suite, server, room, 'alice', { number: 1, single: mode.single });
  const bob = await Peer.join(suite, { ws: proxy.ws }, room, 'bob', { number: 2, single: mode.single });
  const carol = await Peer.join(suite, server, room, 'carol', { number: 3, single: mode.single });
  const all = [alice, bob, carol];
  await until(() => all.every((peer) => peer.room.remoteParticipants.size === 2), { what: 'everybody to know everybody' });
  await say(alice, 'first', '0');
  await until(() => [bob, carol].every((peer) => numbers(peer, 'first').length === 1), { what: 'the first message' });
  return { proxy, alice, bob, carol, leave: () => Promise.all(all.map((peer) => peer.leave())) };
}

export const say = (peer, topic, text) => peer.local.publishData(new TextEncoder().encode(text), { reliable: true, topic });

export async function send_all(alice, count) {
  for (let index = 0; index < count; ++index) await say(alice, 'bulk', `${index} ${kFilling}`);
}

export const have = (peer, count) =>
  until(() => numbers(peer, 'bulk').length >= count, {
    timeout: 60000,
    what: () => `${count} messages at ${peer.identity}, there are ${numbers(peer, 'bulk').length}`,
  });
