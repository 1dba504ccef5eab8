// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A Redis Cluster for tests/cluster_store, which says what has passed.

import { spawn } from 'node:child_process';
import path from 'node:path';

import { redis_cluster } from '../lib/redis_server.mjs';
import { ROOT } from '../lib/server.mjs';

const kLimitMillis = 120000;
const program = path.resolve(ROOT, process.env.CONFAB_CLUSTER_STORE ?? 'build/release/tests/cluster_store');

const all = await redis_cluster();
// One that stays: the program ends a master.
const [seed] = all.slice(-1);
const child = spawn(program, [String(seed.port), 'masters'], { stdio: 'inherit' });
const timer = setTimeout(() => child.kill('SIGKILL'), kLimitMillis);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill('SIGKILL'));
const code = await new Promise((resolve) => {
  child.once('exit', (status) => resolve(status ?? 1));
  child.once('error', (error) => { console.log(`${error.message}\n0 passed, 1 failed`); resolve(1); });
});
clearTimeout(timer);
for (const one of all) await one.end();
process.exitCode = code;
