// The waterfall as a picture: parts that tile the total, spans by service, arrivals of audio, and the player's buffer.
import { html, ms, percent, plural } from './ui.js';
import { useSize } from './charts.js';

const LABEL_WIDTH = 190;
const LABEL_LETTERS = 27; // what fits into it
const NARROW = 640; // below this, labels stand above their bars
const AXIS_HEIGHT = 24;
const BAR = 14;
const LANE_HEIGHT = 44;
const RIGHT = 12; // room for the last tick's half
const MOST_LINES = 6; // of one name: a hundred pieces at once are no picture any more
const MOST_BARS = 200; // of one line
const TICK_WIDTH = 95; // px between two ticks, about

// --- what is drawn, as rows --------------------------------------------------------------------------------------

/** Put items of one name into as few lines as they need without covering each other. */
function pack(items, total) {
  const lines = [];
  for (const item of items) {
    const begin = Math.min(item.begin_ms, item.end_ms ?? total);
    const line = lines.find((each) => each.end <= begin);
    const end = Math.max(item.begin_ms, item.end_ms ?? total);
    if (line) {
      line.items.push(item);
      line.end = end;
    } else lines.push({ items: [item], end });
  }
  return lines.map((line) => line.items);
}

const groupBy = (items, key) => items.reduce((groups, item) => groups.set(key(item), [...(groups.get(key(item)) || []), item]), new Map());
const length = (item) => (item.end_ms === null ? 0 : item.end_ms - item.begin_ms);

function partRows(parts) {
  return [...groupBy(parts, (part) => part.name)].map(([name, tiles]) => {
    const taken = tiles.reduce((sum, tile) => sum + length(tile), 0);
    const share = tiles.reduce((sum, tile) => sum + tile.share, 0);
    return { kind: 'bars', label: name, words: `${ms(taken)} · ${percent(share)}`, items: tiles.map((tile) => ({ kind: 'part', ...tile })) };
  });
}

/** A service's marks in one line, then its spans, those of one name together. */
function serviceRows(service, spans, marks, total) {
  const rows = [{ kind: 'marks', label: service, words: plural(marks.length, 'event'), items: marks }];
  for (const [name, named] of groupBy(spans, (span) => span.name)) {
    const lines = pack(named, total);
    lines.slice(0, MOST_LINES).forEach((all, line) => {
      const items = all.slice(0, MOST_BARS);
      const left = named.length - lines.slice(0, MOST_LINES).reduce((sum, each) => sum + Math.min(each.length, MOST_BARS), 0);
      let words = items.length > 1 ? `${items.length}×` : ms(length(items[0]));
      if (left && line === Math.min(lines.length, MOST_LINES) - 1) words += `, ${left} more in the table`;
      rows.push({ kind: 'bars', label: name, words: items.some((item) => item.end_ms === null) ? 'no end event' : words, items: items.map((item) => ({ kind: 'span', ...item })) });
    });
  }
  return rows;
}

const ORDER = ['client', 'server'];
const rank = (service) => (ORDER.includes(service) ? ORDER.indexOf(service) : ORDER.length);

function layOut(turn) {
  const bySpan = groupBy(turn.spans, (span) => span.service);
  const byMark = groupBy(turn.marks, (mark) => mark.service);
  const services = [...new Set([...byMark.keys(), ...bySpan.keys()])].sort((a, b) => rank(a) - rank(b));
  const groups = [{ title: 'Parts of the total', rows: partRows(turn.parts) }];
  for (const service of services) {
    groups.push({ title: null, rows: serviceRows(service, bySpan.get(service) || [], byMark.get(service) || [], turn.total_ms) });
  }
  return groups;
}

/**
 * Milliseconds of audio ahead of the playhead of a player that starts at the first audio, and where it ran dry.
 * Only a drawing: the numbers of stalls come from the analysis.
 */
export function playerBuffer(chunks) {
  const audible = chunks.filter((chunk) => chunk.audio_ms > 0).sort((a, b) => a.at_ms - b.at_ms);
  const points = [];
  const stalls = [];
  let level = 0;
  let last = audible.length ? audible[0].at_ms : 0;
  for (const { at_ms: at, audio_ms: audio } of audible) {
    if (at - last > level) {
      points.push([last + level, 0]);
      if (points.length > 1) stalls.push([last + level, at]);
      level = 0;
    } else level -= at - last;
    points.push([at, level], [at, level + audio]);
    level += audio;
    last = at;
  }
  points.push([last + level, 0]);
  return { points, stalls };
}

// --- drawing -----------------------------------------------------------------------------------------------------

function ticks(total, width) {
  const rough = total / Math.max(2, Math.floor(width / TICK_WIDTH));
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((each) => each >= rough);
  return Array.from({ length: Math.floor(total / step) + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** Shorter than what the clocks of its two ends leave open. */
const isDoubtful = (item) => item.uncertainty_ms !== undefined && item.end_ms !== null && length(item) < item.uncertainty_ms;

function barClass(item) {
  if (isDoubtful(item)) return `hatched ${item.waited === false ? 'unwaited' : ''}`;
  if (item.kind === 'part') return `${item.explained ? 'part' : 'hatched'} ${item.waited === false ? 'unwaited' : ''}`;
  return item.end_ms !== null && item.end_ms < item.begin_ms ? 'span backwards' : `span ${item.end_ms === null ? 'open' : ''}`;
}

function Bar({ item, x, y, total, chosen, choose, first }) {
  const open = item.end_ms === null;
  const [from, to] = [item.begin_ms, open ? total : item.end_ms].sort((a, b) => a - b);
  const width = Math.max(x(to) - x(from), 2);
  const said = `${item.name}${item.service ? ` of ${item.service}` : ''}: ${ms(item.begin_ms)} to ${open ? 'no end event' : `${ms(item.end_ms)}, ${ms(length(item))}`}${item.uncertainty_ms === undefined ? '' : ` ± ${ms(item.uncertainty_ms)}`}`;
  const press = (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    choose(item);
  };
  const is = chosen && chosen.name === item.name && chosen.begin_ms === item.begin_ms && chosen.kind === item.kind;
  return html`<g role="button" data-bar tabindex=${first ? 0 : -1} aria-label=${said} aria-pressed=${Boolean(is)} class=${`bar-g ${is ? 'chosen' : ''}`}
      onClick=${() => choose(item)} onKeyDown=${press}>
    <title>${said}</title>
    <rect x=${x(from)} y=${y} width=${width} height=${BAR} class=${barClass(item)} rx="2" />
    ${open && html`<path d=${`M${x(to)} ${y - 1}v${BAR + 2}`} class="torn" />`}
  </g>`;
}

function Row({ row, geometry, y, ...rest }) {
  const { narrow, x } = geometry;
  const barY = narrow ? y + 17 : y + 4;
  return html`<g>
    <text x=${narrow ? 0 : LABEL_WIDTH - 10} y=${narrow ? y + 12 : y + 15} text-anchor=${narrow ? 'start' : 'end'} class=${`label ${row.kind}`}>
      ${row.label.length > LABEL_LETTERS && !narrow ? `${row.label.slice(0, LABEL_LETTERS - 1)}…` : row.label}${narrow && row.words ? html`<tspan class="tick" dx="6">${row.words}</tspan>` : ''}
    </text>
    ${row.kind === 'marks'
      ? html`<path class="mark" d=${row.items.map((mark) => `M${x(mark.at_ms)} ${barY + 1}l4 6-4 6-4-6Z`).join('')} />`
      : row.items.map((item, index) => html`<${Bar} key=${index} item=${item} y=${barY} x=${x} first=${rest.first && index === 0} ...${rest} />`)}
    ${!narrow && row.kind === 'bars' && html`<${Words} row=${row} y=${barY + 11} geometry=${geometry} total=${rest.total} />`}
  </g>`;
}

/** The length beside the last bar, or before the first where there is no room behind. */
function Words({ row, y, geometry, total }) {
  const { x, width } = geometry;
  const right = Math.max(...row.items.map((item) => x(Math.max(item.begin_ms, item.end_ms ?? total))));
  const left = Math.min(...row.items.map((item) => x(Math.min(item.begin_ms, item.end_ms ?? total))));
  const room = 7 * row.words.length;
  if (right + room < width) return html`<text x=${right + 6} y=${y} class="tick on-bar">${row.words}</text>`;
  if (left - room > LABEL_WIDTH) return html`<text x=${left - 6} y=${y} class="tick on-bar" text-anchor="end">${row.words}</text>`;
  return html`<text x=${width - 8} y=${y} class="tick on-bar" text-anchor="end">${row.words}</text>`;
}

function LaneLabel({ geometry, y, title, words }) {
  if (geometry.narrow) return html`<text x="0" y=${y + 12} class="label">${title}<tspan class="tick" dx="6">${words}</tspan></text>`;
  return html`<text x=${LABEL_WIDTH - 10} y=${y + 18} text-anchor="end" class="label">${title}</text>
    <text x=${LABEL_WIDTH - 10} y=${y + 33} text-anchor="end" class="tick">${words}</text>`;
}

function Arrivals({ chunks, geometry, y, title }) {
  const { x, narrow } = geometry;
  const top = y + (narrow ? 17 : 8);
  const widest = Math.max(...chunks.map((chunk) => chunk.audio_ms), 1);
  const path = chunks.map((chunk) => {
    const tall = 6 + 18 * (chunk.audio_ms / widest);
    return `M${x(chunk.at_ms) - 1} ${top + 26}v${-tall}h2v${tall}Z`;
  });
  const audio = chunks.reduce((sum, chunk) => sum + chunk.audio_ms, 0);
  const said = `${title}: ${plural(chunks.length, 'chunk')}, ${ms(audio)} of audio`;
  return html`<g role="img" aria-label=${said}><title>${said}; the taller, the more audio</title>
    <${LaneLabel} geometry=${geometry} y=${y} title=${title} words=${plural(chunks.length, 'chunk')} />
    <path class="chunk" d=${path.join('')} /></g>`;
}

function Buffer({ chunks, geometry, y, total }) {
  const { x, narrow } = geometry;
  const { points, stalls } = playerBuffer(chunks);
  const most = Math.max(...points.map(([, level]) => level), 1);
  const bottom = y + (narrow ? 46 : 34);
  const clip = (at) => x(Math.min(at, total));
  // The drain behind the last event is cut off at the edge of the picture, at the height it has there.
  const inside = points.flatMap(([at, level], index) => {
    if (at <= total) return [[at, level]];
    const [before, high] = points[index - 1];
    return before < total ? [[total, high - (total - before)]] : [];
  });
  const area = inside.map(([at, level]) => `${clip(at)},${bottom - (26 * level) / most}`).join(' ');
  const said = `player's buffer: up to ${ms(most)} ahead, ran dry ${plural(stalls.length, 'time')}`;
  return html`<g role="img" aria-label=${said}><title>${said}</title>
    <${LaneLabel} geometry=${geometry} y=${y} title="buffer ahead" words=${`up to ${ms(most)}`} />
    <polygon class="buffer" points=${`${clip(points[0][0])},${bottom} ${area} ${clip(inside.at(-1)[0])},${bottom}`} />
    <path class="zero" d=${`M${x(0)} ${bottom}H${x(total)}`} />
    ${stalls.map(([from, to]) => html`<rect key=${from} class="stall" x=${x(from)} y=${bottom - 26} width=${Math.max(x(to) - x(from), 2)} height="26"><title>dry for ${ms(to - from)}</title></rect>`)}
  </g>`;
}

function Axis({ geometry, total, bottom, heard, word }) {
  const { x, width } = geometry;
  return html`<g aria-hidden="true">
    ${ticks(total, x(total) - x(0)).map((at) => html`<g key=${at}><path class="grid" d=${`M${x(at)} ${AXIS_HEIGHT - 4}V${bottom}`} />
      <text class="tick" x=${Math.min(x(at), width - 4)} y=${AXIS_HEIGHT - 10} text-anchor=${x(at) > width - 40 ? 'end' : x(at) < 20 ? 'start' : 'middle'}>${ms(at)}</text></g>`)}
    ${heard !== null && html`<path class="heard" d=${`M${x(heard)} ${AXIS_HEIGHT - 4}V${bottom}`} />
      <text class="tick heard-word" x=${x(heard)} y=${bottom + 13} text-anchor=${x(heard) > width - 60 ? 'end' : x(heard) < 60 ? 'start' : 'middle'}>${word}</text>`}
  </g>`;
}

function moveFocus(event) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const bars = [...event.currentTarget.querySelectorAll('[data-bar]')];
  const next = bars[bars.indexOf(document.activeElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

export function Picture({ turn, chosen, choose }) {
  const [place, width] = useSize();
  const narrow = width < NARROW;
  const total = turn.total_ms || 1;
  const left = narrow ? 4 : LABEL_WIDTH;
  const geometry = { narrow, width, height: narrow ? 36 : 23, x: (at) => left + (at / total) * (width - left - RIGHT) };
  // Parts in front of the wait are not waited for either: the sound is behind the last part that was.
  const waited = turn.parts.findLastIndex((part) => part.waited !== false);
  const heard = turn.parts[waited + 1]?.begin_ms ?? null;
  let y = AXIS_HEIGHT;
  let first = true;
  const drawn = layOut(turn).flatMap(({ rows }, group) => {
    if (group) y += 10;
    const rule = html`<path key=${`rule ${group}`} class="rule" d=${`M0 ${y - 5}H${width}`} />`;
    return [group ? rule : null, ...rows.map((row, index) => {
      const top = y;
      y += geometry.height;
      const isFirst = first && row.kind === 'bars';
      if (isFirst) first = false;
      return html`<${Row} key=${`${group} ${index}`} row=${row} geometry=${geometry} y=${top} total=${total} chosen=${chosen} choose=${choose} first=${isFirst} />`;
    })];
  });
  // Without the caller's events the chunks are those that the engine made, and nobody knows how they arrived.
  const arrived = turn.labels.origin !== 'server';
  const lanes = turn.chunks.length ? y + 8 : y;
  const laneHeight = narrow ? 52 : LANE_HEIGHT;
  const bottom = turn.chunks.length ? lanes + (arrived ? 2 : 1) * laneHeight : lanes;
  return html`<div class="waterfall" ref=${place} style=${{ minHeight: `${bottom + 20}px` }}>
    ${width > 0 && html`<svg width=${width} height=${bottom + 20} role="group" aria-label=${`Waterfall of ${ms(turn.total_ms)}; arrow keys move between bars`} onKeyDown=${moveFocus}>
      <defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width="7" height="7" class="hatch-ground" /><path d="M0 0V7" class="hatch-line" /></pattern></defs>
      <${Axis} geometry=${geometry} total=${total} bottom=${bottom} heard=${heard} word=${turn.metrics.ttfa_ms?.value === undefined ? 'first audio' : 'first audible'} />
      ${drawn}
      ${turn.chunks.length > 0 && html`<${Arrivals} chunks=${turn.chunks} geometry=${geometry} y=${lanes} title=${arrived ? 'audio arrives' : 'audio is made'} />
        ${arrived && html`<${Buffer} chunks=${turn.chunks} geometry=${geometry} y=${lanes + laneHeight} total=${total} />`}`}
    </svg>`}
  </div>`;
}
