// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What an update costs: from the bytes of an answer to the picture of it. Told as a measure
// "console-update", which developer tools and the tests read.

const name = 'console-update';

/** Call it after React has put the answer that came at `receivedAt` into the document. */
export function measureUpdate(receivedAt: number): void {
  requestAnimationFrame(() => {
    // The task behind a frame runs once it is painted.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      performance.measure(name, { start: receivedAt, end: performance.now() });
      performance.clearMeasures(name); // observers have it; the page must not collect them
      port1.close();
    };
    port2.postMessage(null);
  });
}
