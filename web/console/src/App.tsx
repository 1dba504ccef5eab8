// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who is signed in decides between the form and the pages.

import { type ComponentType, useCallback, useState } from 'react';
import { useRoute } from './hooks/useRoute';
import { useSession } from './hooks/useSession';
import { useShortcuts } from './hooks/useShortcuts';
import type { PageName, Route } from './lib/route';
import { Config } from './pages/Config';
import { Events } from './pages/Events';
import { History } from './pages/History';
import { Overview } from './pages/overview/Overview';
import { Room } from './pages/room/Room';
import { Rooms } from './pages/Rooms';
import { Sessions } from './pages/Sessions';
import { SignIn } from './pages/SignIn';
import { Webhooks } from './pages/Webhooks';
import { strings } from './strings';
import { ActionHost } from './ui/ActionHost';
import { AwayBanner } from './ui/AwayBanner';
import { Loading, PageHead } from './ui/bits';
import { ErrorBoundary } from './ui/ErrorBoundary';
import { HelpDialog } from './ui/HelpDialog';
import { Nav } from './ui/Nav';

const views: Record<PageName, ComponentType<{ route: Route }>> = {
  overview: Overview, rooms: Rooms, history: History, sessions: Sessions, events: Events, webhooks: Webhooks, config: Config,
};

function Page({ route }: { route: Route }) {
  if (route.page === 'unknown') return <><PageHead title={strings.pages.unknown} /><p>{strings.unknown}</p></>;
  const [room, identity] = route.parts;
  const { tenant } = route.params;
  if (route.page === 'rooms' && room !== undefined) return <Room key={`${tenant} ${room}`} room={room} tenant={tenant} identity={identity} />;
  const View = views[route.page];
  return <View key={route.page} route={route} />;
}

function Pages({ onSignOut }: { onSignOut: () => void }) {
  const route = useRoute();
  const [help, setHelp] = useState(false);
  const showHelp = useCallback(() => setHelp(true), []);
  useShortcuts(showHelp);
  return (
    <div className="app">
      <Nav page={route.page} onHelp={showHelp} onSignOut={onSignOut} />
      <main id="content" tabIndex={-1}>
        <AwayBanner />
        <ErrorBoundary page={route.page}><Page route={route} /></ErrorBoundary>
      </main>
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </div>
  );
}

/** Not a plain link: what stands behind # is the page. */
function SkipLink() {
  return (
    <a
      className="skip" href="#content" data-testid="skip"
      onClick={(event) => {
        event.preventDefault();
        document.getElementById('content')?.focus();
      }}
    >
      {strings.skip}
    </a>
  );
}

export function App() {
  const { state, signIn, signOut } = useSession();
  return (
    <>
      <SkipLink />
      {state.phase === 'asking' && <main id="content" className="alone" tabIndex={-1}><AwayBanner /><h1>{strings.product}</h1><Loading /></main>}
      {state.phase === 'out' && <SignIn ended={state.ended} signIn={signIn} />}
      {state.phase === 'in' && <ActionHost session={state.session}><Pages onSignOut={() => void signOut()} /></ActionHost>}
    </>
  );
}
