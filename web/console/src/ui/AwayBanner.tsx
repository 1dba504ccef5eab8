// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Says that the server is away, and since when; and for a moment that it is back.

import { useEffect, useRef, useState } from 'react';
import { connection, useAway } from '../api/connection';
import { time } from '../lib/format';
import { strings } from '../strings';

const backMs = 4000;

export function AwayBanner() {
  const away = useAway();
  const was = useRef(false);
  const [back, setBack] = useState(false);
  useEffect(() => {
    const returned = was.current && !away;
    was.current = away;
    setBack(returned);
    if (!returned) return;
    const timer = setTimeout(() => setBack(false), backMs);
    return () => clearTimeout(timer);
  }, [away]);
  const { lastAnswer } = connection.get();
  return (
    <div role="status" className="live">
      {away && (
        <p className="banner banner--away" data-testid="away">
          <strong>{strings.away.title}.</strong> {lastAnswer > 0 ? strings.away.since(time(lastAnswer)) : strings.away.never}
        </p>
      )}
      {back && <p className="banner banner--back" data-testid="back">{strings.away.back}</p>}
    </div>
  );
}
