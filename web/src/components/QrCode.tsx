// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A link as a QR code (ISO/IEC 18004), drawn as one path.

import { qrPath } from '../lib/qr';
import { strings } from '../strings';

export function QrCode({ text }: { text: string }) {
  const code = qrPath(text);
  if (!code) return <p className="muted">{strings.invite.tooLong}</p>;
  return (
    <svg
      className="qr" viewBox={`0 0 ${code.size} ${code.size}`} role="img" aria-label={strings.invite.qr}
      shapeRendering="crispEdges" data-testid="invite-qr"
    >
      <rect width={code.size} height={code.size} fill="#fff" />
      <path d={code.path} fill="#000" />
    </svg>
  );
}
