// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The socket of a worker: who may open it, registration, pings, what closes it.

import { kBinary, kPing, kText } from '../lib/raw_websocket.mjs';
import { SECRET } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until, within } from '../lib/wait.mjs';
import { ask, check, Worker, worker_token } from './worker.mjs';

// How a connection ends: the code of the close frame, 1006 without one.
async function ending(worker, seconds = 5) {
  const code = await within(seconds * 1000, 'the end of the connection', worker.ws.closed);
  return code ?? 1006;
}

async function refusal(server, settings) {
  const reply = await ask(server, settings);
  reply.ws?.destroy();
  return `${reply.status} ${reply.body}`;
}

// Connects and only pings; its check comes when the ten seconds are over anyway.
export async function connect_silent(suite, server) {
  const worker = await Worker.connect(suite, server);
  const began = Date.now();
  worker.say('ping', { timestamp: 1n });
  return { worker, ended: worker.ws.closed.then((code) => ({ code: code ?? 1006, seconds: (Date.now() - began) / 1000 })) };
}

export function silence_check(suite, { ended }) {
  return suite.check('a worker that does not register is cut off after 10 s [CON-51] [WRK-02]', async () => {
    const { code, seconds } = await within(15000, 'the end of the connection', ended);
    assert.equal(code, 1006);
    assert.ok(seconds > 9 && seconds < 13, `after ${seconds} s`);
  });
}

export async function socket_checks(suite, server) {
  await check(suite, 'who may not open a worker socket gets an HTTP status [CON-50] [WRK-16]', async () => {
    assert.equal(await refusal(server, { token: '' }), '401 no permissions to access the room');
    const joins = await worker_token({ grant: { roomJoin: true, room: 'r' } });
    assert.equal(await refusal(server, { token: joins }), '401 no permissions to access the room');
    const unknown = await worker_token({ key: 'nobody' });
    assert.equal(await refusal(server, { token: unknown }), '401 invalid API key');
    const forged = await worker_token({ secret: SECRET + 'x' });
    const bad = await refusal(server, { token: forged });
    assert.match(bad, /^401 invalid authorization token/);
    assert.ok(!bad.includes(forged), 'the token is echoed');
    assert.match(await refusal(server, { path: '/agent/' }), /^404 /);
    const plain = await fetch(`${server.http}/agent`, { headers: { Authorization: `Bearer ${await worker_token()}` } });
    assert.equal(`${plain.status} ${await plain.text()}`, '404 ');
    assert.equal((await fetch(`${server.http}/agent`)).status, 404);
  });

  await check(suite, 'a worker registers and is told who answers [CON-51] [WRK-01] [WRK-04]', async () => {
    const worker = await Worker.start(suite, server);
    const { workerId, serverInfo } = worker.told[0].value;
    assert.match(workerId, /^AW_\w{12}$/);
    assert.equal(serverInfo.agentProtocol, 1);
    assert.equal(serverInfo.protocol, 17);
    assert.match(serverInfo.nodeId, /^ND_/);
    assert.equal(serverInfo.version, '1.13.5');
    worker.stop();
    const token = await worker_token();
    const other = await Worker.start(suite, server, {}, { token: '', query: `?protocol=0&access_token=${token}` });
    assert.notEqual(other.id, workerId);
    other.stop();
  });

  await check(suite, 'pings of both kinds are answered, before and after it registered [WRK-05]', async () => {
    const worker = await Worker.connect(suite, server);
    const pongs = () => worker.told.filter((one) => one.case === 'pong').map((one) => one.value);
    worker.say('ping', { timestamp: 7n });
    await until(() => pongs().length === 1);
    worker.say('register', {});
    await until(() => worker.id);
    worker.say('ping', { timestamp: 8n });
    await until(() => pongs().length === 2);
    assert.deepEqual(pongs().map((one) => one.lastTimestamp), [7n, 8n]);
    assert.ok(Math.abs(Number(pongs()[1].timestamp) - Date.now()) < 5000);
    const frames = [];
    worker.ws.on_frame = (one) => frames.push(one);
    worker.ws.send(kPing, Buffer.from('hello'));
    await until(() => frames.some((one) => one.opcode === 10 && one.payload.toString() === 'hello'));
    worker.stop();
  });

  await check(suite, 'text frames are JSON, both ways [WRK-17]', async () => {
    const worker = await Worker.connect(suite, server);
    worker.ws.send(kText, '{"register":{"agentName":"text"}}');
    const text = await until(() => worker.texts[0]);
    assert.match(JSON.parse(text).register.workerId, /^AW_/);
    worker.ws.send(kText, 'no JSON');
    assert.equal(await ending(worker), 1006);
  });

  await check(suite, 'what a worker may not say cuts it off without a word [WRK-02]', async () => {
    const cut = async (kind, value, register) => {
      const worker = await Worker.connect(suite, server);
      if (register) worker.say('register', {});
      if (register) await until(() => worker.id);
      if (kind === 'bytes') worker.ws.send(kBinary, value);
      else worker.say(kind, value);
      const code = await ending(worker);
      assert.equal(code, 1006, `${kind} ${register ? 'after' : 'before'} the registration: ${code}`);
    };
    await cut('updateWorker', { load: 0.1 }, false);
    await cut('availability', { jobId: 'AJ_x' }, false);
    await cut('bytes', Buffer.alloc(0), false);
    await cut('bytes', Buffer.from([0xff, 0xff]), false);
    await cut('register', { deployment: 'a_b' }, false);
    await cut('register', { type: 3 }, false);
    await cut('bytes', Buffer.alloc(0), true);
    await cut('bytes', Buffer.from([0xff, 0xff]), true);
    await cut('register', {}, true);
  });

  await check(suite, 'an answer to an offer that is not there does no harm [WRK-07] [WRK-08]', async () => {
    const worker = await Worker.start(suite, server, { agentName: 'harmless' });
    worker.say('availability', { jobId: 'AJ_unknown', available: true });
    worker.say('updateJob', { jobId: 'AJ_unknown', status: 2 });
    worker.say('migrateJob', { jobIds: ['AJ_unknown'] });
    await until(() => worker.ended.includes('AJ_unknown')); // not known here: it is to end
    worker.say('ping', { timestamp: 1n });
    await until(() => worker.told.some((one) => one.case === 'pong'));
    worker.stop();
  });

}
