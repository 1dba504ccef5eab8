// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Flags and environment variables: the named ones, those made from keys, and which of them wins.

import { free_port } from '../lib/ports.mjs';
import { KEY, SECRET, start_server } from '../lib/server.mjs';
import { SignalClient } from '../lib/signal_client.mjs';
import { assert } from '../lib/suite.mjs';
import { fails, file_in, folder, run, shown } from './program.mjs';

const kDev = ['--dev'];

// Each named flag with its variable: key in the configuration, value given, value in force.
const kNamed = [
  ['--node-ip', 'NODE_IP', 'rtc.node_ip', '192.0.2.7', '"192.0.2.7"'],
  ['--udp-port', 'UDP_PORT', 'rtc.udp_port', '7000-7010', '7000-7010'],
  ['--region', 'LIVEKIT_REGION', 'region', 'north', '"north"'],
  ['--redis-host', 'REDIS_HOST', 'redis.address', 'db:6379', '"db:6379"'],
  ['--redis-password', 'REDIS_PASSWORD', 'redis.password', 'hush', '"<redacted>"'],
  ['--turn-cert', 'LIVEKIT_TURN_CERT', 'turn.cert_file', 'c.pem', '"c.pem"'],
  ['--turn-key', 'LIVEKIT_TURN_KEY', 'turn.key_file', 'k.pem', '"k.pem"'],
];

async function named_checks(suite) {
  await suite.check('the named flags and their variables set their keys; the flag wins [CLI-01]', async () => {
    await Promise.all(kNamed.map(async ([flag, variable, key, given, value]) => {
      assert.notEqual(await shown(key, kDev), value, `${key} by default`);
      assert.equal(await shown(key, [...kDev, flag, given]), value, flag);
      assert.equal(await shown(key, kDev, { env: { [variable]: given } }), value, variable);
      assert.equal(await shown(key, [...kDev, flag, given], { env: { [variable]: '7999' } }), value, `${flag} over ${variable}`);
    }));
    assert.equal(await shown('bind_addresses', [...kDev, '--bind', '127.0.0.2', '--bind', '127.0.0.3']), '["127.0.0.2", "127.0.0.3"]');
    assert.equal(await shown('development', kDev), 'true');
    assert.equal(await shown('development', []), 'false');
  });

  await suite.check('keys: "key: secret" with the space, one to a line; a file for nobody else [CLI-01]', async () => {
    const place = folder(suite);
    const secret = 'x'.repeat(40);
    const keys = async (args, settings) => shown('keys', args, settings);
    const both = '{"a": "<redacted>", "b": "<redacted>"}';
    assert.equal(await keys(['--keys', `a: ${secret}\nb: ${secret}`]), both);
    assert.equal(await keys([], { env: { LIVEKIT_KEYS: `a: ${secret}\nb: ${secret}` } }), both);
    const file = file_in(place, 'keys.yaml', `a: ${secret}\nb: ${secret}\n`);
    assert.equal(await keys(['--key-file', file]), both);
    const no_space = 'Could not parse keys, it needs to be exactly, "key: secret", including the space';
    await fails(['serve', '--keys', `a:${secret}`], no_space);
    await fails(['serve'], no_space, { env: { LIVEKIT_KEYS: `a:${secret}` } });
    await fails(['serve', '--key-file', file_in(place, 'open.yaml', `a: ${secret}\n`, 0o644)], 'key file others permissions must be set to 0');
    await fails(['serve', '--key-file', `${place}/none`], `stat ${place}/none: no such file or directory`);
    await fails(['serve'], 'one of key-file or keys must be provided');
  });

  await suite.check('--config, --config-body and LIVEKIT_CONFIG; the body beats the file [CLI-01]', async () => {
    const file = file_in(folder(suite), 'confab.yaml', 'port: 7001\n');
    assert.equal(await shown('port', ['--config', file]), '7001');
    assert.equal(await shown('port', ['--config', file, '--config-body', 'port: 7002']), '7002');
    assert.equal(await shown('port', ['--config', file], { env: { LIVEKIT_CONFIG: 'port: 7003' } }), '7003');
    assert.equal(await shown('port', ['--config-body', 'port: 7002'], { env: { LIVEKIT_CONFIG: 'port: 7003' } }), '7002');
    const unknown = ['--dev', '--config-body', 'nonsense: 1\nrtc: {neither: 2}'];
    await fails(['serve', ...unknown], 'could not parse config: yaml: unmarshal errors:\n  line 1: field nonsense not found');
    assert.equal(await shown('port', [...unknown, '--disable-strict-config']), '7880');
    // Profiles of another runtime: taken, and said to be without effect.
    for (const flag of ['--cpuprofile', '--memprofile']) {
      const { code, err } = await run(['config', 'show', '--dev', flag, 'file']);
      assert.equal(code, 0);
      assert.equal(err, `warning: ${flag} has no effect; remove it\n`);
    }
  });

  await suite.check('a server runs by flags alone, or by variables alone [CLI-01] [CLI-02]', async () => {
    const given = async () => ({ udp: await free_port(), tcp: await free_port() });
    const [one, two] = [await given(), await given()];
    const by_flags = await start_server(suite, { keys: {}, rtc: { udp_port: 1, tcp_port: 1 } }, {
      args: ['serve', '--bind', '127.0.0.1', '--bind', '127.0.0.2', '--node-ip', '127.0.0.1', '--udp-port', `${one.udp}`,
        '--rtc.tcp_port', `${one.tcp}`, '--keys', `${KEY}: ${SECRET}`, '--region', 'north'],
    });
    const by_variables = await start_server(suite, { keys: {}, rtc: { udp_port: 1, tcp_port: 1 } }, {
      args: ['serve', '--bind', '127.0.0.1'],
      program: ['env', 'NODE_IP=127.0.0.1', `UDP_PORT=${two.udp}`, `LIVEKIT_RTC_TCP_PORT=${two.tcp}`, `LIVEKIT_KEYS=${KEY}: ${SECRET}`, 'LIVEKIT_REGION=south'],
    });
    for (const [server, { udp, tcp }, region] of [[by_flags, one, 'north'], [by_variables, two, 'south']]) {
      assert.match(server.log, new RegExp(`media worker worker=0 udp="[^"]*:${udp}[",].* tcp="[^"]*:${tcp}[",].* advertised="127\\.0\\.0\\.1"`));
      const client = await SignalClient.join(server, 'room', 'alice', { v1: false });
      assert.equal(client.last.join.serverInfo.region, region);
      client.destroy();
      await server.stop();
    }
    assert.match(by_flags.log, /listening http="127\.0\.0\.1:\d+"[^]*listening http="127\.0\.0\.2:\d+"/);
  });
}

async function generated_checks(suite) {
  await suite.check('every scalar key is a flag and a variable: flag over variable over file [CLI-02]', async () => {
    const { out } = await run(['help-verbose']);
    const made = [...out.matchAll(/^ +--([a-z_]+(?:\.[a-z_]+)*) +\[(LIVEKIT_[A-Z_]+)\].*\(default ([^)]*)\)/gm)];
    assert.ok(made.length > 150, `${made.length} flags`);
    for (const [, key, variable] of made) assert.equal(variable, `LIVEKIT_${key.toUpperCase().replaceAll('.', '_')}`);
    for (const [key, file, variable, flag] of [
      ['rtc.tcp_port', '7001', '7002', '7003'],
      ['rtc.congestion_control.allow_pause', 'true', 'true', 'true'],
      ['audio.update_interval', '401', '402', '403'],
      ['room.empty_timeout', '11', '12', '13'],
      ['rtc.pli_throttle.low_quality', '1s', '2s', '3s'],
    ]) {
      const by_file = ['--config-body', key.split('.').reverse().reduce((value, part) => `{${part}: ${value}}`, file)];
      const env = { [`LIVEKIT_${key.toUpperCase().replaceAll('.', '_')}`]: variable };
      assert.notEqual(await shown(key, []), file, key);
      assert.equal(await shown(key, by_file), file, key);
      assert.equal(await shown(key, by_file, { env }), variable, key);
      assert.equal(await shown(key, [...by_file, `--${key}=${flag}`], { env }), flag, key);
    }
    assert.equal(await shown('room.auto_create', ['--room.auto_create=false']), 'false');
  });

  await suite.check('lists, maps and sections have no flag; values of another type are refused [CLI-02]', async () => {
    for (const name of ['rtc.turn_servers', 'webhook.urls', 'room.enabled_codecs', 'logging.component_levels', 'rtc', 'room']) {
      await fails(['serve', '--dev', `--${name}`, 'x'], `flag provided but not defined: --${name}`, { code: 2 });
    }
    await fails(['serve', '--dev', '--rtc.tcp_port', 'abc'], '--rtc.tcp_port needs a whole number');
    await fails(['serve', '--dev', '--rtc.tcp_port', '65536'], '--rtc.tcp_port needs a whole number');
    await fails(['serve', '--dev'], 'LIVEKIT_RTC_TCP_PORT needs a whole number', { env: { LIVEKIT_RTC_TCP_PORT: 'abc' } });
    await fails(['serve', '--dev', '--udp-port', '7000-x'], '--rtc.udp_port needs a port or a range');
  });
}

export async function flag_checks(suite) {
  await named_checks(suite);
  await generated_checks(suite);
}
