// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The doctor beside a healthy host, and beside one with each of the faults of a table.

import { Suite, assert } from '../lib/suite.mjs';
import { config_faults } from './doctor_config_faults.mjs';
import { host_faults } from './doctor_host_faults.mjs';
import { Place, doctor } from './doctor_place.mjs';
import { server_faults } from './doctor_server_faults.mjs';
import { run } from './program.mjs';

const kFewest = 30;

// Runs the doctor while a fault is there, and takes it away again.
async function named(place, fault) {
  const undo = [];
  try {
    const { args, ...settings } = await fault.make(place, (action) => undo.push(action));
    const { code, json } = await doctor(args, settings);
    const told = JSON.stringify(json, null, 1);
    assert.deepEqual(json.findings.map((one) => one.code), [fault.code].flat(), told);
    const [first] = json.findings;
    if (fault.detail) assert.match(first.detail, fault.detail, told);
    assert.ok(first.fix.length > 3 && first.docs.endsWith(`#${first.code}`), told);
    assert.equal(code, json.problems > 0 ? 2 : 0, told);
  } finally {
    for (const action of undo.reverse()) await action();
  }
}

async function healthy_checks(suite, place) {
  const healthy = async (args, seen) => {
    const { code, json } = await doctor(['--strict', ...args], {});
    assert.deepEqual([code, json.findings, json.healthy], [0, [], true], JSON.stringify(json));
    const areas = json.seen.map((one) => one.what);
    for (const what of seen) assert.ok(areas.includes(what), `${what} is not in ${areas}`);
  };
  const outside = ['DNS', 'connection', 'certificate', 'HTTP', 'clock', 'token', 'WebSocket', 'media by UDP', 'media by TCP', 'packet size', 'TURN'];
  const inside = ['configuration', 'UDP buffers', 'open files', 'data folder', 'media addresses', 'Redis', 'webhooks', 'TURN domain'];
  await suite.check('a healthy server from a client: nothing is found', () => healthy([place.url, ...place.key_args], outside));
  await suite.check('a healthy host whose server runs, from both sides: nothing is found [GEN-05]',
    () => healthy([place.url, '--config', place.file], [...outside, ...inside]));
  await suite.check('a healthy host whose server runs, without a URL: it is found at its port', () => healthy(['--config', place.file], [...inside, 'media by UDP', 'TURN']));
  await suite.check('a healthy host whose server does not run: its ports are free', () => healthy(['--config', place.write(place.quiet())], ['port', 'media addresses']));
}

async function command_checks(suite, place) {
  await suite.check('the doctor: exit codes, and what it prints for people', async () => {
    const fine = await run(['doctor', '--config', place.write(place.quiet())]);
    assert.deepEqual([fine.code, fine.err], [0, ''], fine.err);
    assert.match(fine.out, /^ok {7}port +TCP 7890 \(port\) is free$/m);
    assert.match(fine.out, /^0 problems, 0 warnings\n$/m);
    const weak = place.write({ ...place.quiet(), keys: { APIweak: 'short' } });
    assert.equal((await run(['doctor', '--config', weak])).code, 0);
    const strict = await run(['doctor', '--strict', '--config', weak]);
    assert.equal(strict.code, 1);
    assert.match(strict.out, /^warning {2}secret-weak: .*\n {9}.*APIweak.*\n {9}fix: .*generate-keys.*\n {9}see docs\/guide\/troubleshoot\.md#secret-weak$/m);
    assert.equal((await run(['doctor', '--config', place.write({ ...place.quiet(), keys: {} })])).code, 2);
    const nothing = await run(['doctor']);
    assert.equal(nothing.code, 3);
    assert.match(nothing.err, /^error: nothing to look at; give the URL/);
    const half = await run(['doctor', place.url, '--api-key', 'APIk']);
    assert.equal(half.code, 3);
    assert.match((await run(['doctor', '--help'])).out, /Exit codes: 0 healthy, 1 warnings \(with --strict\), 2 problems, 3 it could not run/);
  });
  await suite.check('the doctor prints no secret', async () => {
    for (const args of [['--config', place.file], [place.url, ...place.key_args]]) {
      const { out, err } = await run(['doctor', ...args], { env: { SSL_CERT_FILE: place.ca }, millis: 20000 });
      for (const secret of place.secrets) assert.ok(!(out + err).includes(secret), `${args} shows a secret`);
    }
  });
}

const suite = new Suite({ limit: 600 });
await suite.run(async () => {
  const place = await Place.make(suite);
  await healthy_checks(suite, place);
  await command_checks(suite, place);
  const faults = [...config_faults, ...host_faults, ...server_faults];
  await suite.check(`${kFewest} faults and more are seeded, each with a code that exists`, () => {
    assert.ok(faults.length >= kFewest, `${faults.length}`);
    assert.equal(new Set(faults.map((one) => one.name)).size, faults.length);
  });
  for (const fault of faults) await suite.check(`fault: ${fault.name} → ${[fault.code].flat().join(' ')}`, () => named(place, fault));
});
