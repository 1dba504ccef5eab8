// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// What a process of this machine uses, from /proc.

import fs from 'node:fs';

// Resident memory in bytes.
export function resident(pid) {
  const line = fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+) kB/m);
  return Number(line[1]) * 1024;
}

export const descriptors = (pid) => fs.readdirSync(`/proc/${pid}/fd`).length;

// Local ports that a process listens on or is bound to: {tcp, udp}.
export function open_ports(pid) {
  const inodes = new Set();
  for (const name of fs.readdirSync(`/proc/${pid}/fd`)) {
    const socket = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${name}`));
    if (socket) inodes.add(socket[1]);
  }
  const ports = (table, listening) => {
    const lines = fs.readFileSync(`/proc/${pid}/net/${table}`, 'utf8').trim().split('\n').slice(1);
    const fields = lines.map((line) => line.trim().split(/\s+/));
    const own = fields.filter((one) => inodes.has(one[9]) && (!listening || one[3] === '0A'));
    return own.map((one) => parseInt(one[1].split(':')[1], 16));
  };
  const both = (name, listening) => [...new Set([...ports(name, listening), ...ports(`${name}6`, listening)])];
  return { tcp: both('tcp', true), udp: both('udp', false) };
}

function link(path) {
  try {
    return fs.readlinkSync(path);
  } catch {
    return '';
  }
}

// Looks at the memory every 20 ms until stopped.
export class MemoryWatch {
  constructor(pid) {
    this.pid = pid;
    this.before = resident(pid);
    this.peak = this.before;
    this.timer = setInterval(() => this.#look(), 20);
  }

  #look() {
    try {
      this.peak = Math.max(this.peak, resident(this.pid));
    } catch {
      clearInterval(this.timer); // the process has gone; whoever watches it finds out
    }
  }

  // Bytes of growth at the worst moment.
  stop() {
    this.#look();
    clearInterval(this.timer);
    return this.peak - this.before;
  }
}
