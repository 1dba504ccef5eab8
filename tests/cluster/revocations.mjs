// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Tokens that were revoked through one node: at the others, and after all of them were started anew.

import { refused, room_client } from '../api/clients.mjs';
import { Peer } from '../lib/rtc_peer.mjs';
import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { until } from '../lib/wait.mjs';
import { ask, kSdp } from '../whip/http.mjs';
import { offer } from '../whip/requests.mjs';
import { Nodes } from './nodes.mjs';

const seconds = () => BigInt(Math.floor(Date.now() / 1000));

async function validate(node, token) {
  const reply = await fetch(`${node.http}/rtc/validate?access_token=${token}`);
  return { status: reply.status, text: await reply.text() };
}

async function refused_at(node, token) {
  const { status, text } = await validate(node, token);
  assert.equal(status, 401, `${node.node}: ${text}`);
  assert.match(text, /token was revoked/);
  assert.equal((await ask(node, 'POST', { token, type: kSdp, body: offer() })).status, 401);
}

export async function revocation_checks(suite) {
  await suite.check('a token that one node revoked joins at none, and none that is started later [TOK-14] [API-05]', async () => {
    const nodes = await Nodes.start(suite, 2);
    const [one, two] = nodes.all;
    const tokens = {};
    for (const identity of ['alice', 'absent', 'bob']) tokens[identity] = await join_token('revoked', identity);
    const alice = await Peer.join(suite, one, 'revoked', 'alice', { token: tokens.alice });
    const away = nodes.other(nodes.holder('revoked'));
    const soon = seconds() + 1n;
    await room_client(away).removeParticipant('revoked', 'alice', { revokeTokenTs: soon });
    await refused(room_client(away).removeParticipant('revoked', 'absent', { revokeTokenTs: soon }), 'not_found', 404);
    await until(() => !alice.room.isConnected, { what: 'alice to be sent away' });
    for (const node of nodes.all) {
      await until(async () => (await validate(node, tokens.absent)).status === 401, { what: `${node.node} to hear of it` });
      await refused_at(node, tokens.alice);
      assert.equal((await validate(node, tokens.bob)).status, 200);
    }
    // A token of later is good.
    await until(() => seconds() >= soon, { what: 'the next second' });
    assert.equal((await validate(two, await join_token('revoked', 'alice'))).status, 200);
    await Promise.all([one.stop(), two.stop()]);
    const later = await nodes.add();
    await refused_at(later, tokens.alice);
    await refused_at(later, tokens.absent);
    assert.equal((await validate(later, tokens.bob)).status, 200);
    // Redis loses all: the node has it still, and so has the next one.
    nodes.redis.cli('DEL', 'confab_revocations');
    await nodes.redis.stop();
    await nodes.redis.run();
    await until(() => nodes.redis.cli('HLEN', 'confab_revocations') === '2', { timeout: 20000, what: 'what Redis lost' });
    await nodes.end();
  }, { seconds: 90 });
}
