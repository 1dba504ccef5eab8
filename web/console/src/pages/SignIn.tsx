// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// By a key of the API and its secret, or by a password of the configuration.

import { type FormEvent, useState } from 'react';
import { Absence, Refusal } from '../api/client';
import type { Credentials } from '../hooks/useSession';
import { useTitle } from '../hooks/useRoute';
import { strings } from '../strings';
import { AwayBanner } from '../ui/AwayBanner';
import { ThemeButton } from '../ui/Nav';

interface Props {
  ended: boolean;
  signIn: (credentials: Credentials) => Promise<void>;
}

const text = strings.signIn;

function describe(error: unknown): string {
  if (error instanceof Absence) return strings.away.title;
  if (!(error instanceof Refusal)) return String(error);
  if (error.status === 429) return text.tooOften(error.retryAfterS);
  return error.status === 401 ? text.wrong : error.message;
}

interface InputProps {
  name: string;
  label: string;
  type: 'text' | 'password';
  complete: string;
  hint?: string;
}

function Input({ name, label, type, complete, hint }: InputProps) {
  return (
    <div className="hinted">
      <label className="field">
        {label}
        <input
          name={name} type={type} required autoComplete={complete} autoCapitalize="none" spellCheck={false}
          aria-describedby={hint ? `${name}-hint` : undefined} data-testid={name}
        />
      </label>
      {hint && <p className="hint" id={`${name}-hint`}>{hint}</p>}
    </div>
  );
}

function Kind({ byKey, choose }: { byKey: boolean; choose: (byKey: boolean) => void }) {
  const option = (label: string, key: boolean, testId: string) => (
    <label className="check">
      <input type="radio" name="kind" checked={byKey === key} onChange={() => choose(key)} data-testid={testId} />
      {label}
    </label>
  );
  return (
    <fieldset className="kinds">
      <legend>{text.with}</legend>
      {option(text.byKey, true, 'by-key')}
      {option(text.byPassword, false, 'by-password')}
    </fieldset>
  );
}

export function SignIn({ ended, signIn }: Props) {
  const [byKey, setByKey] = useState(true);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState('');
  useTitle(strings.pages.signIn);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>;
    const { key = '', secret = '', password = '' } = given;
    setBusy(true);
    setFailure('');
    signIn(byKey ? { key: key.trim(), secret: secret.trim() } : { password }).catch((error: unknown) => {
      setFailure(describe(error));
      setBusy(false);
    });
  };
  return (
    <main id="content" className="alone" tabIndex={-1} data-testid="sign-in">
      <AwayBanner />
      <h1>{strings.product}</h1>
      <p className="muted">{text.intro}</p>
      {ended && !failure && <p className="banner" role="status" data-testid="ended">{text.ended}</p>}
      {failure && <p className="problem" role="alert" data-testid="failure">{failure}</p>}
      <form onSubmit={submit}>
        <Kind byKey={byKey} choose={setByKey} />
        {byKey ? (
          <>
            <Input name="key" label={text.key} type="text" complete="username" hint={text.keyHint} />
            <Input name="secret" label={text.secret} type="password" complete="current-password" />
          </>
        ) : <Input name="password" label={text.password} type="password" complete="current-password" hint={text.passwordHint} />}
        <button type="submit" className="primary" disabled={busy} data-testid="submit">{busy ? strings.busy : text.submit}</button>
      </form>
      <ThemeButton />
    </main>
  );
}
