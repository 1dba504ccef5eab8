// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Node 18 has no global WebCrypto; browsers do, and the tests run in Node.

import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;
