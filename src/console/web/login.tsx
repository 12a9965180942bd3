import { useState } from 'preact/hooks';
import type { SessionReport } from '../contract.js';
import { ApiError, ask } from './api.js';
import { ThemeButton } from './theme.js';

interface LoginProps {
  /** Why the last session is over; empty: there was none, or somebody here has ended it. */
  readonly why: string;
  readonly onEnter: (session: SessionReport) => void;
}

export function Login({ why, onEnter }: LoginProps) {
  const [trouble, setTrouble] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    try {
      const body = { name: String(form.get('name')).trim(), password: String(form.get('password')) };
      onEnter(await ask<SessionReport>('POST', '/session', body));
    } catch (error) {
      setTrouble(error instanceof ApiError ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="login">
      <form onSubmit={(event) => void submit(event)}>
        <img src="/icon.svg" alt="" width="48" height="48" />
        <h1>Covey</h1>
        {why !== '' && (
          <p class="banner warn" role="status" data-test="why-out">
            You were logged out: {why}.
          </p>
        )}
        <p>
          The console of this farm. The first account and its password stand in the log of the node that started first.
        </p>
        <p class="hint">
          Lost? On any node, as root: <code>covey console --reset-admin</code>
        </p>
        <label>
          Name
          <input name="name" autocomplete="username" required autocapitalize="none" spellcheck={false} />
        </label>
        <label>
          Password
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <p class="trouble" role="alert">
          {trouble}
        </p>
        <button type="submit" class="primary" disabled={busy}>
          {busy ? 'Logging in…' : 'Log in'}
        </button>
      </form>
      <ThemeButton />
    </main>
  );
}
