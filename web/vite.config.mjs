// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Builds the static page into dist/, to be served under /demo/. Nothing in the bundle points to
// another host, and no script or style needs more than the policy named in README.md.

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { notices } from './scripts/notices.mjs';

// `npm run dev` passes calls on to a server that is already running (`confab serve --dev`).
const server = process.env.CONFAB_URL ?? 'http://127.0.0.1:7880';

export default defineConfig({
  base: '/demo/',
  plugins: [react(), notices()],
  server: { proxy: { '/api': server, '/rtc': { target: server, ws: true } } },
  build: { target: 'es2021', sourcemap: false, assetsInlineLimit: 0, chunkSizeWarningLimit: 1500 },
  worker: { format: 'es' },
  test: { environment: 'node', include: ['src/**/*.test.ts'], setupFiles: ['scripts/test_setup.mjs'] },
});
