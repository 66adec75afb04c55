// What every page builds with: the html template, words for numbers, and the states a piece of data can be in.
import { h } from '../vendor/preact.mjs';
import { useCallback, useEffect, useRef, useState } from '../vendor/hooks.mjs';
import htm from '../vendor/htm.mjs';

export const html = htm.bind(h);

// --- words for numbers -------------------------------------------------------------------------------------------

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** A number with as many digits as a person can use: 0.0017, 4.21, 87.5, 1,120. Only a true 0 is shown as 0. */
export function number(value) {
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return grouped.format(value);
  if (size >= 0.1) return value.toFixed(size >= 10 ? 1 : 2);
  return size < 0.001 ? `${value < 0 ? '-' : ''}<0.001` : String(Number(value.toPrecision(2)));
}

export const ms = (value) => `${number(value)} ms`;
export const percent = (share) => `${number(share * 100)} %`;

const RATIOS_SHOWN_AS_PERCENT = new Set(['realtime_ratio', 'continuity', 'error_rate', 'hit_rate']);

/** A metric's value with the unit that its name carries. */
export function withUnit(name, value) {
  if (name.endsWith('_ms')) return ms(value);
  return RATIOS_SHOWN_AS_PERCENT.has(name) ? percent(value) : number(value);
}

/** Local time for people, with the day where it is another one; the exact moment in UTC stands in the tooltip. */
export function Time({ at }) {
  const moment = new Date(at * 1000);
  if (Number.isNaN(moment.getTime())) return html`<span>unknown time</span>`;
  const time = moment.toLocaleTimeString('en-GB');
  const today = moment.toDateString() === new Date().toDateString();
  return html`<time dateTime=${moment.toISOString()} title=${moment.toISOString()}>
    ${today ? time : `${moment.toLocaleDateString('en-CA')} ${time}`}
  </time>`;
}

/** A link to a request. Ids may be long; the whole one stands in the tooltip. */
export function RequestLink({ id, ...rest }) {
  return html`<a class="id" href=${requestAddress(id)} title=${id} ...${rest}>${id.length > 14 ? `${id.slice(0, 12)}…` : id}</a>`;
}

export const requestAddress = (id) => `/requests/${encodeURIComponent(id)}`;

export const plural = (n, one, many = `${one}s`) => `${grouped.format(n)} ${n === 1 ? one : many}`;

// --- a metric and its three states -------------------------------------------------------------------------------

// Numbers that only a caller can give exactly; where the server's stand in for them, that is said.
const OF_THE_CALLER = new Set(['ttfb_ms', 'first_audio_ms', 'ttfa_ms', 'heard_ms', 'audio_ms', 'realtime_ratio']);

/** One metric: its value, or why it was not measured, or the rule that rejected it. Never an empty zero. */
export function Metric({ name, metric, short = false }) {
  const state = metric || { missing: 'the analysis does not give it for this kind of request' };
  if (state.value !== undefined) {
    const about = [state.start && `${state.start} → ${state.end}`, state.note].filter(Boolean).join('; ');
    return html`<span class="metric" title=${about}>
      ${state.bound === 'lower' ? '≥ ' : ''}${withUnit(name, state.value)}
      ${state.origin === 'server' && OF_THE_CALLER.has(name) && html` <small class="tag">server's</small>`}
    </span>`;
  }
  const [word, why] = state.rejected ? ['rejected', state.rejected] : ['not measured', state.missing];
  if (!short) return html`<span class=${`absent ${state.rejected ? 'rejected' : ''}`}>${word}: ${why}</span>`;
  return html`<span class=${`absent ${state.rejected ? 'rejected' : ''}`} title=${`${word}: ${why}`}>
    ${state.rejected ? 'rejected' : '—'}<span class="unseen">${word}: ${why}</span>
  </span>`;
}

/** A percentile, always with the number of samples behind it; one of too few samples is not shown as a number. */
/** How many requests a number rests on, of how many that should have it. */
export const covered = (of) => `${grouped.format(of.measured)}/${grouped.format(of.expected)}`;

export function Percentile({ name, at, stats }) {
  const value = stats[at];
  if (value === null || value === undefined) return html`<span class="absent">— <small>(n=${covered(stats)})</small></span>`;
  return html`<span class="metric">${withUnit(name, value)} <small>n=${covered(stats)}</small></span>`;
}

// --- status: shape, word and colour ------------------------------------------------------------------------------

const SHAPES = {
  good: ['OK', html`<circle cx="6" cy="6" r="5" />`],
  warning: ['Warn', html`<path d="M6 .8 11.6 11H.4Z" />`],
  critical: ['Critical', html`<path d="M1 1h10v10H1Z" />`],
  none: ['No data', html`<path d="M1 5h10v2H1Z" />`],
  stale: ['Stale', html`<path d="M1 9 4 3h2L3 9Zm4 0 3-6h2L7 9Z" />`],
};

export function Status({ level, word }) {
  const [usual, shape] = SHAPES[level] || SHAPES.none;
  return html`<span class=${`status ${level}`}>
    <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">${shape}</svg>${word || usual}
  </span>`;
}

const OUTCOMES = { ok: ['good', 'ok'], error: ['critical', 'error'], unknown: ['none', 'unknown'] };

/** How a request ended. Cancelled and interrupted are somebody's wish: neither good nor bad. */
export function Outcome({ labels }) {
  const [level, word] = OUTCOMES[labels.outcome] || ['none', labels.outcome];
  return html`<${Status} level=${level} word=${labels.error ? `${word}: ${labels.error}` : word} />`;
}

// --- the states of a piece of data -------------------------------------------------------------------------------

const PATIENCE_MS = 15_000; // with a server that took the question and says nothing
const SLOWEST_REFRESH_MS = 1000; // a page asks at most once a second, however much changes

async function fetchJson(url, signal) {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  const response = await fetch(url, { signal: patience, headers: { Accept: 'application/json' } });
  const body = await response.json().catch(() => null);
  if (response.ok && body) return body;
  const { code = `http_${response.status}`, message = response.statusText } = body?.error || {};
  throw Object.assign(new Error(message), { code });
}

/**
 * The answer to a query, asked again whenever `version` changes.
 * What came last stays in `data` when a later try fails, with `at`, the time it was true.
 */
export function useQuery(url, version) {
  const [state, setState] = useState({ url, data: null, error: null, at: null });
  const asked = useRef({ at: -Infinity });
  const shown = useRef(-Infinity); // when the answer that is shown was asked for
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (!url) return undefined;
    const abort = new AbortController();
    const wait = asked.current.url === url ? Math.max(0, asked.current.at + SLOWEST_REFRESH_MS - performance.now()) : 0;
    const timer = setTimeout(async () => {
      const began = performance.now();
      asked.current = { url, at: began };
      try {
        const data = await fetchJson(url, abort.signal);
        if (began < shown.current) return; // a later question was answered first
        shown.current = began;
        setState({ url, data, error: null, at: Date.now() / 1000 });
      } catch (error) {
        if (error.name === 'AbortError') return;
        setState((last) => ({ ...(last.url === url ? last : { data: null, at: null }), url, error }));
      }
    }, wait);
    return () => {
      clearTimeout(timer);
      // A query in flight is left to finish: aborting it at every change would starve a busy page.
      if (asked.current.url !== url) abort.abort();
    };
  }, [url, version, attempt]);
  const retry = useCallback(() => setAttempt((n) => n + 1), []);
  const current = state.url === url ? state : { data: null, error: null, at: null };
  return { ...current, loading: !current.data && !current.error, retry };
}

export function QueryError({ error, retry, what = 'query' }) {
  return html`<div class="query-error" role="alert">
    <${Status} level="critical" word=${`${what} failed: ${error.code || 'no_answer'}`} />
    <span>${error.message}</span> <button onClick=${retry}>retry</button>
  </div>`;
}

/** A placeholder of the size of what will come, so that nothing jumps. */
export function Skeleton({ height, label = 'Loading' }) {
  return html`<div class="skeleton" style=${{ height: `${height}px` }} role="status"><span class="unseen">${label}</span></div>`;
}

/** Colours of the page's theme as the canvas needs them. */
export function themeColour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
