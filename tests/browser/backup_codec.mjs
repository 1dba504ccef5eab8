// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A picture in AV1 and somebody who has no AV1: the publisher begins to send VP8, too. Who has AV1
// keeps it, or is moved to VP8 where the publisher prefers to send one codec.

import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';
import { leave_out } from './fewer_codecs.mjs';

const kSmall = { size: { width: 320, height: 180, fps: 10 }, bitrate: 200000 };
const kPolicies = [
  { policy: 'SIMULCAST', number: 20, able: 'video/av1', v0: false },
  { policy: 'REGRESSION', number: 24, able: 'video/vp8', v0: true },
];

const codec_of = async (to, from) => {
  const streams = await to.call('inbound', from.identity, 'picture');
  // Of streams of which one is over, the one that goes on.
  const [newest] = streams.sort((a, b) => (b.lastPacketReceivedTimestamp ?? 0) - (a.lastPacketReceivedTimestamp ?? 0));
  return newest?.mime?.toLowerCase();
};
const takes = (to, from, wanted) => until(async () => (await codec_of(to, from)) === wanted, {
  timeout: 20000, every: 100, what: async () => `${to.identity} to take ${wanted}, takes ${await codec_of(to, from)}`,
});

async function back_up({ suite, server, address, browser }, { policy, number, able, v0 }) {
  const open = (who, index) => Caller.open(suite, browser, address, `${who}-${policy}`, number + index);
  const [from, modern, old] = [await open('from', 0), await open('modern', 1), await open('old', 2)];
  await leave_out(old, 'AV1');
  for (const caller of [from, modern]) await caller.join(server, policy, { v0 });
  await from.call('publish_picture', { codec: 'av1', ...kSmall, backup: policy });
  await modern.sees(from);
  await takes(modern, from, 'video/av1');
  const encoded = async (mime) => (await from.call('transport')).sent.filter((one) => one.mime?.toLowerCase() === mime && one.frames > 0);
  assert.deepEqual(await encoded('video/vp8'), [], 'nobody needs it yet');
  await old.join(server, policy, { v0 });
  await Promise.all([takes(old, from, 'video/vp8'), takes(modern, from, able)]);
  await Promise.all([old.sees(from), modern.sees(from)]);
  const late = await open('late', 3);
  await late.join(server, policy, { v0 });
  await Promise.all([late.sees(from), takes(late, from, able), takes(old, from, 'video/vp8'), takes(modern, from, able)]);
  await Promise.all([from, modern, old, late].map((caller) => caller.close()));
}

// The page sends VP8 and agreed on VP9, too; nobody has a section for that.
async function change({ suite, server, address, browser }, v0) {
  const room = `changed-${v0 ? 'v0' : 'v1'}`;
  const [from, to, late] = await Promise.all(['from', 'to', 'late'].map((who, index) => (
    Caller.open(suite, browser, address, `${who}-${room}`, 28 + 3 * Number(v0) + index))));
  for (const caller of [from, to]) await caller.join(server, room, { v0 });
  await from.call('publish_picture', kSmall);
  await to.sees(from);
  await takes(to, from, 'video/vp8');
  await from.call('change_encoder', 'video/VP9');
  await takes(to, from, 'video/vp9');
  await to.sees(from);
  await late.join(server, room, { v0 });
  await Promise.all([late.sees(from), takes(late, from, 'video/vp9')]);
  await from.call('change_encoder', 'video/VP8');
  await Promise.all([to, late].map((caller) => takes(caller, from, 'video/vp8')));
  await Promise.all([to.sees(from), late.sees(from)]);
  await Promise.all([from, to, late].map((caller) => caller.close()));
}

export async function backup_codec_checks(place) {
  await place.suite.check('an encoder goes on in another codec without an offer: who watches sees it go on, and back [IN-09] [IN-12]', async () => {
    await Promise.all([false, true].map((v0) => change(place, v0)));
  }, { seconds: 60 });
  await place.suite.check('an AV1 picture comes in VP8 to who has no AV1; who has it keeps it, or moves as the publisher prefers [MC-15] [DYN-05]', async () => {
    await Promise.all(kPolicies.map((one) => back_up(place, one)));
  }, { seconds: 60 });
}
