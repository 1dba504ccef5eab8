// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// A Redis, of whatever form, and the nodes on it.

import { RedisServer } from '../lib/redis_server.mjs';
import { start_server } from '../lib/server.mjs';
import { until } from '../lib/wait.mjs';

// Of its metrics (confab.metrics_enabled).
export async function figure(node, name) {
  const text = await (await fetch(`${node.http}/metrics`)).text();
  return Number(text.match(new RegExp(`^${name}{[^}]*} (\\S+)$`, 'm'))?.[1]);
}

// Until each has a direct link to each other one.
export async function linked(nodes) {
  const links = () => Promise.all(nodes.all.map((node) => figure(node, 'confab_cluster_links')));
  await until(async () => (await links()).every((count) => count === nodes.all.length - 1), { what: async () => `all links, there are ${await links()}` });
}

export class Nodes {
  all = [];

  constructor(suite, redis) {
    Object.assign(this, { suite, redis });
  }

  // `form`: what stands in for one server (forms.mjs): {config: the section redis, cli(), end()}.
  // The other options are those of start_server.
  static async start(suite, count, config = {}, { form, ...options } = {}) {
    const redis = form ?? await RedisServer.start();
    suite.cleanup(() => redis.end());
    const nodes = new Nodes(suite, redis);
    nodes.options = options;
    for (let i = 0; i < count; i += 1) await nodes.add(config);
    return nodes;
  }

  // One more; known to all when this returns. `options`: instead of those of start().
  async add(config = {}, options = this.options) {
    const form = this.redis.config ?? { address: this.redis.address };
    const server = await start_server(this.suite, { ...config, redis: { ...form, ...config.redis } }, options);
    const joined = () => this.redis.cli('HKEYS', 'nodes').split('\n').find((node) => node && !this.all.some((one) => one.node === node));
    server.node = await until(() => options?.command ? joined() : server.log.match(/this node is one of the cluster nodeID="(\w+)"/)?.[1], { what: 'a node that has joined' });
    this.all.push(server);
    return server;
  }

  // Which of them has a room.
  holder(room) {
    const node = this.redis.cli('HGET', 'room_node_map', room);
    const found = this.all.find((one) => one.node === node);
    if (!found) throw new Error(`'${room}' is at ${node || 'no node'}`);
    return found;
  }

  async end() {
    for (const node of this.all) await node.stop();
    await this.redis.end();
  }

  // Any of them but these.
  other(...these) {
    return this.all.find((one) => !these.includes(one) && !one.exited);
  }
}
