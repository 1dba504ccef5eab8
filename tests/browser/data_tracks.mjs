// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Data tracks of livekit-client, and who may have them: the right to subscribe taken and given
// back, the publisher's access list. A third page that may have them all the time shows that the
// frames go on.

import { RoomServiceClient } from 'livekit-server-sdk';

import { KEY, SECRET } from '../lib/server.mjs';
import { until } from '../lib/wait.mjs';
import { Caller } from './caller.mjs';

const kFrames = 20;

const frames = (caller) => caller.evaluate(() => window.caller.frames.alice);

async function reads(caller, count = kFrames) {
  const begin = await frames(caller);
  let now;
  const more = async () => (now = await frames(caller)) >= begin + count;
  await until(more, { timeout: 10000, what: () => `${caller.identity} to get frames: ${begin}, ${now}` });
}

// None comes to `caller` while `witness` gets many.
async function reads_no_more(caller, witness) {
  await until(async () => {
    const begin = await frames(caller);
    await reads(witness);
    return (await frames(caller)) === begin;
  }, { timeout: 10000, what: () => `frames for ${caller.identity} to end` });
}

export async function data_track_checks({ suite, server, address, browser }, v0) {
  const mode = v0 ? 'v0' : 'v1';
  const room = `data-tracks-${mode}`;
  const rooms = new RoomServiceClient(server.http, KEY, SECRET);
  const may_subscribe = (identity, canSubscribe) => {
    const permission = { canSubscribe, canPublish: true, canPublishData: true };
    return rooms.updateParticipant(room, identity, { permission });
  };

  await suite.check(`${mode}: a data track follows the right to subscribe and the publisher's access list [SIG-10] [SIG-42] [SIG-112]`, async () => {
    const [alice, bob, carol] = await Promise.all(
      ['alice', 'bob', 'carol'].map((name, index) => Caller.open(suite, browser, address, name, index + 1)));
    for (const caller of [alice, bob, carol]) await caller.join(server, room, { v0 });
    await alice.call('publish_data_track', 'position');
    for (const caller of [bob, carol]) {
      await until(() => caller.call('knows_data_track', 'alice'), { what: `${caller.identity} to know the track` });
      await caller.call('read_data_track', 'alice');
    }
    await Promise.all([reads(bob), reads(carol)]);

    await may_subscribe('bob', false);
    await reads_no_more(bob, carol);
    await may_subscribe('bob', true);
    await reads(bob);

    await alice.call('allow_only', ['carol']);
    await reads_no_more(bob, carol);
    await alice.call('allow_only', ['carol', 'bob']);
    await reads(bob);
    await Promise.all([alice, bob, carol].map((caller) => caller.close()));
  }, { seconds: 60 });
}
