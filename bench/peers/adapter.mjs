// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
//
// Lets the clients of the call benchmark drive a server that does not speak LiveKit's signalling:
// it takes as much of that (/rtc, two connections) as these clients use, on 127.0.0.1, and has
// Janus or mediasoup send and receive the media. See README.md.

import process from 'node:process';

import { JanusServer } from './janus.mjs';
import { MediasoupServer } from './mediasoup.mjs';
import { SignallingServer } from './signalling.mjs';

const kServers = { janus: JanusServer, mediasoup: MediasoupServer };
const kUsage = `usage: adapter.mjs janus|mediasoup --http PORT [options]
  --http PORT      where clients come to; it listens once the server behind it is ready
janus
  --binary FILE    (janus)
  --plugins DIR    (where the binary expects them)
  --transports DIR (likewise)
  --event-loops N  threads for media (0: one for each connection, as Janus comes)
mediasoup
  --package DIR    where 'npm install mediasoup' was called (.)
  --worker FILE    (the package's)
  --sockets WHICH  one; each: every connection has its own (one)
`;

class UsageError extends Error {}

// { name: value } of "--name value …".
function read_options(words) {
  const options = {};
  for (let i = 0; i < words.length; i += 2) {
    if (!words[i].startsWith('--') || i + 1 >= words.length) throw new UsageError(`what is '${words[i]}'?`);
    options[words[i].slice(2)] = words[i + 1];
  }
  return options;
}

async function main([name, ...words]) {
  const Server = kServers[name];
  if (!Server) throw new UsageError(`no server '${name ?? ''}'`);
  const options = read_options(words);
  if (!(Number(options.http) > 0)) throw new UsageError('--http is missing');
  const server = await Server.start(options);
  await new SignallingServer(server).listen(Number(options.http));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`adapter: ${error instanceof UsageError ? `${error.message}\n${kUsage}` : error.stack}\n`);
  process.exit(1);
}
