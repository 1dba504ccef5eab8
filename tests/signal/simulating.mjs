// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Failures that a client asks for, to test itself.

import { LeaveRequest_Action } from '@livekit/protocol';

import { assert } from '../lib/suite.mjs';
import { Client, fresh_room, refusal } from './client.mjs';

const kReason = { SERVER_SHUTDOWN: 3 };

const scenario = (name, value = true) => ({ scenario: { case: name, value } });

// What becomes of who simulates it, and what the others are told.
async function simulated(suite, server, name, settings) {
  const room = fresh_room('simulate');
  const watcher = await Client.join(suite, server, room, 'watcher');
  const alice = await Client.join(suite, server, room, 'alice', settings);
  alice.send('simulate', scenario(name));
  const { code, leave } = await alice.ended();
  const gone = await watcher.told_of('alice', (one) => one.state === 3);
  watcher.destroy();
  return { code, leave, gone };
}

export async function simulating_checks(suite, server) {
  await suite.check('simulated ends: with a leave by the server, without one as from a dead node [SIG-12] [SIG-171] [SIG-172] [SIG-152]', async () => {
    const names = ['nodeFailure', 'serverLeave'];
    const [node, server_leave] = await Promise.all(names.map((name) => simulated(suite, server, name)));
    assert.deepEqual([node.code, node.leave, node.gone.disconnectReason], [1000, undefined, kReason.SERVER_SHUTDOWN]);
    assert.equal(server_leave.code, 1000);
    assert.deepEqual([server_leave.leave.action, server_leave.leave.reason], [LeaveRequest_Action.DISCONNECT, kReason.SERVER_SHUTDOWN]);
    const alice = await Client.join(suite, server, fresh_room('simulate'), 'alice');
    alice.send('simulate', {});
    await alice.fence();
    assert.ok(alice.open);
  });

  await suite.check('leave_request_full_reconnect is a leave to reconnect [SIG-176] [SIG-12]', async () => {
    const { code, leave } = await simulated(suite, server, 'leaveRequestFullReconnect');
    assert.deepEqual([code, leave.action], [1000, LeaveRequest_Action.RECONNECT]);
  });

  await suite.check('ESP32, which never comes back after a leave, is told to by the end of its connection [SIG-143]', async () => {
    const esp32 = { query: { sdk: 'esp32', protocol: '1', version: '0.3.10' } };
    const names = ['leaveRequestFullReconnect', 'serverLeave'];
    const [back, over] = await Promise.all(names.map((name) => simulated(suite, server, name, esp32)));
    assert.deepEqual([back.code, back.leave], [1000, undefined]);
    assert.deepEqual([over.leave.canReconnect, over.leave.reason], [false, kReason.SERVER_SHUTDOWN]);
  });

  await suite.check('Android, whose OkHttp reads nothing behind a close frame, is sent none when it is to come back [SIG-145] [SIG-176]', async () => {
    const android = { query: { sdk: 'android', protocol: '17', version: '2.27.0' } };
    const names = ['leaveRequestFullReconnect', 'serverLeave'];
    const [back, over] = await Promise.all(names.map((name) => simulated(suite, server, name, android)));
    assert.deepEqual([back.code, back.leave.action], [undefined, LeaveRequest_Action.RECONNECT]);
    assert.deepEqual([over.code, over.leave.action], [1000, LeaveRequest_Action.DISCONNECT]);
    const { client } = await Client.ask(server, fresh_room('gone'), 'alice', { query: { ...android.query, reconnect: '1', sid: 'PA_gone' } });
    const { code, leave } = await client.ended();
    assert.deepEqual([code, leave.action], [undefined, LeaveRequest_Action.RECONNECT]);
  });

  await suite.check('disconnect_signal_on_resume: the next resume ends behind its first messages, or at the upgrade; once [SIG-175]', async () => {
    const room = fresh_room('simulate');
    const alice = await Client.join(suite, server, room, 'alice');
    alice.send('simulate', scenario('disconnectSignalOnResume'));
    await alice.fence();
    const cut = await alice.resume(server, room);
    const { code, leave } = await cut.ended();
    assert.deepEqual([code, leave], [1000, undefined]);
    assert.deepEqual(cut.log.map((one) => one.kind), ['reconnect', 'update', 'roomUpdate']);
    const again = await alice.resume(server, room);
    await again.told('offer');
    again.send('simulate', scenario('disconnectSignalOnResumeNoMessages'));
    await again.fence();
    const query = { reconnect: '1', sid: alice.sid };
    const { status, body } = await refusal(server, room, 'alice', { query });
    assert.equal(`${status} ${body}`, '500 connection closed by media');
    const last = await again.resume(server, room);
    suite.cleanup(() => last.destroy());
    await last.told('offer');
    await last.fence();
    assert.ok(last.open);
  });
}
