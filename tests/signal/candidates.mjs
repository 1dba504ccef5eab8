// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Candidates of both sides: when they come, what stands in them, and those that are none.

import { RequestResponse_Reason, SignalTarget } from '@livekit/protocol';

import { make_offer } from '../lib/sdp.mjs';
import { assert } from '../lib/suite.mjs';
import { Client, fresh_room } from './client.mjs';

const kModes = [['v0', false], ['v1', true]];

const place = (client, kind, match = () => true) => client.log.findIndex((one) => one.kind === kind && match(one.value));

export async function candidate_checks(suite, server) {
  await suite.check('candidates of the server come behind their description, complete, the last marked [SIG-03] [SIG-32]', async () => {
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
          assert.deepEqual([init.sdpMid, init.sdpMLineIndex], ['0', 0]);
        }
        const kinds = inits.map((one) => one.candidate.split(' ')[2]);
        assert.deepEqual(kinds, [...kinds].sort().reverse(), 'UDP is first');
        assert.ok(kinds.includes('udp') && kinds.includes('tcp'));
      }
      await alice.fence();
      assert.equal(alice.all('trickle', (one) => !targets.includes(one.target)).length, 0);
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
