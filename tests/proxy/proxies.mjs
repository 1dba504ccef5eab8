// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// The proxies of docs/guide/proxy.md, with its configurations: other ports and addresses, no TLS and
// shorter timeouts, all else as the guide has it.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { free_port } from '../lib/ports.mjs';
import { ROOT } from '../lib/server.mjs';
import { until } from '../lib/wait.mjs';

function guide(language) {
  const page = fs.readFileSync(path.join(ROOT, 'docs/guide/proxy.md'), 'utf8');
  const block = page.match(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms'));
  if (!block) throw new Error(`docs/guide/proxy.md has no \`\`\`${language} block`);
  return block[1];
}

// Every pair must be found: what the guide does not say any more is not tested in silence.
function replaced(text, pairs) {
  return pairs.reduce((all, [from, to]) => {
    if (all.search(from) < 0) throw new Error(`${from} is not in the guide`);
    return all.replace(from, to);
  }, text);
}

const kKinds = {
  nginx: ({ port, backend, seconds, folder }) => ({
    text: `daemon off; pid ${folder}/nginx.pid; error_log stderr; worker_processes 1;
events {} http { access_log off; ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((one) => `${one}_temp_path ${folder}/${one};`).join(' ')}
${replaced(guide('nginx'), [
    [/443 ssl/, `127.0.0.1:${port}`], [/ +ssl_certificate .*\n/, ''], [/ +ssl_certificate_key .*\n/, ''],
    [/127\.0\.0\.1:7880/, `127.0.0.1:${backend}`],
    [/proxy_read_timeout 60s/, `proxy_read_timeout ${seconds}s`],
    [/proxy_send_timeout 60s/, `proxy_send_timeout ${seconds}s`],
  ])} }`,
    command: (file) => ['nginx', '-e', 'stderr', '-p', folder, '-c', file],
  }),
  haproxy: ({ port, backend, seconds }) => ({
    text: replaced(guide('haproxy'), [
      [/:443 ssl crt \S+/, `127.0.0.1:${port}`], [/127\.0\.0\.1:7880/, `127.0.0.1:${backend}`],
      [/timeout client 60s/, `timeout client ${seconds}s`], [/timeout server 60s/, `timeout server ${seconds}s`],
      [/timeout tunnel 60s/, `timeout tunnel ${seconds}s`],
    ]),
    command: (file) => ['haproxy', '-db', '-f', file],
  }),
  // Caddy has no timeout of its own.
  caddy: ({ port, backend }) => ({
    text: `{\n admin off\n auto_https off\n}\n${replaced(guide('caddy'), [
      [/live\.example\.com/, `http://127.0.0.1:${port}`], [/127\.0\.0\.1:7880/, `127.0.0.1:${backend}`],
    ])}`,
    command: (file) => ['caddy', 'run', '--adapter', 'caddyfile', '--config', file],
  }),
};

export const kProxies = Object.keys(kKinds);

// Runs the proxy before `server`; what it gives is used in place of the server.
export async function start_proxy(suite, kind, server, folder, seconds) {
  const port = await free_port();
  const { text, command } = kKinds[kind]({ port, backend: server.ports.http, seconds, folder });
  const file = path.join(folder, `${kind}.conf`);
  fs.writeFileSync(file, text);
  const [program, ...args] = command(file);
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin`, HOME: folder };
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (log += data));
  child.on('error', (error) => (log += error.message));
  suite.cleanup(() => child.kill('SIGKILL'));
  const http = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(http).catch(() => undefined))?.status === 200, { what: () => `${kind}: ${log}` });
  return { http, ws: `ws://127.0.0.1:${port}`, ports: { ...server.ports, http: port }, told: () => log };
}
