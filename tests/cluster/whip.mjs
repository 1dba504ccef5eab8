// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Publishing by WHIP through a node that does not have the room.

import { assert } from '../lib/suite.mjs';
import { join_token } from '../lib/token.mjs';
import { sleep, until } from '../lib/wait.mjs';
import { browser_checks } from '../whip/browser.mjs';
import { ask, error_of, gone, kFragment, kSdp, people, rooms_of } from '../whip/http.mjs';
import { offer } from '../whip/requests.mjs';
import { linked, Nodes } from './nodes.mjs';

const kCandidate = 'a=mid:0\r\na=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\n';
const kRestart = 'a=ice-ufrag:efgh\r\na=ice-pwd:a-new-password-of-22-c\r\n';
const match = (tag) => ({ headers: { 'If-Match': tag } });

export async function whip_checks(suite, nodes) {
  await suite.check('WHIP: a session at another node is made, changed and ended through this one [RPC-23] [RPC-24] [CON-60] [CON-61]', async () => {
    const room = 'whip-requests';
    await rooms_of(nodes.all[0]).createRoom({ name: room, maxParticipants: 1, emptyTimeout: 60 });
    const holder = nodes.holder(room);
    const away = nodes.other(holder);
    const token = await join_token(room, 'encoder');
    const created = await ask(away, 'POST', { token, type: kSdp, body: offer() });
    assert.equal(created.status, 201, created.text);
    const location = created.headers.get('location');
    const etag = created.headers.get('etag');
    // Where media go: the same addresses as from the node itself.
    assert.equal((await people(away, room)).get('encoder').sid, location.split('/').at(-1));
    const candidates = (text) => [...text.matchAll(/a=candidate:.*? (\S+ \d+) typ/g)].map(([, address]) => address).sort();
    const from_holder = await ask(holder, 'POST', { token, type: kSdp, body: offer('ijkl') });
    assert.equal(from_holder.status, 201, from_holder.text);
    assert.deepEqual(candidates(created.text), candidates(from_holder.text));
    assert.equal((created.headers.get('link') ?? '').replace(/username=.*/, ''), (from_holder.headers.get('link') ?? '').replace(/username=.*/, ''));

    const change = { token, location: from_holder.headers.get('location'), type: kFragment };
    const tag = from_holder.headers.get('etag');
    const patch = (body, options) => ask(away, 'PATCH', { ...change, body, ...options });
    assert.equal((await patch(kCandidate, match(tag))).status, 204);
    const missing = await patch(kCandidate);
    assert.equal(missing.status, 428);
    assert.equal(error_of(missing), 'missing entity tag');
    const other = await patch(kCandidate, match(etag));
    assert.equal(other.status, 500);
    assert.equal(error_of(other), `ice session mismatch, expected: ${tag}, got: ${etag}`);
    const fragment = await patch('hello', match(tag));
    assert.equal(fragment.status, 400);
    assert.equal(error_of(fragment), 'invalid sdp fragment');
    const restarted = await patch(kRestart, match('*'));
    assert.equal(restarted.status, 200, restarted.text);
    assert.ok(restarted.text.includes(`a=ice-ufrag:${restarted.headers.get('etag')}\r\n`));

    const full = await ask(away, 'POST', { token: await join_token(room, 'second'), type: kSdp, body: offer() });
    assert.equal(full.status, 503, full.text);
    const stranger = await join_token(room, 'stranger');
    const nobody = await ask(away, 'DELETE', { ...change, token: stranger });
    assert.equal(nobody.status, 404);
    assert.equal(error_of(nobody), 'participant does not exist');
    assert.equal((await ask(away, 'DELETE', change)).status, 200);
    await gone(away, room, 'encoder');
    assert.equal((await ask(away, 'DELETE', change)).status, 404);
  });

  await browser_checks(suite, nodes.all[0], {
    through: (room) => nodes.other(nodes.holder(room)),
    who: 'WHIP: Chromium through a node without the room',
    rows: ' [RPC-23] [RPC-24]',
  });

  for (const [name, node_links] of [['a session elsewhere at once', true], ['without links 503 with the reason, and a session elsewhere within seconds', false]]) {
    await suite.check(`WHIP: the node of the room is killed: ${name} [RPC-23] [NODE-24]`, async () => {
      const own = await Nodes.start(suite, 2, { confab: { node_links, metrics_enabled: true } });
      if (node_links) await linked(own);
      const room = 'whip-death';
      const token = await join_token(room, 'encoder');
      const post = (node) => ask(node, 'POST', { token, type: kSdp, body: offer() });
      assert.equal((await post(own.all[0])).status, 201);
      const holder = own.holder(room);
      const away = own.other(holder);
      holder.signal('SIGKILL');
      await sleep(500);
      const first = await post(away);
      if (node_links) {
        assert.equal(first.status, 201, first.text);
      } else {
        assert.equal(first.status, 503, first.text);
        assert.equal(error_of(first), 'no response from servers');
        await until(async () => (await post(away)).status === 201, { timeout: 20000, what: 'a session at the node that lives' });
      }
      assert.equal(own.redis.cli('HGET', 'room_node_map', room), away.node);
      await own.end();
    }, { seconds: 60 });
  }
}
