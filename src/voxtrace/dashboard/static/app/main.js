// The frame around every page: navigation, window of time, connection, theme; and which page the address means.
import { render } from '../vendor/preact.mjs';
import { useEffect, useState } from '../vendor/hooks.mjs';
import { html, plural, Time } from './ui.js';
import { describe, start, togglePause, useLive } from './live.js';
import { Overview } from './overview.js';

// Pages beside the first are fetched when somebody goes there.
const PAGES = [
  { name: 'Overview', path: '/', matches: (path) => path === '/', load: async () => Overview },
  {
    name: 'Requests',
    path: '/requests',
    matches: (path) => path === '/requests',
    load: async () => (await import('./requests.js')).Requests,
  },
  {
    name: 'Request',
    path: null,
    matches: (path) => path.startsWith('/requests/'),
    load: async () => (await import('./waterfall.js')).RequestPage,
  },
];
const WINDOWS = [5, 15, 60, 360, 1440];
const USUAL_WINDOW = 15;

const readAddress = () => ({ path: window.location.pathname, query: new URLSearchParams(window.location.search) });

/** Go to an address inside the dashboard without loading the page again. */
function go(address, { replace = false } = {}) {
  window.history[replace ? 'replaceState' : 'pushState'](null, '', address);
  window.dispatchEvent(new PopStateEvent('popstate'));
}

function useAddress() {
  const [address, setAddress] = useState(readAddress);
  useEffect(() => {
    const read = () => setAddress(readAddress());
    window.addEventListener('popstate', read);
    return () => window.removeEventListener('popstate', read);
  }, []);
  return address;
}

/** Plain links become page changes; anything a browser would open elsewhere stays its business. */
function followLinks(event) {
  const link = event.target.closest?.('a[href^="/"]');
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  if (link.target || link.getAttribute('href').startsWith('/api/')) return;
  event.preventDefault();
  go(link.getAttribute('href'));
}

function useTheme() {
  const [theme, setTheme] = useState(() => localStorage.getItem('theme') || 'auto');
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem('theme', theme);
    window.dispatchEvent(new Event('themechange'));
  }, [theme]);
  return [theme, setTheme];
}

const minutesOf = (query) => {
  const asked = Number(query.get('minutes'));
  return WINDOWS.includes(asked) ? asked : USUAL_WINDOW;
};

const windowName = (minutes) => (minutes < 60 ? `${minutes} min` : plural(minutes / 60, 'hour'));

function Connection() {
  const live = useLive((now) => now);
  const [, second] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => second((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const dropped = live.accounts ? Object.values(live.accounts.dropped || {}).reduce((sum, n) => sum + n, 0) : null;
  return html`
    <span class=${`chip ${live.state} ${live.paused ? 'paused' : ''}`} data-testid="connection">${describe(live)}</span>
    <span class="quiet wide-only">${live.seq === null ? '' : `seq ${live.seq}`}</span>
    <span class=${dropped ? 'drops some' : 'quiet'} title="Events that a full buffer or a full disk dropped">
      drops ${dropped === null ? '—' : dropped}
    </span>
  `;
}

/** Only what a person must know at once: the picture is old, or it belongs to an older program. */
function Banner() {
  const live = useLive((now) => now);
  if (live.outdated) {
    return html`<div class="banner" role="alert">
      Voxtrace was upgraded while this page was open. <button onClick=${() => window.location.reload()}>reload</button>
    </div>`;
  }
  if (live.state !== 'reconnecting' && live.state !== 'stale') return null;
  return html`<div class="banner" role="alert">
    <strong>${live.state === 'stale' ? 'The server is silent.' : 'The connection is lost.'}</strong>${' '}
    ${live.silentSince ? html`What you see is as of <${Time} at=${live.silentSince} />.` : 'Nothing was received yet.'}
  </div>`;
}

function Frame({ address, minutes, children }) {
  const [theme, setTheme] = useTheme();
  const paused = useLive((now) => now.paused);
  const stale = useLive((now) => now.state === 'stale' || now.state === 'reconnecting');
  const chooseWindow = (event) => {
    const query = new URLSearchParams(address.query);
    query.set('minutes', event.target.value);
    go(`${address.path}?${query}`, { replace: true });
  };
  return html`
    <a class="skip" href="#page">Skip to the page</a>
    <header>
      <a class="name" href="/">voxtrace</a>
      <nav aria-label="Pages">
        ${PAGES.filter((page) => page.path).map(
          (page) => html`<a
            key=${page.name}
            href=${page.path}
            aria-current=${page.matches(address.path) ? 'page' : undefined}
            >${page.name}</a
          >`,
        )}
      </nav>
      <div class="controls">
        ${address.path === '/' && html`<label><span class="unseen">Window of time</span>
          <select value=${minutes} onChange=${chooseWindow}>
            ${WINDOWS.map((each) => html`<option key=${each} value=${each} selected=${each === minutes}>Last ${windowName(each)}</option>`)}
          </select>
        </label>`}
        <button aria-pressed=${paused} onClick=${togglePause}>${paused ? 'Resume' : 'Pause'}</button>
        <${Connection} />
        <label><span class="unseen">Theme</span>
          <select value=${theme} onChange=${(event) => setTheme(event.target.value)}>
            ${['auto', 'light', 'dark'].map((each) => html`<option key=${each} value=${each} selected=${each === theme}>${each}</option>`)}
          </select>
        </label>
      </div>
    </header>
    <${Banner} />
    <main id="page" tabindex="-1" class=${stale ? 'stale' : ''}>${children}</main>
  `;
}

function App() {
  const address = useAddress();
  const page = PAGES.find((each) => each.matches(address.path));
  const [shown, setShown] = useState({ page: PAGES[0], Content: Overview });
  const [failed, setFailed] = useState(false);
  const minutes = minutesOf(address.query);
  useEffect(() => {
    let current = true;
    setFailed(false);
    document.title = `${page ? page.name : 'No such page'} · Voxtrace`;
    page?.load().then(
      (Content) => current && setShown({ page, Content }),
      () => current && setFailed(true),
    );
    return () => {
      current = false;
    };
  }, [page]);
  let content = html`<${shown.Content} address=${address} minutes=${minutes} go=${go} />`;
  if (!page) content = html`<h1>No such page</h1><p>There is nothing at ${address.path}. <a href="/">Go to the Overview</a></p>`;
  else if (failed) {
    content = html`<h1>The page did not load</h1>
      <p><button onClick=${() => window.location.reload()}>load it again</button></p>`;
  } else if (shown.page !== page) content = html`<p class="quiet">Loading…</p>`;
  return html`<${Frame} address=${address} minutes=${minutes}>${content}<//>`;
}

document.addEventListener('click', followLinks);
const place = document.getElementById('app');
place.textContent = '';
render(html`<${App} />`, place);
start();
