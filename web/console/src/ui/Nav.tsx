// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The pages, and what is about the person: role, colours, help, signing out.

import { useState } from 'react';
import { useConsole } from '../hooks/useConsole';
import { addressOf, type PageName, pages } from '../lib/route';
import { applyTheme, loadTheme, nextTheme } from '../../../shared/theme';
import { strings } from '../strings';

export function ThemeButton() {
  const [theme, setTheme] = useState(loadTheme);
  const next = () => {
    const chosen = nextTheme(theme);
    applyTheme(chosen);
    setTheme(chosen);
  };
  return <button type="button" className="plain" onClick={next} data-testid="theme" data-value={theme}>{strings.nav.theme[theme]}</button>;
}

interface Props {
  page: PageName | 'unknown';
  onHelp: () => void;
  onSignOut: () => void;
}

function PageLinks({ page, onChosen }: { page: Props['page']; onChosen: () => void }) {
  return (
    <ul className="nav__pages">
      {pages.map((name) => (
        <li key={name}>
          <a href={addressOf(name)} aria-current={name === page ? 'page' : undefined} onClick={onChosen} data-testid={`nav-${name}`}>
            {strings.pages[name]}
          </a>
        </li>
      ))}
    </ul>
  );
}

export function Nav({ page, onHelp, onSignOut }: Props) {
  const { session } = useConsole();
  const [open, setOpen] = useState(false);
  return (
    <header className="side">
      <div className="side__top">
        <a className="brand" href={addressOf('overview')}>{strings.product}</a>
        <button
          type="button" className="menu" aria-expanded={open} aria-controls="menu" onClick={() => setOpen(!open)} data-testid="menu"
        >
          {strings.nav.menu}
        </button>
      </div>
      <div id="menu" className={open ? 'side__menu side__menu--open' : 'side__menu'}>
        <nav aria-label={strings.nav.label}><PageLinks page={page} onChosen={() => setOpen(false)} /></nav>
        <div className="side__self">
          <p className="muted" data-testid="who"><strong>{session.name}</strong> {strings.nav.role[session.role]}</p>
          <ThemeButton />
          <button type="button" className="plain" onClick={onHelp} data-testid="open-help">{strings.nav.help}</button>
          <button type="button" className="plain" onClick={onSignOut} data-testid="sign-out">{strings.nav.signOut}</button>
          <a className="muted" href={`${import.meta.env.BASE_URL}third-party.txt`}>{strings.notices}</a>
        </div>
      </div>
    </header>
  );
}
