// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Sub-commands, what they print, and how the program ends.

import { createHmac } from 'node:crypto';
import net from 'node:net';

import { free_port } from '../lib/ports.mjs';
import { start_server } from '../lib/server.mjs';
import { assert } from '../lib/suite.mjs';
import { fails, printed, run } from './program.mjs';

const kAlphabet = '[2-9A-HJ-NP-Za-km-z]';
const claims_of = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());

async function key_checks(suite) {
  await suite.check('generate-keys prints a pair that a server takes, another one each time [CLI-03]', async () => {
    const pair = new RegExp(`^API Key:  (API${kAlphabet}{12})\nAPI Secret:  ([0-9A-Za-z]{40,44})\n$`);
    const [one, two] = [await printed(['generate-keys']), await printed(['generate-keys'])].map((text) => text.match(pair));
    assert.ok(one && two);
    assert.ok(one[1] !== two[1] && one[2] !== two[2]);
    await printed(['config', 'check', '--keys', `${one[1]}: ${one[2]}`]);
  });

  await suite.check('create-join-token: thirty days behind "Token:", a recorder is hidden and silent [CLI-03]', async () => {
    const args = ['create-join-token', '--keys', `k: ${'s'.repeat(40)}`, '--room', 'r', '--identity', 'i'];
    const read = async (more) => {
      const token = (await printed([...args, ...more])).match(/^Token: (\S+)\n$/)[1];
      const [head, body, signature] = token.split('.');
      assert.equal(createHmac('sha256', 's'.repeat(40)).update(`${head}.${body}`).digest('base64url'), signature);
      return claims_of(token);
    };
    const claims = await read([]);
    assert.deepEqual([claims.iss, claims.sub, claims.video], ['k', 'i', { roomJoin: true, room: 'r' }]);
    assert.ok(Math.abs(claims.exp - Date.now() / 1000 - 30 * 86400) < 60, `${claims.exp}`);
    const { video } = await read(['--recorder']);
    assert.deepEqual([video.recorder, video.hidden, video.canPublish, video.roomJoin], [true, true, false, true]);
    await fails(['create-join-token', '--dev', '--room', 'r'], 'create-join-token needs --room and --identity');
    await fails(['create-join-token', '--room', 'r', '--identity', 'i'], 'no API key');
    assert.doesNotMatch(await printed(['--help']), /create-join-token/, 'hidden');
  });
}

async function list_checks(suite) {
  await suite.check('ports lists what a configuration opens [CLI-03]', async () => {
    const of = (body, ...more) => printed(['ports', ...(body ? ['--config-body', body] : []), ...more]);
    const http = '7880 - HTTP service\n7881 - ICE/TCP\n';
    assert.equal(await of(''), `TCP Ports\n${http}UDP Ports\n50000-60000 - ICE/UDP range\n`);
    assert.equal(await of('', '--dev'), `TCP Ports\n${http}UDP Ports\n7882 - ICE/UDP\n`);
    assert.equal(await of('rtc: {udp_port: 7882-7890}'), `TCP Ports\n${http}UDP Ports\n7882-7890 - ICE/UDP\n`);
    assert.equal(await of('port: 80\nrtc: {tcp_port: 0, port_range_start: 100, port_range_end: 200}'),
      'TCP Ports\n80 - HTTP service\nUDP Ports\n100-200 - ICE/UDP range\n');
    assert.equal(await of('turn: {enabled: true, domain: turn.example, tls_port: 5349, udp_port: 3478, external_tls: true}'),
      `TCP Ports\n${http}5349 - TURN/TLS\nUDP Ports\n50000-60000 - ICE/UDP range\n3478 - TURN/UDP\n`);
    await fails(['ports', '--config-body', 'port: abc'], 'could not parse config: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `abc`');
  });

  await suite.check('help-verbose is the help with a flag for each key; there is no cluster to list [CLI-03]', async () => {
    const [help, verbose] = [await printed(['serve', '--help']), await printed(['help-verbose'])];
    assert.ok(verbose.startsWith(help.trimEnd().slice(0, 400)));
    for (const flag of ['--config', '--config-body', '--key-file', '--keys', '--bind', '--dev', '--node-ip', '--udp-port', '--region',
      '--redis-host', '--redis-password', '--turn-cert', '--turn-key']) {
      assert.match(help, new RegExp(`^ +(-c,)?${flag}( |,|$)`, 'm'), flag);
    }
    for (const key of ['rtc.pli_throttle.low_quality', 'limit.num_tracks', 'turn.relay_range_start', 'room.auto_create']) {
      assert.ok(!help.includes(`--${key} `) && verbose.includes(`--${key} `), key);
    }
    assert.doesNotMatch(verbose, /disable-strict-config|cpuprofile/);
    await fails(['list-nodes'], 'unknown command `list-nodes`', { code: 2 });
  });

  await suite.check('--version and --help end well [CLI-01]', async () => {
    for (const args of [['--version'], ['version']]) assert.match(await printed(args), /^confab \d+\.\d+\.\d+\nLiveKit-compatible \d+\.\d+\.\d+\n$/);
    for (const args of [['--help'], ['-h'], ['serve', '--help'], ['ports', '--help']]) assert.match(await printed(args), /^Usage: confab/m);
  });
}

async function end_checks(suite) {
  await suite.check('whatever stops a start is printed and the exit code is not 0 [CLI-04]', async () => {
    await fails(['--nonsense'], 'flag provided but not defined: --nonsense', { code: 2 });
    await fails(['serve', '--rtc.tcp_prot', '1'], 'flag provided but not defined: --rtc.tcp_prot; did you mean --rtc.tcp_port?', { code: 2 });
    await fails(['serv'], 'unknown command `serv`; did you mean `confab serve`?', { code: 2 });
    await fails([], 'no command given', { code: 2 });
    await fails(['serve', '--dev', 'surplus'], '`surplus` is not expected here', { code: 2 });
    await fails(['--config', '/no/such/file'], 'open /no/such/file: no such file or directory');
    await fails(['--dev', '--config-body', 'port: [1]'], 'could not parse config: yaml: unmarshal errors:');
    await fails(['--dev', '--config-body', 'turn: {enabled: true}'], /^error: .*(TURN|turn)/);
    const port = await free_port();
    const taken = net.createServer();
    await new Promise((resolve) => taken.listen(port, '127.0.0.1', resolve));
    const busy = await run(['serve', '--dev', '--port', `${port}`, '--udp-port', `${await free_port()}`, '--rtc.tcp_port', '0']);
    assert.equal(busy.code, 1);
    assert.match(busy.err, new RegExp(`^error: .*127\\.0\\.0\\.1.*${port}: .*already in use$`, 'im'));
    taken.close();
  });

  await suite.check('webhooks without a key of the server stop the start [HOOK-09]', async () => {
    const text = 'api_key is required to use webhooks';
    const keys = `keys: {k: ${'s'.repeat(40)}}`;
    for (const webhook of ['{urls: ["http://127.0.0.1:1/"]}', '{urls: ["http://127.0.0.1:1/"], api_key: ""}', '{urls: ["http://127.0.0.1:1/"], api_key: nobody}']) {
      await fails(['serve', '--config-body', `${keys}\nwebhook: ${webhook}`], text);
      await fails(['config', 'check', '--config-body', `${keys}\nwebhook: ${webhook}`], text);
    }
    await printed(['config', 'check', '--config-body', `${keys}\nwebhook: {urls: ["http://127.0.0.1:1/"], api_key: k}`]);
    // Without addresses there is nothing to sign.
    await printed(['config', 'check', '--config-body', `${keys}\nwebhook: {api_key: nobody}`]);
    const server = await start_server(suite, { webhook: { urls: ['http://127.0.0.1:1/'], api_key: 'testkey' } });
    await server.stop();
  });
}

export async function command_checks(suite) {
  await key_checks(suite);
  await list_checks(suite);
  await end_checks(suite);
}
