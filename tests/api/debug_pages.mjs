// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// /debug/rooms: in development on the main port, on a port of its own in any mode, on no other.

import { networkInterfaces } from 'node:os';

import { free_port } from '../lib/ports.mjs';
import { start_server } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { fresh_name, room_client } from './clients.mjs';
import { exchange, get, join_claims, mint } from './requests.mjs';

const kGone = '404 404 page not found\n';
const kHere = '404 there is no such debug page here, only /debug/rooms\n';
const kOperator = kHere.replace('\n', ' and /debug/move\n'); // whoever gets here
const said = async (reply) => ((one) => `${one.status} ${one.text}`)(await reply);

// What the page tells of a room with one participant.
function assert_dump(text, name) {
  const dump = JSON.parse(text);
  const one = dump.find(({ room }) => room.name === name);
  assert.match(one.room.sid, /^RM_/);
  assert.deepEqual(one.participants.map(({ identity, state }) => `${identity} ${state}`), ['alice JOINED']);
  // What is private or secret is not told.
  assert.equal(one.room.turn_password, '');
  assert.ok(!text.includes('hush'), text);
}

async function fill(server, name) {
  await room_client(server).createRoom({ name, metadata: 'hush' });
  const options = { metadata: 'hush', attributes: { hush: 'hush' } };
  return SignalClient.join(server, name, 'alice', { v1: false, options });
}

export async function debug_page_checks(suite, server) {
  await suite.check('in development /debug/rooms on the main port lists rooms to who may list them [CON-09]', async () => {
    const name = fresh_name('debugged');
    const client = await fill(server, name);
    const lister = mint({ sub: 'a', video: { roomList: true } });
    const reply = await get(server, '/debug/rooms', { token: lister });
    assert.deepEqual([reply.status, reply.headers.get('content-type')], [200, 'application/json']);
    assert_dump(reply.text, name);
    for (const token of [undefined, mint(join_claims(name)), mint({ sub: 'a', video: { roomCreate: true } })]) {
      assert.equal(await said(get(server, '/debug/rooms', { token })), '401 permissions denied');
    }
    assert.equal(await said(get(server, '/debug/rooms', { token: 'nonsense' })), '401 invalid authorization token');
    assert.equal(await said(get(server, '/debug/pprof/heap', { token: lister })), kHere);
    client.destroy();
  });

  await suite.check('with the placeholder keys /debug/rooms is open [CON-09]', async () => {
    const open = await start_server(suite, { keys: {} }, { args: ['serve', '--dev'] });
    assert.equal(await said(get(open, '/debug/rooms')), '200 []');
    assert.equal(await said(get(open, '/debug/goroutine')), kOperator);
    await open.stop();
  });

  await suite.check('debug_handler.port serves it in any mode without a token, to this machine only [CON-09] [IMM-16] [OBS-21]', async () => {
    const port = await free_port();
    const closed = await start_server(suite, { debug_handler: { port } }, { args: ['serve'] });
    const name = fresh_name('debugged');
    const client = await fill(closed, name);
    const beside = { http: `http://127.0.0.1:${port}` };
    const reply = await get(beside, '/debug/rooms');
    assert.deepEqual([reply.status, reply.headers.get('content-type')], [200, 'application/json']);
    assert_dump(reply.text, name);
    assert.equal(await said(get(beside, '/debug/pprof/')), kOperator);
    assert.equal(await said(get(beside, '/')), kOperator);
    // The main port has none of it, whoever asks.
    const lister = mint({ sub: 'a', video: { roomList: true, roomAdmin: true, roomCreate: true } });
    for (const path of ['/debug', '/debug/rooms', '/debug/pprof/', '/debug/goroutine'])
      for (const token of [undefined, lister]) assert.equal(await said(get(closed, path, { token })), kGone, path);
    const others = Object.values(networkInterfaces()).flat().filter((one) => one.family === 'IPv4' && !one.internal);
    for (const { address } of [...others, { address: '127.0.0.2' }]) {
      await assert.rejects(exchange(port, 'GET /debug/rooms HTTP/1.1\r\n\r\n', address), /ECONNREFUSED/, address);
    }
    client.destroy();
    await closed.stop();
  });
}
