// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Setups below folders of their own (--root), without the network (--offline).

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { free_port } from '../lib/ports.mjs';
import { ROOT, Server } from '../lib/server.mjs';
import { Suite, assert } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { file_in, folder, run } from './program.mjs';

const kMillis = 25000;
const mode_of = (file) => fs.statSync(file).mode & 0o777;

// `answers`: an object, by a file; a text: typed in.
async function setup(root, answers, ...more) {
  const typed = typeof answers === 'string';
  const given = typed ? [] : ['--answers', file_in(path.dirname(root), 'answers.yaml', `${Object.entries(answers).map(([name, value]) => `${name}: ${value}`).join('\n')}\n`)];
  const started = typed ? (child) => child.stdin.end(answers) : undefined;
  return run(['setup', '--root', root, '--offline', ...given, ...more], { millis: kMillis, started, input: typed });
}

function place(suite, { systemd = false } = {}) {
  const root = path.join(folder(suite), 'root');
  fs.mkdirSync(path.join(root, systemd ? 'etc/systemd/system' : '.'), { recursive: true });
  return { root, config: path.join(root, 'etc/confab/confab.yaml') };
}

async function ports() {
  return { port: await free_port(), udp_port: await free_port(), tcp_port: await free_port() };
}

const suite = new Suite({ limit: 300 });
await suite.run(async () => {
  await suite.check('setup by a file of answers: a server runs with what it wrote, and the link opens the page [GEN-05]', async () => {
    const { root, config } = place(suite);
    const chosen = await ports();
    const { code, out, err } = await setup(root, { ...chosen, address: 'local', demo: 'yes', systemd: 'no' });
    assert.deepEqual([code, err], [0, ''], out + err);
    assert.equal(mode_of(config), 0o600);
    assert.ok(out.includes(`wrote ${config}\n`), out);
    assert.match(out, /^0 problems, /m);
    const [, link] = out.match(/^open a meeting: (http:\/\/localhost:\d+\/demo\/\?room=my-first-room)$/m);
    const [key, secret] = fs.readFileSync(config, 'utf8').match(/^ {2}(API\w+): (\w{40,})$/m).slice(1);
    assert.ok(!out.includes(secret), 'the secret is printed');
    const web = path.join(path.dirname(root), 'web');
    fs.mkdirSync(web);
    fs.writeFileSync(path.join(web, 'index.html'), '<p>meeting</p>');
    const program = path.resolve(ROOT, process.env.CONFAB_BINARY ?? 'build/release/confab');
    const server = new Server(spawn(program, ['serve', '--config', config, '--confab.web_dir', web]), { http: chosen.port });
    suite.cleanup(() => server.stop());
    await until(async () => server.exited || (await fetch(`${server.http}/`)).status === 200, { timeout: 15000, what: () => server.log });
    assert.ok(!server.exited, server.log);
    assert.equal(await (await fetch(link)).text(), '<p>meeting</p>');
    const checked = await run(['doctor', '--json', '--config', config], { millis: kMillis });
    assert.equal(JSON.parse(checked.out).problems, 0, checked.out);
    const token = (await run(['token', 'create', '--config', config, '--join', '--room', 'a', '--identity', 'b'])).out.trim();
    assert.equal(JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).iss, key);
    assert.equal((await fetch(`${server.http}/rtc/validate?access_token=${token}`)).status, 200);
    await server.stop();
    server.assert_sound();
  }, { seconds: 60 });

  await suite.check('setup never replaces what is there without --force', async () => {
    const { root, config } = place(suite);
    const answers = { ...(await ports()), systemd: 'no' };
    assert.equal((await setup(root, answers)).code, 0);
    const first = fs.readFileSync(config, 'utf8');
    const second = await setup(root, answers);
    assert.equal(second.code, 1);
    assert.ok(second.err.startsWith(`error: ${config} is there already; --force replaces it`), second.err);
    assert.equal(fs.readFileSync(config, 'utf8'), first);
    assert.equal((await setup(root, answers, '--force')).code, 0);
    assert.notEqual(fs.readFileSync(config, 'utf8'), first); // another key
  }, { seconds: 90 });

  await suite.check('setup --dry-run writes nothing and shows no secret', async () => {
    const { root } = place(suite, { systemd: true });
    const { code, out } = await setup(root, {}, '--dry-run');
    assert.equal(code, 0, out);
    assert.match(out, /would write .*\/etc\/confab\/confab\.yaml\n/);
    assert.match(out, /would write .*\/etc\/systemd\/system\/confab\.service\n/);
    assert.match(out, /^ {2}API\w+: <secret>$/m);
    assert.ok(!fs.existsSync(path.join(root, 'etc/confab')));
  });

  await suite.check('setup writes the service, its user and the limits of the kernel as deploy/systemd has them', async () => {
    const { root } = place(suite, { systemd: true });
    const { code, out } = await setup(root, await ports());
    assert.equal(code, 0, out);
    for (const [written, source] of [['systemd/system/confab.service', 'confab.service'], ['sysusers.d/confab.conf', 'confab.sysusers'], ['sysctl.d/60-confab.conf', '60-confab.conf']]) {
      assert.equal(fs.readFileSync(path.join(root, 'etc', written), 'utf8'), fs.readFileSync(path.join(ROOT, 'deploy/systemd', source), 'utf8'));
    }
    assert.match(out, /^next: start: systemctl enable --now confab$/m);
  }, { seconds: 40 });

  await suite.check('setup asks at the terminal: an empty line takes what is suggested, a bad answer is asked again', async () => {
    const { root, config } = place(suite);
    const chosen = await ports();
    // domain, address, ports, turn, redis, webhook, demo, systemd
    const typed = ['not a name', '', 'local', 'http', chosen.port, chosen.udp_port, chosen.tcp_port, 'perhaps', 'no', '', '', '', ''];
    const { code, out, err } = await setup(root, `${typed.join('\n')}\n`);
    assert.equal(code, 0, out + err);
    for (const again of [/write a name such as live\.example\.org/, /write a number from 1 to 65535: /, /write yes or no: /]) assert.match(err, again);
    const text = fs.readFileSync(config, 'utf8');
    for (const line of [`port: ${chosen.port}`, `  udp_port: ${chosen.udp_port}`, `  tcp_port: ${chosen.tcp_port}`]) assert.ok(text.includes(`${line}\n`), text);
    const cut = await setup(`${root}-cut`, 'live.example.org\n');
    assert.equal(cut.code, 1);
    assert.match(cut.err, /error: nobody answers, and nothing was written; --answers FILE asks nobody\n$/);
    assert.ok(!fs.existsSync(`${root}-cut`));
  }, { seconds: 40 });

  await suite.check('setup: answers that will not do are named with their line or question', async () => {
    const { root } = place(suite);
    const error = async (answers) => {
      const { code, err } = await setup(root, answers);
      assert.equal(code, 1);
      return err;
    };
    assert.match(await error({ domian: 'a.example' }), /answers\.yaml: line 1: no question is called domian; did you mean domain\?/);
    assert.match(await error({ port: 'many' }), /port: "many" will not do; write a number from 1 to 65535/);
    assert.match(await error({ port: 7000, tcp_port: 7000 }), /port and rtc\.tcp_port are both 7000/);
    assert.ok(!fs.existsSync(path.join(root, 'etc')));
  });

  await suite.check('setup takes over the folder of a livekit-server, keys and all [GEN-05]', async () => {
    const { root, config } = place(suite);
    const chosen = await ports();
    const secret = 'the-secret-of-a-livekit-server-0123456789';
    const old = file_in(folder(suite), 'livekit.yaml', `port: ${chosen.port}\nrtc:\n  tcp_port: ${chosen.tcp_port}\n  udp_port: ${chosen.udp_port}\nkeys:\n  APIold: ${secret}\nlogging: {level: loud}\n`, 0o644);
    const { code, out, err } = await run(['setup', '--root', root, '--offline', '--import', path.dirname(old)], { millis: kMillis });
    assert.equal(code, 0, out + err);
    assert.ok(fs.readFileSync(config, 'utf8').endsWith(fs.readFileSync(old, 'utf8')));
    assert.equal(mode_of(config), 0o600);
    assert.match(out, /warning {2}config-warning/);
    assert.ok(!out.includes(secret));
    const none = await run(['setup', '--root', `${root}-none`, '--offline', '--import', '/no/such'], { millis: kMillis });
    assert.equal(none.code, 1);
    assert.match(none.err, /--import \/no\/such: no livekit\.yaml and no config\.yaml there/);
  }, { seconds: 40 });
});
