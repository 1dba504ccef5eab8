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

async function back_up({ suite, server, address, browser }, { policy, number, able, v0 }) {
  const open = (who, index) => Caller.open(suite, browser, address, `${who}-${policy}`, number + index);
  const [from, modern, old] = [await open('from', 0), await open('modern', 1), await open('old', 2)];
  await leave_out(old, 'AV1');
  for (const caller of [from, modern]) await caller.join(server, policy, { v0 });
  await from.call('publish_picture', { codec: 'av1', ...kSmall, backup: policy });
  const codec = async (to) => {
    const streams = await to.call('inbound', from.identity, 'picture');
    // Of streams of which one is over, the one that goes on.
    const [newest] = streams.sort((a, b) => (b.lastPacketReceivedTimestamp ?? 0) - (a.lastPacketReceivedTimestamp ?? 0));
    return newest?.mime?.toLowerCase();
  };
  const takes = (to, wanted) => until(async () => (await codec(to)) === wanted, {
    timeout: 20000, every: 100, what: async () => `${to.identity} to take ${wanted}, takes ${await codec(to)}`,
  });
  await modern.sees(from);
  await takes(modern, 'video/av1');
  const encoded = async (mime) => (await from.call('transport')).sent.filter((one) => one.mime?.toLowerCase() === mime && one.frames > 0);
  assert.deepEqual(await encoded('video/vp8'), [], 'nobody needs it yet');
  await old.join(server, policy, { v0 });
  await Promise.all([takes(old, 'video/vp8'), takes(modern, able)]);
  await Promise.all([old.sees(from), modern.sees(from)]);
  const late = await open('late', 3);
  await late.join(server, policy, { v0 });
  await Promise.all([late.sees(from), takes(late, able), takes(old, 'video/vp8'), takes(modern, able)]);
  await Promise.all([from, modern, old, late].map((caller) => caller.close()));
}

export async function backup_codec_checks(place) {
  await place.suite.check('an AV1 picture comes in VP8 to who has no AV1; who has it keeps it, or moves as the publisher prefers [MC-15] [DYN-05]', async () => {
    await Promise.all(kPolicies.map((one) => back_up(place, one)));
  }, { seconds: 60 });
}
