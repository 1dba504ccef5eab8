// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// livekit-api against the server: one call of each kind, its errors, webhooks as its receiver takes
// them.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { WebhookSink } from './webhook_sink.mjs';

const kFolder = path.join(path.dirname(fileURLToPath(import.meta.url)), 'python');
const kRoom = 'from-python';

// The script, and what it told so far.
class Script {
  told = [];
  errors = '';

  constructor(suite, server) {
    const env = { ...process.env, LIVEKIT_URL: server.http, LIVEKIT_API_KEY: KEY, LIVEKIT_API_SECRET: SECRET };
    this.process = spawn(path.join(kFolder, '.venv/bin/python'), [path.join(kFolder, 'services.py'), kRoom], { env });
    suite.cleanup(() => this.process.kill('SIGKILL'));
    let rest = '';
    this.process.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      this.told.push(...lines.map((line) => JSON.parse(line)));
    });
    this.process.stderr.on('data', (text) => (this.errors += text));
    this.ended = new Promise((resolve) => this.process.on('close', resolve));
  }

  async of(call) {
    const find = () => this.told.find((one) => one.call === call);
    await until(find, { timeout: 15000, what: () => `${call}; ${JSON.stringify(this.told.at(-1))} ${this.errors.slice(-600)}` });
    return find();
  }

  async refused(call, ...expected) {
    const { code, status, message } = await this.of(call);
    assert.deepEqual([status, code, message], expected, call);
  }
}

const suite = new Suite({ limit: 120 });
await suite.run(async () => {
  const sink = await WebhookSink.start(suite);
  const server = await start_server(suite, { webhook: { urls: [sink.url], api_key: KEY } });
  const script = new Script(suite, server);
  const unknown = 'twirp error unknown: ';

  await suite.check('Python: RoomService makes, lists, changes and deletes a room [API-01] [API-02] [API-03] [API-10] [API-W1]', async () => {
    const { result: made } = await script.of('create_room');
    assert.deepEqual([made.name, made.metadata, made.empty_timeout], [kRoom, 'grüße', 77]);
    const { result: list } = await script.of('list_rooms');
    assert.deepEqual(list.rooms.map((room) => room.sid), [made.sid]);
    assert.equal((await script.of('update_room_metadata')).result.metadata, 'new');
    assert.deepEqual((await script.of('list_participants')).result, {});
    assert.deepEqual((await script.of('send_data')).result, {});
    assert.deepEqual((await script.of('delete_room')).result, {});
    await script.refused('get_participant', 404, 'not_found', `${unknown}participant does not exist`);
    assert.equal((await script.of('wrong secret')).status, 401);
  });

  await suite.check('Python: AgentDispatch, Egress, Ingress and SIP answer in their words [API-40] [API-20] [API-25] [API-W3] [API-W5]', async () => {
    const { result: dispatch } = await script.of('create_dispatch');
    assert.match(dispatch.id, /^AD_/);
    assert.deepEqual([dispatch.agent_name, dispatch.room, dispatch.metadata], ['helper', kRoom, 'm']);
    assert.ok(JSON.stringify((await script.of('list_dispatch')).result).includes(dispatch.id));
    await script.refused('start_egress', 503, 'unavailable', `${unknown}no response from servers`);
    await script.refused('start_egress nowhere', 404, 'not_found', `${unknown}requested room does not exist`);
    await script.refused('list_egress', 500, 'internal', `${unknown}egress not connected (redis required)`);
    await script.refused('create_ingress', 500, 'internal', `${unknown}ingress not connected (redis required)`);
    await script.refused('list_trunks', 500, 'internal', `${unknown}sip not connected (redis required)`);
  });

  await suite.check('Python: its webhook receiver takes the body as it was sent and no other [HOOK-05]', async () => {
    await sink.event(kRoom, 'room_finished');
    const [first, last] = [sink.of_room(kRoom)[0], sink.of_room(kRoom).at(-1)];
    const give = (body, { headers }) => script.process.stdin.write(`${JSON.stringify({ body, token: headers.authorization })}\n`);
    give(first.body, first);
    give(last.body, last);
    give(`${first.body} `, first);
    give(first.body, last);
    script.process.stdin.end();
    assert.equal(await script.ended, 0, script.errors);
    const verified = script.told.filter((one) => one.call === 'webhook');
    assert.deepEqual(verified.slice(0, 2).map((one) => one.result), [
      { event: 'room_started', room: kRoom },
      { event: 'room_finished', room: kRoom },
    ]);
    assert.deepEqual(verified.slice(2).map((one) => one.result), [undefined, undefined]);
    assert.ok(verified.slice(2).every((one) => one.code), JSON.stringify(verified));
  });
});
