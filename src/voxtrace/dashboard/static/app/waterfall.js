// One request: where did the time go, and was the sound whole?
import { useEffect, useState } from '../vendor/hooks.mjs';
import { html, Metric, ms, Outcome, percent, QueryError, requestAddress, Skeleton, Time, useQuery } from './ui.js';
import { useLive } from './live.js';
import { Picture } from './picture.js';

// --- numbers -----------------------------------------------------------------------------------------------------

const FIRST = [
  { name: 'ttfb_ms', title: 'First byte', about: 'any byte of the body; it may be a header' },
  { name: 'first_audio_ms', title: 'First audio', about: 'the first bytes that decode to samples' },
  { name: 'ttfa_ms', title: 'First audible', about: 'the first sample a listener could hear' },
];

/** Three things are called TTFA in the field; side by side, nobody confuses them. */
function ThreeFirsts({ metrics }) {
  return html`<dl class="firsts">
    ${FIRST.map(
      ({ name, title, about }) => html`<div key=${name}>
        <dt>${title} <code>${name}</code></dt><dd><${Metric} name=${name} metric=${metrics[name]} /></dd><dd class="quiet">${about}</dd>
      </div>`,
    )}
  </dl>`;
}

/** A long name may break behind its underscores. */
const breakable = (name) => name.split('_').flatMap((word, index) => (index ? ['_', html`<wbr />`, word] : [word]));

function MetricsTable({ metrics }) {
  return html`<table class="metrics">
    <caption class="unseen">All numbers of this request</caption>
    <thead><tr><th scope="col">Number</th><th scope="col">Value</th><th scope="col">Seen by</th><th scope="col" class="wide-only">From → to</th></tr></thead>
    <tbody>
      ${Object.entries(metrics).map(
        ([name, metric]) => html`<tr key=${name}>
          <th scope="row"><code>${breakable(name)}</code></th>
          <td><${Metric} name=${name} metric=${{ ...metric, origin: 'client' }} /></td>
          <td>${metric.value === undefined ? '' : metric.origin}</td>
          <td class="wide-only quiet">${metric.start ? `${metric.start} → ${metric.end}` : ''}${metric.note ? ` ${metric.note}` : ''}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

// --- the same picture in words -----------------------------------------------------------------------------------

const when = (value) => (value === null ? html`<span class="absent">no end event</span>` : ms(value));

function PartsTable({ parts }) {
  return html`<table>
    <caption>Parts of the total; they do not overlap and leave no hole</caption>
    <thead><tr><th scope="col">Part</th><th scope="col" class="num">From</th><th scope="col" class="num">To</th><th scope="col" class="num">Length</th><th scope="col" class="num">Share</th><th scope="col">Waited for</th></tr></thead>
    <tbody>
      ${parts.slice(0, MOST_ROWS).map(
        (part) => html`<tr key=${part.begin_ms} class=${part.explained ? '' : 'unattributed'}>
          <th scope="row">${part.name}</th><td class="num">${ms(part.begin_ms)}</td><td class="num">${ms(part.end_ms)}</td>
          <td class="num">${ms(part.end_ms - part.begin_ms)}</td><td class="num">${percent(part.share)}</td><td>${part.waited === false ? 'no' : 'yes'}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

function SpansTable({ spans, choose }) {
  return html`<table>
    <caption>Spans by service</caption>
    <thead><tr><th scope="col">Service</th><th scope="col">Span</th><th scope="col" class="num">From</th><th scope="col" class="num">To</th></tr></thead>
    <tbody>
      ${spans.slice(0, MOST_ROWS).map(
        (span, index) => html`<tr key=${index}>
          <td>${span.service}</td><th scope="row"><button class="link" onClick=${() => choose({ kind: 'span', ...span })}>${span.name}</button></th>
          <td class="num">${ms(span.begin_ms)}</td><td class="num">${when(span.end_ms)}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

const MOST_ROWS = 1000; // some software writes all its requests under one id

function MarksTable({ marks, choose }) {
  return html`${marks.length > MOST_ROWS && html`<p class="note">The first ${MOST_ROWS} of ${marks.length.toLocaleString('en')} events; all are in the JSON.</p>`}
  <table>
    <caption>Events in order of time</caption>
    <thead><tr><th scope="col" class="num">At</th><th scope="col">Service</th><th scope="col">Event</th><th scope="col" class="wide-only">Stage</th></tr></thead>
    <tbody>
      ${marks.slice(0, MOST_ROWS).map(
        (mark, index) => html`<tr key=${index}>
          <td class="num">${ms(mark.at_ms)}</td><td>${mark.service}</td>
          <th scope="row"><button class="link" onClick=${() => choose({ kind: 'event', ...mark })}>${mark.name}</button></th>
          <td class="wide-only">${mark.stage || html`<span class="absent">not in the stage table</span>`}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

const LONGEST_SHOWN = 2000; // characters of one value; ten megabytes of metadata must not freeze the page

function words(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}… (${text.length.toLocaleString('en')} characters)` : text;
}

function Selected({ chosen }) {
  if (!chosen) return html`<p class="quiet">Select a bar, a tile or an event to see what is known of it.</p>`;
  const { kind, name, service, begin_ms: begin, end_ms: end, at_ms: at, stage, detail, metadata, explained, uncertainty_ms: doubt, raw_at_ms: raw, clock } = chosen;
  const facts = Object.entries(detail || metadata || {});
  return html`<dl class="facts" aria-live="polite">
    <dt>${kind}</dt><dd><strong>${name}</strong>${service ? ` of ${service}` : ''}${stage ? html` <code>${stage}</code>` : ''}</dd>
    ${at === undefined
      ? html`<dt>time</dt><dd>${ms(begin)} → ${when(end)}${end !== null && html` = <strong>${ms(end - begin)}</strong>`}${doubt !== undefined && html` ± ${ms(doubt)}: its ends are of two clocks`}</dd>`
      : html`<dt>time</dt><dd>${ms(at)}${raw !== undefined && raw !== at && html` <span class="quiet">by its own clock ${ms(raw)}</span>`}</dd>`}
    ${clock && html`<dt>clock</dt><dd>${clock}</dd>`}
    ${end !== null && end < begin && html`<dt>flag</dt><dd class="rejected">ends before it begins; drawn as it was logged</dd>`}
    ${explained === false && html`<dt>meaning</dt><dd>no event says what happened in this time</dd>`}
    ${facts.map(([key, value]) => html`<dt key=${key}>${words(key)}</dt><dd class="value">${words(value)}</dd>`)}
  </dl>`;
}

// --- the page ----------------------------------------------------------------------------------------------------

const LABELS = ['kind', 'engine', 'voice', 'format', 'transport', 'cache', 'mode', 'hedged', 'start', 'source', 'truth'];

function Labels({ turn }) {
  const known = LABELS.map((name) => [name, name === 'kind' ? turn.kind : turn.labels[name]]).filter(([, value]) => value && value !== 'unknown');
  return html`<ul class="labels">
    <li><${Outcome} labels=${turn.labels} /></li>
    ${known.map(([name, value]) => html`<li key=${name}><span class="quiet">${name}</span> ${value}</li>`)}
    ${turn.labels.text_chars !== undefined && html`<li><span class="quiet">text</span> ${turn.labels.text_chars} characters</li>`}
    ${turn.session_id && html`<li><span class="quiet">session</span> <a href=${`/requests?q=${encodeURIComponent(turn.session_id)}`} class="id">${turn.session_id}</a></li>`}
  </ul>`;
}

/** What is missing from the picture as a whole, such as one side's events. */
function Partial({ turn }) {
  if (turn.kind !== 'speech') return null;
  const sides = new Set(turn.marks.map((mark) => mark.stage.split('.')[0]));
  const missing = ['client', 'server'].filter((side) => !sides.has(side));
  if (missing.length !== 1) return null;
  return html`<p class="note">${missing[0]} events missing (${missing[0] === 'client' ? 'server' : 'client'} only): what only the ${missing[0]} can know is not measured.</p>`;
}

const DISORDERED = 'effect_before_cause'; // the rule that clocks of services break where they disagree

/** Where nothing tells what happened before what, a picture in order of time must not look as if it did. */
function Order({ findings }) {
  if (findings.every(({ rule }) => rule !== DISORDERED)) return null;
  return html`<p class="note">The order between services is not known: their clocks disagree (<code>${DISORDERED}</code>). Each event stands where its own clock puts it, so what is of one service can be compared, and what is of two can’t.</p>`;
}

function Findings({ findings }) {
  if (!findings.length) return null;
  return html`<section class="panel"><h2>Findings</h2>
    <ul class="findings">${findings.map(({ rule, message }) => html`<li key=${rule}><code>${rule}</code> ${message}</li>`)}</ul>
  </section>`;
}

/** Closed, it costs nothing: its rows are made when somebody opens it. */
function AllEvents({ marks, choose }) {
  const [open, setOpen] = useState(false);
  return html`<details class="panel" onToggle=${(event) => setOpen(event.target.open)}><summary>All ${marks.length} events</summary>
    ${open && html`<${MarksTable} marks=${marks} choose=${choose} />`}
  </details>`;
}

function Body({ turn }) {
  const [asTable, setAsTable] = useState(false);
  const [chosen, choose] = useState(null);
  return html`
    <${Labels} turn=${turn} />
    <${Partial} turn=${turn} />
    ${turn.kind !== 'events' && turn.metrics.ttfa_ms && html`<${ThreeFirsts} metrics=${turn.metrics} />`}
    <section class="panel">
      <h2>Waterfall <span class="quiet">total ${ms(turn.total_ms)}${turn.slowest ? `, slowest part: ${turn.slowest}` : ''}</span>
        <button class="small" aria-pressed=${asTable} onClick=${() => setAsTable(!asTable)}>${asTable ? 'as picture' : 'as table'}</button></h2>
      <p class="quiet">clock: ${turn.clock_note || 'as logged, nothing had to be aligned'}</p>
      <${Order} findings=${turn.findings} />
      <div class="picture">${asTable
        ? html`<div class="scroll" tabindex="0" role="region" aria-label="Waterfall as tables"><${PartsTable} parts=${turn.parts} /><${SpansTable} spans=${turn.spans} choose=${choose} /></div>`
        : html`<${Picture} turn=${turn} chosen=${chosen} choose=${choose} />`}
        <section class=${`selected ${chosen ? '' : 'nothing'}`} aria-label="Selected"><h2>Selected</h2><${Selected} chosen=${chosen} /></section>
      </div>
    </section>
    <${Findings} findings=${turn.findings} />
    <section class="panel"><h2>Numbers</h2><${MetricsTable} metrics=${turn.metrics} /></section>
    <${AllEvents} marks=${turn.marks} choose=${choose} />
  `;
}

/** Keys that walk through neighbouring requests and back to the list. */
function useNeighbourKeys(neighbours, go) {
  useEffect(() => {
    const onKey = (event) => {
      if (event.target.closest('input, select, textarea') || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = { j: neighbours?.older, k: neighbours?.newer }[event.key];
      if (target) go(requestAddress(target));
      if (event.key === 'Escape') go('/requests');
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [neighbours]);
}

function requestId(path) {
  try {
    return decodeURIComponent(path.slice('/requests/'.length));
  } catch {
    return path.slice('/requests/'.length); // a stray percent sign: shown as it stands, and not found
  }
}

export function RequestPage({ address: { path }, go }) {
  const id = requestId(path);
  const touched = useLive((now) => (now.changed.includes(id) ? now.seq : 0));
  const { data, error, loading, retry } = useQuery(`/api/requests/${encodeURIComponent(id)}`, touched);
  const { data: neighbours } = useQuery(`/api/neighbours?id=${encodeURIComponent(id)}`, 0);
  useNeighbourKeys(neighbours, go);
  return html`
    <div class="title">
      <h1>Request <span class="id">${id}</span></h1>
      ${data && html`<p class="quiet as-of">began <${Time} at=${data.started} /></p>`}
      <p class="pages">
        ${neighbours?.newer && html`<a class="button" href=${requestAddress(neighbours.newer)}>← newer</a>`}
        ${neighbours?.older && html`<a class="button" href=${requestAddress(neighbours.older)}>older →</a>`}
        <a class="button" href=${`/api/requests/${encodeURIComponent(id)}`}>JSON</a>
        <a class="button" href="/requests">all requests</a>
      </p>
    </div>
    ${error && html`<${QueryError} error=${error} retry=${retry} />`}
    ${loading && html`<${Skeleton} height=${360} />`}
    ${data && html`<${Body} turn=${data} key=${id} />`}
  `;
}
