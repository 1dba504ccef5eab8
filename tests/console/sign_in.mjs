// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Who may in, as what; what nobody may.

import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { kOperator, kViewer, Visitor } from './visitor.mjs';

export async function sign_in_checks(suite, server) {
  await suite.check('sign-in: an API key with its secret, and either password', async () => {
    for (const [body, role, name] of [
      [{ key: KEY, secret: SECRET }, 'operator', KEY],
      [{ password: kOperator }, 'operator', 'operator'],
      [{ password: kViewer }, 'viewer', 'viewer'],
    ]) {
      const visitor = await Visitor.signed_in(server, body);
      const who = await visitor.get('session');
      assert.deepEqual([who.role, who.name], [role, name]);
      assert.ok(who.expires_at > Date.now() + 11 * 3600e3 && who.expires_at < Date.now() + 13 * 3600e3);
    }
  });

  await suite.check('sign-in: the cookie is for this site and no script; signing out ends it', async () => {
    const visitor = new Visitor(server);
    const { headers } = await visitor.ask('POST', 'session', { password: kViewer });
    assert.match(headers.get('set-cookie'), /^confab_console=[^;]+; Path=\/console; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    const kept = visitor.cookie;
    assert.equal((await visitor.ask('DELETE', 'session')).status, 200);
    visitor.cookie = kept;
    assert.equal((await visitor.ask('GET', 'overview')).status, 401);
  });

  await suite.check('sign-in: without a session there is nothing, viewers do not act, forms of other sites neither', async () => {
    const nobody = new Visitor(server);
    for (const page of ['overview', 'rooms', 'config', 'events', 'nowhere']) assert.equal((await nobody.ask('GET', page)).status, 401, page);
    const viewer = await Visitor.signed_in(server, { password: kViewer });
    assert.equal((await viewer.ask('POST', 'call/RoomService/CreateRoom', { name: 'no' })).status, 403);
    const operator = await Visitor.signed_in(server, { password: kOperator });
    assert.equal((await operator.ask('POST', 'call/RoomService/CreateRoom', { name: 'no' }, {})).status, 403);
    const asked = await fetch(`${server.http}/console/api/session`, {
      method: 'OPTIONS', headers: { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'x-confab-console' },
    });
    assert.equal(asked.status, 403);
    assert.equal(asked.headers.get('access-control-allow-origin'), null);
    assert.equal((await viewer.get('rooms?search=no')).total, 0);
  });

  await suite.check('sign-in: wrong secrets have one answer, and a few tries a minute', async () => {
    const other = await start_server(suite, { confab: { console_password: kOperator } });
    const visitor = new Visitor(other);
    const said = new Set();
    for (const body of [{ password: 'guess' }, { password: '' }, { key: KEY, secret: 'guess' }, { key: 'nokey', secret: SECRET }, { password: kViewer }]) {
      const { status, json } = await visitor.ask('POST', 'session', body);
      assert.equal(status, 401);
      said.add(json.error);
    }
    assert.equal(said.size, 1);
    const { status, headers } = await visitor.ask('POST', 'session', { password: kOperator });
    assert.equal(status, 429);
    assert.ok(Number(headers.get('retry-after')) >= 1);
    await other.stop();
  });
}
