/** Users, their roles, and tokens of scripts. */
import { useEffect, useState } from 'preact/hooks';
import { ROLES, type Role, type TokenReport, type UserReport } from '../contract.js';
import { MAY, passwordQuestion, removeQuestion, revokeQuestion, roleQuestion } from './account-questions.js';
import { ask } from './api.js';
import type { PageProps } from './app.js';
import { troubleOf, useConfirm } from './parts.js';
import { day } from './text.js';

export function UsersPage({ session, may }: PageProps) {
  return (
    <>
      {may('admin') ? (
        <Accounts own={session.name} />
      ) : (
        <p>To see the users needs the role admin; you are {session.role}.</p>
      )}
      <OwnPassword />
    </>
  );
}

function Accounts({ own }: { readonly own: string }) {
  const [users, setUsers] = useState<readonly UserReport[]>([]);
  const [tokens, setTokens] = useState<readonly TokenReport[]>([]);
  const [secret, setSecret] = useState<{ readonly of: string; readonly text: string } | null>(null);
  const [trouble, setTrouble] = useState('');
  const { confirm, dialog } = useConfirm();
  const load = async () => {
    setUsers((await ask<{ users: UserReport[] }>('GET', '/users')).users);
    setTokens((await ask<{ tokens: TokenReport[] }>('GET', '/tokens')).tokens);
  };
  const attempt = async (how: () => Promise<void>) => {
    try {
      setTrouble('');
      await how();
      await load();
    } catch (error) {
      setTrouble(troubleOf(error));
    }
  };
  const deed = (done: string, how: () => Promise<unknown>) => async () => {
    await how();
    // Whoever takes the role of an admin from himself may not look any more.
    await load().catch(() => undefined);
    return done;
  };
  const renewPassword = (name: string) =>
    deed(`${name} has a new password`, async () => {
      const { password } = await ask<{ password: string }>('PUT', `/users/${name}`, { newPassword: true });
      setSecret({ of: name, text: password });
    });
  useEffect(() => void attempt(async () => undefined), []);
  const add = (event: SubmitEvent, path: string, read: (answer: { password?: string; token?: string }) => string) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const data = new FormData(form);
    const name = String(data.get('name'));
    void attempt(async () => {
      const answer = await ask<{ password?: string; token?: string }>('POST', path, { name, role: data.get('role') });
      setSecret({ of: name, text: read(answer) });
      form.reset();
    });
  };
  return (
    <>
      {dialog}
      <p class="trouble" role="alert">
        {trouble}
      </p>
      {secret !== null && (
        <div class="banner good" role="status">
          For {secret.of}, shown once: <code data-test="secret">{secret.text}</code>{' '}
          <button type="button" onClick={() => setSecret(null)}>
            I have it
          </button>
        </div>
      )}
      <section class="panel">
        <h2>Users</h2>
        <ul class="history">
          {users.map(({ name, role, changedAt }) => (
            <li key={name}>
              <span>
                <strong>{name}</strong> {name === own ? '(you) ' : ''}
                <small>
                  {MAY[role]}; changed {day(changedAt)}
                </small>
              </span>
              <span class="buttons">
                <label class="inline">
                  <span class="hidden">Role of {name}</span>
                  <select
                    value={role}
                    onChange={(event) => {
                      const to = event.currentTarget.value as Role;
                      // What is shown is the role that it has, until it has another.
                      event.currentTarget.value = role;
                      const act = deed(`${name} is ${to}`, () => ask('PUT', `/users/${name}`, { role: to }));
                      confirm({ ...roleQuestion({ name, role }, to, own), act });
                    }}
                  >
                    {ROLES.map((each) => (
                      <option key={each}>{each}</option>
                    ))}
                  </select>
                </label>
                <button
                  type="button"
                  disabled={name === own}
                  title={name === own ? 'Your own is changed below: a new one would end this session' : undefined}
                  onClick={() => confirm({ ...passwordQuestion(name), act: renewPassword(name) })}
                >
                  New password…
                </button>
                <button
                  type="button"
                  disabled={name === own}
                  onClick={() =>
                    confirm({
                      ...removeQuestion(name),
                      act: deed(`${name} is removed`, () => ask('DELETE', `/users/${name}`)),
                    })
                  }
                >
                  Remove…
                </button>
              </span>
            </li>
          ))}
        </ul>
        <form class="row" onSubmit={(event) => add(event, '/users', ({ password }) => password ?? '')}>
          <label>
            New user
            <input name="name" required pattern="[A-Za-z0-9][A-Za-z0-9._\-]*" maxLength={32} autocomplete="off" />
          </label>
          <RoleField />
          <button type="submit">Make the user</button>
        </form>
      </section>
      <section class="panel">
        <h2>Tokens of scripts</h2>
        <p class="hint">
          A script sends <code>authorization: Bearer TOKEN</code>. What it may ask is in{' '}
          <a href="/api/v1/openapi.json">openapi.json</a>.
        </p>
        <ul class="history">
          {tokens.map((token) => (
            <li key={token.id}>
              <span>
                <strong>{token.name}</strong>{' '}
                <small>
                  {token.role}; made by {token.createdBy}, {day(token.createdAt)}
                </small>
              </span>
              <button
                type="button"
                onClick={() =>
                  confirm({
                    ...revokeQuestion(token),
                    act: deed(`the token of ${token.name} is revoked`, () => ask('DELETE', `/tokens/${token.id}`)),
                  })
                }
              >
                Revoke…
              </button>
            </li>
          ))}
        </ul>
        <form class="row" onSubmit={(event) => add(event, '/tokens', ({ token }) => token ?? '')}>
          <label>
            New token for
            <input name="name" required maxLength={64} autocomplete="off" placeholder="what uses it" />
          </label>
          <RoleField />
          <button type="submit">Make the token</button>
        </form>
      </section>
    </>
  );
}

function RoleField() {
  return (
    <label>
      Role
      <select name="role">
        {ROLES.map((role) => (
          <option key={role}>{role}</option>
        ))}
      </select>
    </label>
  );
}

function OwnPassword() {
  const [outcome, setOutcome] = useState('');
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const data = new FormData(form);
    try {
      await ask('PUT', '/password', { old: data.get('old'), new: data.get('new') });
      form.reset();
      setOutcome('The password is changed; other sessions have ended.');
    } catch (error) {
      setOutcome(troubleOf(error));
    }
  };
  return (
    <section class="panel">
      <h2>Your password</h2>
      <form class="row" onSubmit={(event) => void submit(event)}>
        <label>
          Old
          <input name="old" type="password" required autocomplete="current-password" />
        </label>
        <label>
          New, at least 10 letters
          <input name="new" type="password" required minLength={10} autocomplete="new-password" />
        </label>
        <button type="submit">Change it</button>
      </form>
      <p role="status">{outcome}</p>
    </section>
  );
}
