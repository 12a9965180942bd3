/** The console's page. */
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { isAtLeast, type Role, type SessionReport } from '../contract.js';
import { ApiError, ask, useSession } from './api.js';
import { Banner } from './banner.js';
import { draftOf, dropDraft } from './config-draft.js';
import { ageOf, type Farm, isStale, useFarm } from './live.js';
import { Login } from './login.js';
import { ChecksPage } from './page-checks.js';
import { ConfigPage } from './page-config.js';
import { ExplainPage } from './page-explain.js';
import { FarmPage } from './page-farm.js';
import { NetworkPage } from './page-network.js';
import { TimelinePage } from './page-timeline.js';
import { TrafficPage } from './page-traffic.js';
import { UsersPage } from './page-users.js';
import { duration } from './text.js';
import { ThemeButton } from './theme.js';

export interface PageProps {
  readonly farm: Farm;
  readonly session: SessionReport;
  readonly may: (role: Role) => boolean;
}

const PAGES = [
  ['farm', 'Farm', FarmPage],
  ['traffic', 'Traffic', TrafficPage],
  ['timeline', 'Timeline', TimelinePage],
  ['checks', 'Checks', ChecksPage],
  ['network', 'Network', NetworkPage],
  ['explain', 'Explain', ExplainPage],
  ['config', 'Configuration', ConfigPage],
  ['users', 'Users', UsersPage],
] as const;

const pageInAddress = () => PAGES.find(([id]) => location.hash === `#/${id}`) ?? PAGES[0];

function App() {
  const [session, setSession] = useState<SessionReport | null | 'unknown'>('unknown');
  /** Why the last session is over, where nobody here has ended it. */
  const [why, setWhy] = useState('');
  const enter = (next: SessionReport | null, whyOver = '') => {
    useSession(next);
    setWhy(whyOver);
    setSession(next);
  };
  useEffect(() => {
    ask<SessionReport>('GET', '/session').then(
      (known) => enter(known),
      (error) => enter(null, whyOut(error)),
    );
  }, []);
  if (session === 'unknown') return <p class="loading">One moment…</p>;
  if (session === null) return <Login why={why} onEnter={(begun) => enter(begun)} />;
  return <Shell session={session} onLeave={(whyOver) => enter(null, whyOver)} />;
}

/** Of a refusal the hint; a console that does not answer has thrown out nobody. */
const whyOut = (error: unknown) => (error instanceof ApiError && error.status === 401 ? error.hint : '');

function Shell({
  session: begun,
  onLeave,
}: {
  readonly session: SessionReport;
  readonly onLeave: (why: string) => void;
}) {
  const farm = useFarm(true);
  // An admin may give another role to whoever looks, or to himself.
  const session = { ...begun, role: farm.role ?? begun.role };
  const [[id, title, Page], setPage] = useState<(typeof PAGES)[number]>(pageInAddress);
  useEffect(() => {
    const follow = () => {
      setPage(pageInAddress());
      // Whoever listens hears the new page's heading; whoever looks sees it from its top.
      document.getElementById('main')?.focus({ preventScroll: true });
      scrollTo(0, 0);
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  useEffect(() => {
    document.title = `${title} · ${farm.frame?.status?.farm ?? 'Covey'}`;
  }, [title, farm.frame?.status?.farm]);
  useEffect(() => {
    if (!farm.over) return;
    // The stream says only that it is over; why, the server says to whoever asks with the old cookie.
    ask('GET', '/session').then(
      () => onLeave(''),
      (error) => onLeave(whyOut(error)),
    );
  }, [farm.over]);
  useEffect(() => {
    const holdBack = (event: BeforeUnloadEvent) => {
      if (draftOf(session.name) !== null) event.preventDefault();
    };
    addEventListener('beforeunload', holdBack);
    return () => removeEventListener('beforeunload', holdBack);
  }, [session.name]);
  const leave = () => {
    dropDraft();
    const left = () => onLeave('');
    void ask('DELETE', '/session').then(left, left);
  };
  return (
    <div class={isStale(farm) ? 'shell is-stale' : 'shell'}>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <div class="brand">
          <img src="/icon.svg" alt="" width="28" height="28" />
          <div>
            <strong>{farm.frame?.status?.farm ?? 'Covey'}</strong>
            <small>seen by {farm.frame?.status?.node ?? '…'}</small>
          </div>
        </div>
        <Freshness farm={farm} />
        <div class="who">
          <span>
            {session.name} <small>role {session.role}</small>
          </span>
          <ThemeButton />
          <button type="button" onClick={leave}>
            Log out
          </button>
        </div>
      </header>
      <nav aria-label="Pages">
        {PAGES.map(([page, label]) => (
          <a key={page} href={`#/${page}`} aria-current={page === id ? 'page' : undefined}>
            {label}
            {page === 'config' && draftOf(session.name) !== null && <small> (unsaved)</small>}
          </a>
        ))}
      </nav>
      <Banner farm={farm} />
      <main id="main" tabIndex={-1}>
        <h1>{title}</h1>
        <Page farm={farm} session={session} may={(role) => isAtLeast(session.role, role)} />
      </main>
      <footer>
        <small>
          Covey {farm.frame?.status?.software.version ?? ''} · certificate SHA-256{' '}
          <code>{farm.frame?.fingerprint ?? '…'}</code>
        </small>
      </footer>
    </div>
  );
}

/** Never silent about age: what is older than two seconds is called so, in words. */
function Freshness({ farm }: { readonly farm: Farm }) {
  const age = ageOf(farm);
  if (age === null) return <span class="fresh bad">no data yet</span>;
  if (isStale(farm)) return <span class="fresh bad">stale: {duration(age)} old</span>;
  return <span class="fresh good">live</span>;
}

render(<App />, document.getElementById('app')!);
