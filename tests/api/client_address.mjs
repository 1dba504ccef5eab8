// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The address of a client behind proxies, as the log of its connection tells it.

import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { fresh_name } from './clients.mjs';

// The line of the connection to that room.
function logged(server, room) {
  const find = () => server.log.split('\n').find((one) => one.includes('signal connection') && one.includes(`room="${room}"`));
  return until(find, { what: `the log of ${room}` });
}

export async function address_checks(suite, server) {
  await suite.check('the client address: CF-Connecting-IP, X-Forwarded-For as it is, X-Real-IP, the socket [CON-08]', async () => {
    const cases = [
      [{ 'CF-Connecting-IP': '203.0.113.1', 'X-Forwarded-For': '203.0.113.2', 'X-Real-IP': '203.0.113.3' }, '203.0.113.1'],
      [{ 'X-Forwarded-For': '203.0.113.2, 10.0.0.1', 'X-Real-IP': '203.0.113.3' }, '203.0.113.2, 10.0.0.1'],
      [{ 'X-Real-IP': '203.0.113.3' }, '203.0.113.3'],
      [{}, '127.0.0.1'],
      [{ 'CF-Connecting-IP': '', 'X-Real-IP': '203.0.113.4' }, '203.0.113.4'],
    ];
    for (const [headers, address] of cases) {
      const room = fresh_name('address');
      const client = await SignalClient.join(server, room, 'caller', { headers });
      const line = await logged(server, room);
      assert.ok(line.includes(`address="${address}"`), line);
      client.destroy();
    }
  });

  await suite.check('an address that would break a line of the log does not [CON-08]', async () => {
    const room = fresh_name('forged');
    const headers = { 'X-Forwarded-For': `1.2.3.4" room="other" ${'x'.repeat(2000)}` };
    const client = await SignalClient.join(server, room, 'caller', { headers });
    const line = await logged(server, room);
    assert.ok(line.length < 600, `${line.length} characters`);
    assert.ok(!/ room="other"/.test(line.replaceAll('\\"', '')), line.slice(0, 300));
    client.destroy();
  });
}
