// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What needs no server, or a wrong one: projects, tokens, completion, names of the program, errors,
// webhooks.

import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

import { free_port } from '../lib/ports.mjs';
import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { file_in, folder } from './program.mjs';
import { call } from './verb_programs.mjs';
import { fails } from './verb_rooms.mjs';

const no_server = { LIVEKIT_URL: '', LIVEKIT_API_KEY: '', LIVEKIT_API_SECRET: '' };

async function project_checks(suite, cli) {
  await suite.check('project: kept in a file of our own, lk\'s is read, and written as lk [LKC-02] [LKC-03]', async () => {
    const home = folder(suite);
    const env = { ...no_server, HOME: home };
    const run = (args, as = 'confab') => call(cli.program, args, { as, env });
    await fs.promises.mkdir(path.join(home, '.livekit'));
    const shared = file_in(path.join(home, '.livekit'), 'cli-config.yaml',
      `default_project: home\nprojects:\n    - name: home\n      project_id: ""\n      url: ${cli.url}\n      api_key: ${KEY}\n      api_secret: ${SECRET}\ndevice_name: desk\n`);
    const before = fs.readFileSync(shared, 'utf8');
    assert.equal((await run(['room', 'list'])).code, 0);
    const added = await run(['project', 'add', 'dead', '--url', 'ws://127.0.0.1:1', '--api-key', KEY, '--api-secret', SECRET]);
    assert.deepEqual([added.code, added.out.includes(SECRET)], [0, false]);
    const own = path.join(home, '.confab', 'cli-config.yaml');
    assert.equal(fs.statSync(own).mode & 0o777, 0o600);
    assert.equal(fs.statSync(path.dirname(own)).mode & 0o777, 0o700);
    assert.equal(fs.readFileSync(shared, 'utf8'), before);
    assert.match((await run(['room', 'list', '--project', 'dead'])).err, /error: cannot connect to ws:\/\/127\.0\.0\.1:1; is the server running there/);
    assert.equal((await run(['project', 'set-default', 'dead'])).code, 0);
    assert.equal((await run(['room', 'list'])).code, 1);
    assert.equal((await run(['project', 'add', 'third', '--url', cli.url, '--api-key', KEY, '--api-secret', SECRET], 'lk')).code, 0);
    assert.match(fs.readFileSync(shared, 'utf8'), /name: third/);
    assert.match(fs.readFileSync(shared, 'utf8'), /device_name: desk/);
    assert.equal((await run(['room', 'list', '--project', 'third'], 'lk')).code, 0);
  });
}

async function error_checks(suite, cli) {
  await suite.check('errors: nobody there, no such host, no server of ours, wrong key, wrong secret', async () => {
    await fails(cli, ['room', 'list', '--url', 'http://127.0.0.1:1'], 'cannot connect to http://127.0.0.1:1; ');
    await fails(cli, ['room', 'list', '--url', 'http://nobody.invalid'], 'the host of http://nobody.invalid is not found');
    await fails(cli, ['room', 'list', '--url', 'nonsense://x'], /is no address of a server|cannot connect|not found/);
    await fails(cli, ['room', 'list', '--url', cli.url.replace('http', 'https')], 'no TLS with ');
    const other = http.createServer((_, reply) => reply.setHeader('Content-Type', 'text/html').end('<html>')).listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    suite.cleanup(() => other.close());
    await fails(cli, ['room', 'list', '--url', `http://127.0.0.1:${other.address().port}`], /is no server of this protocol/);
    await fails(cli, ['room', 'list', '--api-key', 'nokey'], /^error: .*the server has no key nokey/);
    await fails(cli, ['room', 'list', '--api-secret', 'x'.repeat(40)], new RegExp(`^error: .*the secret is not that of key ${KEY}`));
    await fails(cli, ['room', 'create', 'x', '--agents-file', 'gone.json'], /neither a file nor JSON/);
    await fails(cli, ['ingress', 'create', '{"no_such_field": 1}'], /no_such_field/);
    const ended = await cli.run(['room', 'list', '--nonsense']);
    assert.deepEqual([ended.code, ended.err], [2, 'error: flag provided but not defined: --nonsense; see `confab room list --help`\n']);
  });

  await suite.check('verbs of services that come later say so [LKC-09]', async () => {
    for (const args of [['agent', 'deploy', '--region', 'x'], ['cloud', 'auth'], ['replay'], ['number', 'search'], ['perf', 'agent-load-test']]) {
      await fails(cli, args, /^error: `.*` (is|needs|searches) /);
    }
  });

  await suite.check('JSON comes as a literal, a file and by stdin [LKC-05]', async () => {
    const place = folder(suite);
    const request = '{"url": "http://x", "file_outputs": [{"filepath": "x.mp4"}]}';
    const file = file_in(place, 'r.json', request);
    for (const [given, input] of [[request], [file], ['-', request]]) {
      await fails(cli, ['egress', 'start', '--type', 'web', given], 'unavailable: ', { input });
    }
  });

  await suite.check('--curl: the line does the same [LKC-01]', async () => {
    const { out, err } = await cli.run(['room', 'list', '-o', 'json', '--curl', '-q']);
    const answer = JSON.parse(execFileSync('sh', ['-c', err.trim()], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    assert.equal(answer.rooms.length, (JSON.parse(out).rooms ?? []).length);
  });
}

async function name_checks(suite, cli) {
  await suite.check('called as lk: its verbs; as livekit-server: the server [LKC-01]', async () => {
    const lk = await cli.as_lk([]);
    assert.deepEqual([lk.code, lk.err], [0, '']);
    assert.match(lk.out, /Usage: lk COMMAND/);
    assert.equal((await cli.as_lk(['room', 'list', '-j'])).code, 0);
    assert.equal((await cli.as_lk(['-url', cli.url, 'room', 'list', '-json'])).code, 0);
    const group = await cli.as_lk(['sip', 'inbound']);
    assert.deepEqual([group.code, group.err], [0, '']);
    assert.match((await cli.as_lk(['-v'])).out, /^confab \d/);
    const { code, out } = await cli.as_lk(['token', 'create', '--join', '--room', 'r', '--identity', 'i']);
    assert.equal(code, 0);
    assert.match(out, /^Token grants:\n\{[^]*\n\}\n\nProject URL: http.*\nAccess token: ey/);
    const port = await free_port();
    const server = spawn(cli.program, ['--dev', '--port', `${port}`, '--udp-port', `${await free_port()}`, '--rtc.tcp_port', '0'], { argv0: 'livekit-server', stdio: 'ignore', env: { PATH: process.env.PATH } });
    suite.cleanup(() => server.kill('SIGKILL'));
    await until(async () => (await cli.run(['room', 'list', '--dev', '--url', `http://127.0.0.1:${port}`])).code === 0, { what: 'the server by that name' });
    server.kill('SIGTERM');
  });

  await suite.check('completion: bash completes verbs, flags and rooms that are there [LKC-08]', async () => {
    await cli.run(['room', 'create', 'complete-me']);
    const script = (await cli.run(['completion', 'bash'])).out;
    const place = folder(suite);
    fs.symlinkSync(cli.program, path.join(place, 'confab'));
    const complete = (...words) => execFileSync('bash', ['-c', `${script}\nCOMP_WORDS=(confab "$@"); COMP_CWORD=$#; _confab_complete; printf '%s\\n' "\${COMPREPLY[@]}"`, 'bash', ...words],
      { encoding: 'utf8', env: { ...cli.env, PATH: `${place}:${process.env.PATH}` } }).trim().split('\n');
    assert.deepEqual(complete('room', 'par'), ['participants']);
    assert.deepEqual(complete('room', 'create', '--empty'), ['--empty-timeout']);
    assert.deepEqual(complete('room', 'delete', 'complete'), ['complete-me']);
    for (const shell of ['zsh', 'fish']) assert.match((await cli.run(['completion', shell])).out, /__complete/);
  });

  await suite.check('token decode and verify [LKC-07]', async () => {
    const token = (await cli.run(['token', 'create', '--list', '--valid-for', '10m', '-q'])).out.trim();
    assert.equal(JSON.parse((await cli.run(['token', 'decode', token])).out).claims.video.roomList, true);
    assert.equal((await cli.run(['token', 'verify', '-'], { input: token })).code, 0);
    const given = (await cli.run(['token', 'create', '--join=1', '--room', 'r', '--identity', 'i', '--publish=F', '--attribute', 'a=1,b="x y"', '--grant', '{"HIDDEN": true}', '-q'])).out.trim();
    const { video, attributes } = JSON.parse((await cli.run(['token', 'decode', given])).out).claims;
    assert.deepEqual([video.roomJoin, video.canPublish, video.hidden, attributes], [true, false, true, { a: '1', b: 'x y' }]);
    await fails(cli, ['token', 'verify', `${token.slice(0, -4)}AAAA`], /signature/);
  });
}

async function webhook_checks(suite, cli) {
  await suite.check('webhook listen: what a server sends is checked, printed and forwarded; then it is listed [HOOK-05]', async () => {
    const [port, forwarded] = [await free_port(), []];
    const target = http.createServer((request, reply) => {
      let body = '';
      request.on('data', (data) => (body += data));
      request.on('end', () => {
        forwarded.push({ body, authorization: request.headers.authorization });
        reply.end();
      });
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => target.once('listening', resolve));
    suite.cleanup(() => target.close());
    const server = await start_server(suite, { webhook: { urls: [`http://127.0.0.1:${port}/hook`], api_key: KEY } });
    const listening = cli.run(['webhook', 'listen', '--port', `${port}`, '--forward', `http://127.0.0.1:${target.address().port}/`, '--count', '2', '-o', 'jsonl'], {
      started: () => void (async () => {
        await until(() => fetch(`http://127.0.0.1:${port}/`).then((reply) => reply.status === 405, () => false));
        const unsigned = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{"event":"room_started"}' });
        assert.equal(unsigned.status, 401);
        await cli.run(['room', 'create', 'hooked', '--url', server.http]);
        await cli.run(['room', 'delete', 'hooked', '--url', server.http]);
      })(),
    });
    const { code, out } = await listening;
    assert.equal(code, 0);
    const events = out.trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(events.map((event) => [event.event, event.room.name]), [['room_started', 'hooked'], ['room_finished', 'hooked']]);
    await until(() => forwarded.length === 2);
    assert.deepEqual(JSON.parse(forwarded[0].body), events[0]);
    assert.ok(forwarded.every((one) => one.authorization?.startsWith('ey')));
    await server.stop();
  });
}

export async function local_checks(suite, cli) {
  await project_checks(suite, cli);
  await error_checks(suite, cli);
  await name_checks(suite, cli);
  await webhook_checks(suite, cli);
}
