// Requests: which were slow, and what do they share?
import { useEffect, useRef, useState } from '../vendor/hooks.mjs';
import { html, Metric, Outcome, plural, QueryError, requestAddress, RequestLink, Skeleton, Time, useQuery } from './ui.js';
import { useLive } from './live.js';
import { Scatter } from './scatter.js';

const PAGE = 50;

/** Columns of numbers; `wide` ones are left out on a narrow screen. */
const NUMBERS = [
  { name: 'ttfb_ms', title: 'First byte', wide: true },
  { name: 'first_audio_ms', title: 'First audio', wide: true },
  { name: 'ttfa_ms', title: 'TTFA' },
  { name: 'rtf', title: 'RTF', wide: true },
  { name: 'stall_count', title: 'Stalls', wide: true },
];
const CONVERSATION = { ttfa_ms: 'voice_to_voice_ms' };

const FILTERS = [
  { name: 'outcome', title: 'Status', options: ['', 'ok', 'error', 'cancelled', 'interrupted', 'unknown'] },
  { name: 'cache', title: 'Cache', options: ['', 'miss', 'partial', 'hit', 'unknown'] },
  { name: 'source', title: 'Source', options: ['real', 'probe', 'bench', 'load', 'any'] },
];
const FIELDS = [
  { name: 'q', title: 'Search', placeholder: 'id, session, voice, error', type: 'search' },
  { name: 'voice', title: 'Voice', placeholder: 'any', type: 'text' },
  { name: 'min_ms', title: 'TTFA from', placeholder: 'ms', type: 'number' },
  { name: 'max_ms', title: 'to', placeholder: 'ms', type: 'number' },
];
const CONTEXT = ['since', 'until', 'metric']; // set by a click on the heatmap
const ALL = [...FILTERS, ...FIELDS].map((each) => each.name).concat(CONTEXT);

function Filters({ query, change }) {
  const asked = ALL.filter((name) => query.get(name));
  return html`<form class="filters" role="search" aria-label="Filter requests" onSubmit=${(event) => event.preventDefault()}>
    ${FIELDS.map(
      ({ name, title, placeholder, type }) => html`<label key=${name} class=${name}>${title}
        <input type=${type} min="0" step="any" name=${name} placeholder=${placeholder} value=${query.get(name) || ''} onChange=${(event) => change(name, event.target.value)} />
      </label>`,
    )}
    ${FILTERS.map(
      ({ name, title, options }) => html`<label key=${name}>${title}
        <select name=${name} value=${query.get(name) || options[0]} onChange=${(event) => change(name, event.target.value)}>
          ${options.map((option) => html`<option key=${option} value=${option} selected=${option === (query.get(name) || options[0])}>${option || 'any'}</option>`)}
        </select>
      </label>`,
    )}
    ${query.get('since') && html`<span class="quiet">from <${Time} at=${Number(query.get('since'))} /> to <${Time} at=${Number(query.get('until'))} /></span>`}
    ${asked.length > 0 && html`<button type="button" onClick=${() => change(null)}>clear filters</button>`}
  </form>`;
}

function numberOf(row, name) {
  const metrics = row.metrics || {};
  return row.kind === 'conversation' && CONVERSATION[name] ? [CONVERSATION[name], metrics[CONVERSATION[name]]] : [name, metrics[name]];
}

function Row({ row, chosen, fresh }) {
  const labels = row.labels || {};
  return html`<tr class=${`${chosen ? 'chosen' : ''} ${fresh ? 'fresh' : ''}`} aria-selected=${chosen}>
    <td><${Time} at=${row.started} /></td>
    <td><${RequestLink} id=${row.request_id} data-row /></td>
    <td class="wide-only"><span class="id">${row.session_id || '—'}</span></td>
    <td class="wide-only">${labels.voice || '—'}</td>
    <td class="num wide-only">${labels.text_chars ?? '—'}</td>
    <td class="wide-only">${labels.cache && labels.cache !== 'unknown' ? labels.cache : '—'}</td>
    ${row.measured
      ? NUMBERS.map(({ name, wide }) => {
          const [used, metric] = numberOf(row, name);
          return html`<td key=${name} class=${`num ${wide ? 'wide-only' : ''}`}><${Metric} name=${used} metric=${metric} short />${used !== name && html` <small class="tag">voice to voice</small>`}</td>`;
        })
      : html`<td class="num quiet" colspan=${NUMBERS.length}>being measured</td>`}
    <td class="wide-only">${row.slowest || '—'}</td>
    <td>${row.measured && html`<${Outcome} labels=${labels} />`}</td>
  </tr>`;
}

/** j and k move, Enter opens; nothing is taken from somebody who types into a field. */
function useRowKeys(rows, go) {
  const [chosen, setChosen] = useState(null); // a request's id: rows move when new ones come
  const known = useRef({});
  known.current = { rows, chosen };
  useEffect(() => {
    const onKey = (event) => {
      if (event.target.closest('input, select, textarea') || event.ctrlKey || event.metaKey || event.altKey) return;
      const { rows: now, chosen: id } = known.current;
      const place = now.findIndex((row) => row.request_id === id);
      const step = { j: 1, k: -1 }[event.key];
      if (step && now.length) {
        const next = now[Math.min(Math.max(place + step, 0), now.length - 1)];
        setChosen(next.request_id);
        document.querySelectorAll('[data-row]')[now.indexOf(next)]?.focus();
      } else if (event.key === 'Enter' && place >= 0 && event.target === document.body) {
        go(requestAddress(id));
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  return chosen;
}

function Table({ rows, changed, go }) {
  const chosen = useRowKeys(rows, go);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Requests">
    <table class="requests">
      <caption class="unseen">Requests, newest first</caption>
      <thead><tr>
        <th scope="col">Began</th><th scope="col">Request</th><th scope="col" class="wide-only">Session</th>
        <th scope="col" class="wide-only">Voice</th><th scope="col" class="num wide-only">Text</th><th scope="col" class="wide-only">Cache</th>
        ${NUMBERS.map(({ name, title, wide }) => html`<th key=${name} scope="col" class=${`num ${wide ? 'wide-only' : ''}`}>${title}</th>`)}
        <th scope="col" class="wide-only">Slowest part</th><th scope="col">End</th>
      </tr></thead>
      <tbody>${rows.map((row) => html`<${Row} key=${row.request_id} row=${row} chosen=${row.request_id === chosen} fresh=${changed.includes(row.request_id)} />`)}</tbody>
    </table>
  </div>`;
}

function Pages({ data, query, turn, asked }) {
  const before = query.get('before');
  return html`<p class="pages">
    <span class="quiet">${plural(data.rows.length, 'request')} shown, ${data.searched.toLocaleString('en')} searched</span>
    ${before && html`<button onClick=${() => turn(null)}>newest</button>`}
    ${data.next && html`<button onClick=${() => turn(data.next)}>${data.rows.length < PAGE ? 'search on in older ones' : 'older'}</button>`}
    <a class="button" href=${`/api/requests?${asked}`} download="requests.json">export as JSON</a>
  </p>`;
}

export function Requests({ address, go }) {
  const { query } = address;
  const version = useLive((now) => now.version);
  const changed = useLive((now) => now.changed);
  const asked = new URLSearchParams({ limit: PAGE });
  [...ALL, 'before'].forEach((name) => query.get(name) && asked.set(name, query.get(name)));
  // A page of the past does not move under the reader's eyes.
  const { data, error, at, loading, retry } = useQuery(`/api/requests?${asked}`, query.get('before') ? 0 : version);
  const set = (changes) => {
    const next = new URLSearchParams(query);
    Object.entries(changes).forEach(([name, value]) => (value ? next.set(name, value) : next.delete(name)));
    go(`/requests?${next}`);
  };
  const change = (name, value) =>
    set(name ? { [name]: value, before: null } : Object.fromEntries([...ALL, 'before'].map((each) => [each, null])));
  const filtered = ALL.some((name) => query.get(name));
  return html`
    <div class="title"><h1>Requests</h1>${at && html`<p class="quiet as-of">as of <${Time} at=${at} /></p>`}</div>
    <${Filters} query=${query} change=${change} />
    ${error && html`<${QueryError} error=${error} retry=${retry} />`}
    ${loading && html`<${Skeleton} height=${420} />`}
    ${data && html`<${Scatter} rows=${data.rows} metric=${query.get('metric') || 'ttfa_ms'} go=${go} />`}
    ${data && data.rows.length > 0 && html`<${Table} rows=${data.rows} changed=${changed} go=${go} />`}
    ${data && data.rows.length === 0 && html`<section class="panel empty">
      <p>${filtered ? 'No request passes these filters.' : 'No requests yet. Say a sentence in another shell:'}</p>
      ${!filtered && html`<pre><code>voxtrace say "Hello world"</code></pre>`}
    </section>`}
    ${data && html`<${Pages} data=${data} query=${query} turn=${(before) => set({ before })} asked=${asked} />`}
    <p class="quiet wide-only">Keys: <kbd>j</kbd> and <kbd>k</kbd> move, <kbd>Enter</kbd> opens.</p>
  `;
}
