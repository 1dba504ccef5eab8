// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What an operator does after apt has installed the package (see run_first_meeting): answers, setup, start; then two
// people open the link that setup printed. The firewall lets through nothing but port 443.

import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { of, Tab, tile_of } from '../browser/demo_tab.mjs';
import { AcmeServer } from '../lib/acme_server.mjs';
import { start_chromium } from '../lib/browser.mjs';
import { Server } from '../lib/server.mjs';
import { assert, Suite } from '../lib/suite.mjs';
import { until } from '../lib/wait.mjs';
import { Authority, spki_of } from '../tls/authority.mjs';
import { bound_ports, kPort } from '../tls/one_port.mjs';
import { Pebble } from '../tls/pebble.mjs';
import { certificate_at, let_out } from '../tls/place.mjs';

const kTree = process.env.CONFAB_INSTALLED_TREE;
const kInTree = ['nsenter', '--net=/run/netns/server', 'chroot', kTree];
const kEnvironment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root' };
const kAnswers = { domain: 'meet.test', tls: 'acme', email: 'admin@meet.test', authority_ca: '/etc/confab/ca.pem', address: '203.0.113.1', demo: 'yes', systemd: 'yes' };

const in_tree = (name) => path.join(kTree, name);
const seconds_since = (begin) => `${((Date.now() - begin) / 1000).toFixed(1)} s`;

// Runs a command in the tree; its output, whatever its exit code.
function run(...words) {
  try {
    return { code: 0, said: execFileSync(kInTree[0], [...kInTree.slice(1), ...words], { encoding: 'utf8', env: kEnvironment, stdio: 'pipe', timeout: 120000 }) };
  } catch ({ status, stdout, stderr }) {
    return { code: status, said: `${stdout}${stderr}` };
  }
}

// What systemd would start, of the unit in the tree: its command, user, right and environment.
function start_service(suite) {
  const unit = fs.readFileSync(in_tree('lib/systemd/system/confab.service'), 'utf8');
  const of_unit = (name) => unit.match(new RegExp(`^${name}=(.*)$`, 'm'))[1];
  const right = `+${of_unit('AmbientCapabilities').replace('CAP_', '').toLowerCase()}`;
  const as_user = ['setpriv', `--reuid=${of_unit('User')}`, `--regid=${of_unit('Group')}`, '--init-groups', '--no-new-privs', `--inh-caps=${right}`, `--ambient-caps=${right}`];
  const env = { ...kEnvironment, STATE_DIRECTORY: `/var/lib/${of_unit('StateDirectory')}` };
  const [first, ...rest] = [...kInTree, ...as_user, ...of_unit('ExecStart').split(' ')];
  const server = new Server(spawn(first, rest, { env }), { http: kPort });
  suite.cleanup(() => server.stop());
  return server;
}

// Opens the link as a person does: a name, and in.
async function join(browser, link, name) {
  const { origin, search } = new URL(link);
  const tab = await Tab.open(browser, origin, search);
  await tab.click(of('name'));
  await tab.page.keyboard.type(name);
  await tab.click(of('join'));
  await tab.shown(of('connection-state', '[data-state="connected"]'));
  return tab;
}

const suite = new Suite({ limit: 300 });
await suite.run(async () => {
  const authority = new Authority(suite);
  const pebble = process.env.CONFAB_PEBBLE;
  const acme = pebble ? await Pebble.start(suite, { authority, program: pebble }) : await AcmeServer.start(suite, { authority, folder: authority.folder() });
  // The service is another user.
  for (const [from, name] of [['/etc/hosts', 'etc/hosts'], [authority.file, kAnswers.authority_ca]]) fs.writeFileSync(in_tree(name), fs.readFileSync(from), { mode: 0o644 });
  fs.chmodSync(in_tree('etc/hosts'), 0o644);
  const begin = Date.now();
  let link;
  let server;

  const ready = await suite.check('setup with a file of answers, and the service answers with a certificate of the authority [GEN-05] [TURN-18]', async () => {
    const answers = Object.entries({ ...kAnswers, authority: acme.directory }).map(([name, value]) => `${name}: ${value}\n`);
    fs.writeFileSync(in_tree('srv/answers.yaml'), answers.join(''));
    const { code, said } = run('confab', 'setup', '--answers', '/srv/answers.yaml', '--force');
    console.log(`   setup: ${seconds_since(begin)}, exit code ${code}`);
    assert.match(said, /^wrote \/etc\/confab\/confab\.yaml$/m);
    assert.match(said, /^0 problems, /m);
    assert.equal(code, 0, said);
    [, link] = said.match(/^open a meeting: (https:\/\/meet\.test\/\S+)$/m) ?? [];
    assert.ok(link, said);
    server = start_service(suite);
    const root = await acme.root?.();
    const trusted = root ? { ca: root } : {};
    const what = () => `a certificate of the authority: ${server.tail().join('\n')}`;
    await until(async () => (await certificate_at(kPort, 'meet.test', trusted)).authorized, { timeout: 40000, every: 100, what });
    console.log(`   certificate: ${seconds_since(begin)}`);
    assert.deepEqual(bound_ports(), ['tcp 443', 'udp 443']);
  }, { seconds: 120, needed: true });
  if (!ready) return;

  await suite.check('two people open the link that setup printed and see each other, over port 443 alone, TLS ended and shared out by the server itself [DEMO-03] [MC-01] [ICE-08] [DEP-05]', async () => {
    const spki = spki_of((await certificate_at(kPort, 'meet.test', { any: true })).raw);
    let_out([{ protocol: 'tcp', port: kPort }, { protocol: 'udp', port: kPort }]);
    suite.cleanup(() => let_out(undefined));
    const browser = await start_chromium(suite, { args: [`--ignore-certificate-errors-spki-list=${spki}`] });
    const [ada, grace] = [await join(browser, link, 'Ada'), await join(browser, link, 'Grace')];
    await Promise.all([ada.plays(tile_of('Grace')), grace.plays(tile_of('Ada'))]);
    console.log(`   both see each other: ${seconds_since(begin)} after the answers`);
    for (const tab of [ada, grace]) tab.calm();
    await browser.close();
  }, { seconds: 90 });

  await suite.check('the service ends when it is told to, its certificate kept for its user alone', async () => {
    await server.stop();
    server.assert_sound();
    const { mode, uid } = fs.statSync(in_tree('var/lib/confab/acme/certificate.pem'));
    assert.deepEqual([(mode & 0o777).toString(8), uid], ['600', fs.statSync(in_tree('var/lib/confab')).uid]);
  });
});
