// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Who speaks, as a listener is told: begun by sound, ended by silence, mute, unpublishing and
// leaving. How soon is shown in virtual time (src/room/seam/speakers_seam_test.cc).

import { RoomEvent } from '@livekit/rtc-node';

import { room_client } from '../api/clients.mjs';
import { Peer } from '../lib/rtc_peer.mjs';

const spoken = (speakers) => speakers.some((who) => who.identity === 'alice');

export async function speaker_checks(suite, server, { single, label }) {
  const endings = [
    ['silence', ({ tone }) => tone.set_volume(0)],
    ['a mute', ({ room, tone }) => room_client(server).mutePublishedTrack(room, 'alice', tone.publication.sid, true)],
    ['unpublishing', ({ tone }) => tone.stop()],
    ['leaving', ({ alice }) => alice.leave()],
  ];
  for (const [index, [name, end]] of endings.entries()) {
    await suite.check(`${label}: ${name} ends speaking [IN-31] [SIG-134]`, async () => {
      const room = `speakers-${label}-${index}`;
      const alice = await Peer.join(suite, server, room, 'alice', { number: 1, single });
      const bob = await Peer.join(suite, server, room, 'bob', { number: 2, single });
      const tone = await alice.publish_tone();
      const begun = await bob.event(RoomEvent.ActiveSpeakersChanged, spoken);
      await end({ room, alice, tone });
      await bob.event(RoomEvent.ActiveSpeakersChanged, (speakers) => !spoken(speakers), { since: begun.at });
      await Promise.all([alice.leave(), bob.leave()]);
    });
  }
}
