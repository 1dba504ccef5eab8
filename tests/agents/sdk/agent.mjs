// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// An agent of @livekit/agents: answers each text with the same in upper case.

import { fileURLToPath } from 'node:url';

import { cli, defineAgent, ServerOptions } from '@livekit/agents';

export default defineAgent({
  entry: async (ctx) => {
    ctx.room.registerTextStreamHandler('question', async (reader, { identity }) => {
      const text = await reader.readAll();
      await ctx.room.localParticipant.sendText(`${text.toUpperCase()} ${ctx.job.metadata}`, {
        topic: 'answer',
        destinationIdentities: [identity],
      });
    });
    await ctx.connect();
    await ctx.room.localParticipant.setAttributes({ ready: 'node' });
  },
});

// A busy machine would refuse jobs by its own load. A spare process that still starts when the worker is
// told to end misses that (@livekit/agents 1.9.0): it is killed after this time, not after 60 s.
const self = fileURLToPath(import.meta.url);
if (process.argv[1] === self) {
  cli.runApp(
    new ServerOptions({
      agent: self,
      agentName: process.env.AGENT_NAME ?? '',
      loadFunc: async () => 0.1,
      numIdleProcesses: 1,
      shutdownProcessTimeout: 10_000,
      host: '127.0.0.1',
      port: 0,
    }),
  );
}
