// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Builds the console into dist-console/, to be served under /console/. As with the demo page, nothing
// in the bundle points to another host, and no script or style needs more than default-src 'self'.

import { fileURLToPath, URL } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { notices } from './scripts/notices.mjs';

// `npm run dev:console` passes calls on to a server that is already running, or to
// tests/console/mock_server.mjs.
const server = process.env.CONFAB_URL ?? 'http://127.0.0.1:7880';

export default defineConfig({
  root: fileURLToPath(new URL('console', import.meta.url)),
  base: '/console/',
  plugins: [react(), notices({ file: 'console/THIRD-PARTY.md', page: 'console' })],
  server: { proxy: { '/console/api': server }, fs: { allow: ['..'] } },
  build: { target: 'es2021', outDir: '../dist-console', emptyOutDir: true, sourcemap: false, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  test: { environment: 'node', include: ['src/**/*.test.{ts,tsx}'] },
});
