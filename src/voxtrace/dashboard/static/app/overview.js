// Overview: is it fine now, since when not, and which stage is it?
import { useState } from '../vendor/hooks.mjs';
import { covered, html, ms, number, percent, Percentile, plural, QueryError, RequestLink, Skeleton, Status, Time, useQuery, withUnit } from './ui.js';
import { useLive } from './live.js';
import { Heatmap, TimeChart } from './charts.js';

const METRIC_TITLES = {
  ttfa_ms: 'Time to first audio',
  first_audio_ms: 'First audio bytes',
  ttfb_ms: 'First byte',
  server_response_ms: 'Server response',
  rtf: 'Real-time factor',
  max_stall_ms: 'Longest stall',
  voice_to_voice_ms: 'Voice to voice',
  llm_first_token_ms: 'LLM first token',
  llm_total_ms: 'LLM in total',
  stt_ms: 'Speech to text',
  turn_total_ms: 'Whole turn',
};

// --- cards -------------------------------------------------------------------------------------------------------

function Card({ title, status, children, wide = false }) {
  return html`<section class=${`card ${wide ? 'wide' : ''} ${status ? status.level : ''}`}>
    <h2>${title} ${status && html`<${Status} level=${status.level} word=${status.word} />`}</h2>
    ${children}
    ${status?.why && html`<p class="quiet">${status.why}${status.since && html` · since <${Time} at=${status.since} />`}</p>`}
  </section>`;
}

/** A few samples are not "no data"; they are too few to judge by. */
const judged = ({ status, of }) => status && (status.level === 'none' && of.measured ? { ...status, word: 'Too few' } : status);

function Headline({ card }) {
  const { of, name } = card;
  return html`<${Card} title=${METRIC_TITLES[name] || name} status=${judged(card)} wide>
    <dl class="percentiles">
      ${['p50', 'p95', 'p99'].map(
        (at) => html`<div key=${at}><dt>${at}</dt><dd><${Percentile} name=${name} at=${at} stats=${of} /></dd></div>`,
      )}
    </dl>
    <${Coverage} of=${of} />
  <//>`;
}

/** How many turns have no value, and why: a percentile over some of them is not one over all. */
function Coverage({ of }) {
  if (of.measured === of.expected) return null;
  const reasons = [...Object.entries(of.missing), ...Object.entries(of.rejected).map(([rule, n]) => [`rejected: ${rule}`, n])];
  return html`<p class="quiet">
    measured ${of.measured} of ${of.expected}${reasons.length > 0 && ` (${reasons.map(([why, n]) => `${n}× ${why}`).join('; ')})`}
  </p>`;
}

function MetricCard({ card }) {
  const { of, name } = card;
  if (!of.measured) {
    const [why] = [...Object.keys(of.missing), ...Object.keys(of.rejected).map((rule) => `rejected: ${rule}`)];
    return html`<${Card} title=${METRIC_TITLES[name] || name} status=${{ level: 'none' }}>
      <p class="absent">not measured: ${why || 'no request of this population'}</p><p class="quiet">n=0 of ${of.expected}</p>
    <//>`;
  }
  const [at, value] = of.p95 !== null ? ['p95', of.p95] : ['p50', of.p50];
  return html`<${Card} title=${METRIC_TITLES[name] || name} status=${judged(card)}>
    <p class="big">${withUnit(name, value)}</p>
    <p class="quiet">${at}, n=${covered(of)}${at === 'p50' && !card.status?.why && ` · p95 — (n=${of.measured})`}</p>
  <//>`;
}

function CountCards({ data }) {
  const { errors, cache } = data;
  const known = cache.hit + cache.partial + cache.miss;
  return html`
    <${Card} title="Errors" status=${errors.status}>
      <p class="big">${errors.rate === null ? html`<span class="absent">not measured</span>` : percent(errors.rate)}</p>
      <p class="quiet">${errors.count} of ${plural(errors.known, 'request')} whose end is known</p>
    <//>
    <${Card} title="Cache hits" status=${cache.status}>
      <p class="big">${known ? percent(cache.hit / known) : html`<span class="absent">not measured</span>`}</p>
      <p class="quiet">${known ? `${cache.hit} hit, ${cache.partial} partly, ${cache.miss} missed` : 'no request says whether it was cached'}</p>
    <//>
    <${Card} title="Requests">
      <p class="big">${data.truncated ? '≥ ' : ''}${number(data.seen)}</p>
      <p class="quiet">${data.truncated ? 'more than are read' : `${number(data.seen / data.minutes)} a minute`}${data.unmeasured > 0 && ` · ${data.unmeasured} not measured yet`}</p>
    <//>`;
}

/** Where every event went; a monitor that hides its own losses can't be trusted. */
function Pipeline() {
  const accounts = useLive((now) => now.accounts);
  if (!accounts) return html`<${Card} title="Events"><${Skeleton} height=${60} /><//>`;
  if (accounts.error) return html`<${Card} title="Events" status=${{ level: 'none', why: accounts.error.message }} />`;
  const sum = (counts) => Object.values(counts).reduce((total, n) => total + n, 0);
  const lost = sum(accounts.dropped) + sum(accounts.rejected);
  let status = { level: 'good', why: 'every event is accounted for' };
  if (accounts.received === 0) status = { level: 'none', why: 'no event was received yet' };
  if (lost) status = { level: 'warning', why: `${plural(lost, 'event')} dropped or rejected` };
  if (accounts.unaccounted) status = { level: 'critical', why: `${plural(accounts.unaccounted, 'event')} unaccounted for: a bug of Voxtrace` };
  const because = (counts) => {
    const reasons = Object.entries(counts);
    return reasons.map(([why, n]) => (reasons.length > 1 ? ` ${why} ${number(n)}` : ` ${why}`)).join(',');
  };
  return html`<${Card} title="Events" status=${status} wide>
    <dl class="account">
      <dt>received</dt><dd>${number(accounts.received)}</dd>
      <dt>stored</dt><dd>${number(accounts.stored)}</dd>
      <dt>duplicate</dt><dd>${number(accounts.duplicate)}</dd>
      <dt>rejected</dt><dd>${number(sum(accounts.rejected))}${because(accounts.rejected)}</dd>
      <dt>dropped</dt><dd>${number(sum(accounts.dropped))}${because(accounts.dropped)}</dd>
      <dt>in flight</dt><dd>${number(accounts.in_flight)}</dd>
    </dl>
  <//>`;
}

// --- where the time goes, and examples ---------------------------------------------------------------------------

function Stages({ group }) {
  if (!group.parts.length) return html`<p class="quiet">No part of the waiting is known for these requests.</p>`;
  return html`<table class="bars">
    <caption class="unseen">Share of the waiting by part</caption>
    <thead><tr><th scope="col">Part</th><th scope="col">Share of the waiting</th><th scope="col" class="num">p50</th></tr></thead>
    <tbody>
      ${group.parts.slice(0, 8).map(
        (part) => html`<tr key=${part.name} class=${part.name === 'unattributed' ? 'unattributed' : ''}>
          <th scope="row">${part.name}</th>
          <td><span class="bar" style=${{ width: `${Math.max(part.share * 70, 0.5)}%` }}></span> ${percent(part.share)}</td>
          <td class="num"><${Percentile} name="part_ms" at="p50" stats=${part.ms} /></td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

function Slowest({ rows, metric }) {
  if (!rows.length) return html`<p class="quiet">No request has a value.</p>`;
  return html`<table>
    <caption class="unseen">The slowest requests</caption>
    <thead><tr><th scope="col">Request</th><th scope="col">Began</th><th scope="col" class="num">${metric === 'ttfa_ms' ? 'TTFA' : METRIC_TITLES[metric]}</th><th scope="col">Slowest part</th></tr></thead>
    <tbody>
      ${rows.map(
        (row) => html`<tr key=${row.request_id}>
          <td><${RequestLink} id=${row.request_id} /></td>
          <td><${Time} at=${row.started} /></td>
          <td class="num">${ms(row.metrics[metric].value)}</td>
          <td>${row.slowest || '—'}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

function TableToggle({ shown, onToggle }) {
  return html`<button class="small" aria-pressed=${shown} onClick=${() => onToggle(!shown)}>${shown ? 'as picture' : 'as table'}</button>`;
}

function SeriesTable({ data }) {
  return html`<table>
    <caption class="unseen">${METRIC_TITLES[data.metric]} over time</caption>
    <thead><tr><th scope="col">From</th><th scope="col" class="num">n</th><th scope="col" class="num">p50</th><th scope="col" class="num">p95</th><th scope="col">Slowest</th></tr></thead>
    <tbody>
      ${data.series.buckets.map(
        (bucket) => html`<tr key=${bucket.at}>
          <td><${Time} at=${bucket.at} /></td>
          <td class="num">${covered(bucket.of)}</td>
          ${['p50', 'p95'].map((at) => html`<td key=${at} class="num"><${Percentile} name=${data.metric} at=${at} stats=${bucket.of} /></td>`)}
          <td>${bucket.slowest ? html`<${RequestLink} id=${bucket.slowest} />` : '—'}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

function Numbers({ data, address, go }) {
  const [asTable, setAsTable] = useState(false);
  const group = data.summary.groups.find((each) => each.population.name === data.population);
  const choose = (event) => {
    const query = new URLSearchParams(address.query);
    query.set('population', event.target.value);
    go(`/?${query}`, { replace: true });
  };
  const [headline, ...rest] = data.cards;
  const title = METRIC_TITLES[data.metric];
  return html`
    <div class="population">
      <label>Population
        <select value=${data.population} onChange=${choose}>
          ${data.summary.groups.map(({ population, turns }) => html`<option key=${population.name} value=${population.name} selected=${population.name === data.population}>${population.name} (${turns})</option>`)}
        </select>
      </label>
      <span class="quiet">Numbers of one population are never mixed with another's.</span>
    </div>
    <div class="cards">
      <${Headline} card=${headline} />
      ${rest.map((card) => html`<${MetricCard} key=${card.name} card=${card} />`)}
      <${CountCards} data=${data} />
      <${Pipeline} />
    </div>
    <div class="panels">
      <section class="panel two">
        <h2>${title} over time <${TableToggle} shown=${asTable} onToggle=${setAsTable} /></h2>
        ${asTable ? html`<${SeriesTable} data=${data} />` : html`<${TimeChart} data=${data} title=${title} go=${go} />`}
      </section>
      <section class="panel"><h2>Where the waiting goes</h2><${Stages} group=${group} /></section>
      <section class="panel two"><h2>${title}, each request counted</h2><${Heatmap} data=${data} title=${title} /></section>
      <section class="panel"><h2>Slowest now</h2><${Slowest} rows=${data.slowest} metric=${data.metric} /></section>
    </div>`;
}

// --- the page ----------------------------------------------------------------------------------------------------

function Nothing({ data, windowName }) {
  const { newest } = data;
  return html`<section class="panel empty">
    <h2><${Status} level="none" /> ${newest ? `No requests in the last ${windowName}` : 'No requests yet'}</h2>
    ${newest
      ? html`<p>The newest is <${RequestLink} id=${newest.request_id} />, which began
          ${' '}<${Time} at=${newest.started} />. Choose a longer window above, or look at all <a href="/requests">requests</a>.</p>`
      : html`<p>Say a sentence, in another shell:</p>
          <pre><code>voxtrace say "Hello world"</code></pre>
          <p>or ask the speech server directly:</p>
          <pre><code>${`curl -s http://127.0.0.1:8880/v1/audio/speech -o hello.wav \\
  -H 'Content-Type: application/json' \\
  -d '{"model": "tts-1", "voice": "en-us", "input": "Hello world", "response_format": "wav"}'`}</code></pre>
          <p>or read a log that you have: <code>voxtrace import latency.log</code></p>`}
  </section>`;
}

/** Requests that are counted but not in the numbers, said in one line. */
function Aside({ data }) {
  const others = Object.entries(data.sources).filter(([source]) => source !== 'real');
  const words = [
    ...others.map(([source, n]) => `${n} of source ${source} left out`),
    data.truncated && `only the newest ${number(data.seen)} requests of the window were read`,
  ].filter(Boolean);
  return words.length ? html`<p class="quiet">${words.join(' · ')}</p>` : null;
}

export function Overview({ address, minutes, go }) {
  const version = useLive((now) => now.version);
  const population = address.query.get('population');
  const query = new URLSearchParams({ minutes, ...(population && { population }) });
  const { data, error, at, loading, retry } = useQuery(`/api/overview?${query}`, version);
  return html`
    <div class="title"><h1>Overview</h1>${at && html`<p class="quiet as-of">as of <${Time} at=${at} /></p>`}</div>
    ${error && html`<${QueryError} error=${error} retry=${retry} />`}
    ${loading && html`<div class="cards">${[1, 2, 3, 4, 5, 6].map((n) => html`<${Skeleton} key=${n} height=${118} />`)}</div><${Skeleton} height=${300} />`}
    ${data && html`<${Aside} data=${data} />
      ${data.population
        ? html`<${Numbers} data=${data} address=${address} go=${go} />`
        : html`${data.seen > 0 ? html`<${Ungrouped} data=${data} />` : html`<${Nothing} data=${data} windowName=${minutes < 60 ? `${minutes} min` : plural(minutes / 60, 'hour')} />`}
            <div class="cards"><${Pipeline} /></div>`}`}
  `;
}

/** Requests there are, and not one ended well: nothing may be averaged, but their number must be seen. */
function Ungrouped({ data }) {
  return html`<p>${plural(data.seen, 'request')}, and none of them ended well or was measured yet:
    ${' '}<a href="/requests">look at them</a>.</p>
    <div class="cards"><${CountCards} data=${data} /></div>`;
}
