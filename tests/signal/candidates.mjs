// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Candidates of both sides: when they come, what stands in them, and those that are none.

import { RequestResponse_Reason, SignalTarget } from '@livekit/protocol';

import { ice_of, make_offer, random_ice } from '../lib/sdp.mjs';
import { assert } from '../lib/suite.mjs';
import { Client, fresh_room } from './client.mjs';

// RFC 8445 §5.1.2.1 with component 1; TCP as RFC 6544 has it, passive.
const kPriority = { udp: 2130706431, tcp: 1671430143 };
const kModes = [['v0', false], ['v1', true]];

const place = (client, kind, match = () => true) => client.log.findIndex((one) => one.kind === kind && match(one.value));

export async function candidate_checks(suite, server) {
  await suite.check('candidates of the server come behind their description, complete, the last marked, anew with each ICE restart [SIG-03] [SIG-32] [ICE-07] [ICE-13]', async () => {
    for (const [mode, v1] of kModes) {
      const alice = await Client.join(suite, server, fresh_room('sdp'), 'alice', { v1 });
      alice.send('offer', { type: 'offer', sdp: make_offer([]), id: 1 });
      const targets = v1 ? [SignalTarget.PUBLISHER] : [SignalTarget.PUBLISHER, SignalTarget.SUBSCRIBER];
      for (const target of targets) {
        await alice.told('trickle', (one) => one.target === target && one.final);
        const mine = alice.all('trickle', (one) => one.target === target);
        assert.deepEqual(mine.map((one) => one.final), mine.map((_, index) => index + 1 === mine.length), mode);
        const behind = place(alice, target === SignalTarget.PUBLISHER ? 'answer' : 'offer');
        assert.ok(behind >= 0 && behind < place(alice, 'trickle', (one) => one.target === target), 'a candidate came first');
        const { ufrag } = /a=ice-ufrag:(?<ufrag>\S+)/.exec(alice.log[behind].value.sdp).groups;
        const inits = mine.map((one) => JSON.parse(one.candidateInit));
        for (const init of inits) {
          assert.match(init.candidate, new RegExp(`^candidate:\\S+ 1 (udp|tcp) \\d+ \\S+ \\d+ typ host (tcptype passive )?ufrag ${ufrag}$`));
          assert.deepEqual([init.sdpMid, init.sdpMLineIndex, init.usernameFragment], ['0', 0, null]);
          const [, , transport, priority] = init.candidate.split(' ');
          assert.equal(Number(priority), kPriority[transport]);
        }
        const kinds = inits.map((one) => one.candidate.split(' ')[2]);
        assert.deepEqual(kinds, [...kinds].sort().reverse(), 'UDP is first');
        assert.ok(kinds.includes('udp') && kinds.includes('tcp'));
      }
      await alice.fence();
      assert.equal(alice.all('trickle', (one) => !targets.includes(one.target)).length, 0);
      const from = alice.log.length;
      const again = (id, ice) => alice.send('offer', { type: 'offer', sdp: make_offer([], ice), id });
      const same = random_ice();
      again(2, same);
      await alice.told('trickle', (one) => one.target === SignalTarget.PUBLISHER && one.final, { from });
      const { ufrag } = ice_of(alice.all('answer').at(-1).sdp);
      assert.notEqual(ufrag, ice_of(alice.all('answer')[0].sdp).ufrag);
      const anew = alice.all('trickle', (one) => one.target === SignalTarget.PUBLISHER, from).map((one) => JSON.parse(one.candidateInit).candidate);
      assert.ok(anew.every((one) => one.endsWith(` ufrag ${ufrag}`)), mode);
      again(3, same);
      await alice.told('answer', (one) => one.id === 3);
      await alice.fence();
      assert.equal(alice.all('trickle', (one) => one.target === SignalTarget.PUBLISHER, from).length, anew.length, 'candidates without a restart');
      alice.destroy();
    }
  });

  await suite.check('a candidate that cannot be read is refused and echoed, an empty one is the end [SIG-03]', async () => {
    for (const [, v1] of kModes) {
      const alice = await Client.join(suite, server, fresh_room('sdp'), 'alice', { v1 });
      for (const candidateInit of ['', 'no JSON', '{"candidate":']) {
        const { reason, message, request } = await alice.answer_to('trickle', { candidateInit, target: SignalTarget.PUBLISHER });
        assert.equal(reason, RequestResponse_Reason.UNCLASSIFIED_ERROR, candidateInit);
        assert.ok(message.length > 0);
        assert.equal(request.case, 'trickle');
        assert.equal(request.value.candidateInit, candidateInit);
      }
      const from = alice.log.length;
      alice.send('trickle', { candidateInit: '{"candidate":""}', target: SignalTarget.PUBLISHER });
      await alice.fence();
      assert.equal(alice.all('requestResponse', (one) => one.request.case === 'trickle', from).length, 0);
      alice.destroy();
    }
  });
}
