// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Who speaks, as livekit-client tells its application: begun by a tone, ended by silence, mute,
// unpublishing and leaving. How soon is shown in virtual time (src/room/seam/speakers_seam_test.cc).

import { Caller } from './caller.mjs';

const kNobody = '';
const kEndings = [
  ['silence', (alice) => alice.call('fall_silent')],
  ['a mute', (alice) => alice.call('mute', 'tone', true)],
  ['unpublishing', (alice) => alice.call('unpublish', 'tone')],
  ['leaving', (alice) => alice.call('leave')],
];

export async function speaker_checks({ suite, server, address, browser }, v0) {
  const mode = v0 ? 'v0' : 'v1';
  await suite.check(`${mode}: silence, a mute, unpublishing and leaving each end speaking [IN-31] [SIG-134]`, async () => {
    // One alice for each ending, in a room of its own, all at once.
    await Promise.all(kEndings.map(async ([name, end], index) => {
      const room = `speakers-${mode}-${index}`;
      const alice = await Caller.open(suite, browser, address, 'alice', 2 * index + 1);
      const bob = await Caller.open(suite, browser, address, 'bob', 2 * index + 2);
      await alice.join(server, room, { v0 });
      await bob.join(server, room, { v0 });
      await alice.call('publish_tone');
      await bob.event('activeSpeakersChanged', { who: 'alice' });
      const since = Date.now();
      await end(alice);
      const ended = await bob.event('activeSpeakersChanged', { who: kNobody, since });
      console.log(`   ${name} after ${ended.at - since} ms`);
      await Promise.all([alice.close(), bob.close()]);
    }));
  }, { seconds: 60 });
}
