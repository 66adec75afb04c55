// The pictures of the Overview: percentiles over time (uPlot) and the heatmap (SVG).
import { useEffect, useRef, useState } from '../vendor/hooks.mjs';
import { covered, html, ms, number, themeColour, withUnit } from './ui.js';

const CHART_HEIGHT = 240;

/** The width of an element, followed as it changes, and a counter that changes with the theme. */
export function useSize() {
  const place = useRef(null);
  const [width, setWidth] = useState(0);
  const [theme, setTheme] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(place.current);
    const changed = () => setTheme((n) => n + 1);
    const dark = window.matchMedia('(prefers-color-scheme: dark)');
    window.addEventListener('themechange', changed);
    dark.addEventListener('change', changed);
    return () => {
      observer.disconnect();
      window.removeEventListener('themechange', changed);
      dark.removeEventListener('change', changed);
    };
  }, []);
  return [place, width, theme];
}

function columns({ series, begin, now }) {
  const at = [begin];
  const rows = { p50: [null], p95: [null], slowest: [null] };
  const ids = [null];
  for (const bucket of series.buckets) {
    at.push(Math.max(begin, bucket.at) + series.width_s / 2);
    rows.p50.push(bucket.of.p50);
    rows.p95.push(bucket.of.p95);
    rows.slowest.push(bucket.of.largest);
    ids.push(bucket.slowest);
  }
  at.push(now);
  Object.values(rows).forEach((row) => row.push(null));
  ids.push(null);
  return { columns: [at, rows.p50, rows.p95, rows.slowest], ids };
}

/** A dashed line at the target, with its word: colour alone would say nothing. */
const targetLine = (target) => (plot) => {
  const y = Math.round(plot.valToPos(target, 'y', true));
  const { left, top, width, height } = plot.bbox;
  if (!target || y < top || y > top + height) return;
  const { ctx } = plot;
  ctx.save();
  ctx.strokeStyle = themeColour('--warning');
  ctx.fillStyle = themeColour('--warning');
  ctx.setLineDash([6, 4]);
  ctx.beginPath();
  ctx.moveTo(left, y);
  ctx.lineTo(left + width, y);
  ctx.stroke();
  ctx.textAlign = 'right';
  ctx.fillText(`target ${ms(target)}`, left + width - 4, y - 5);
  ctx.restore();
};

/** The hour and minute of a tick, as the clocks of the other pages show it. */
const clock = (at) => new Date(at * 1000).toLocaleTimeString('en-GB').slice(0, 5);

/** A target far above everything measured is left out of the picture: it would press the data into a line. */
const ceiling = (high, target) => ((target && target < 2.5 * high ? Math.max(high, target) : high) || 1) * 1.12;

function options(data, width, ids, { go, onHover }) {
  const ink = themeColour('--ink-quiet');
  const axis = { stroke: ink, grid: { stroke: themeColour('--line'), width: 1 }, ticks: { stroke: themeColour('--line') } };
  const line = (label, stroke, dash) => ({ label, stroke, width: 2, dash, points: { size: 5 }, spanGaps: false });
  return {
    width,
    height: CHART_HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { range: () => [data.begin, data.now] }, y: { range: (_, low, high) => [0, ceiling(high, data.target)] } },
    axes: [{ ...axis, values: (_, ticks) => ticks.map(clock) }, { ...axis, size: 76, values: (_, ticks) => ticks.map((tick) => withUnit(data.metric, tick)) }],
    series: [
      {},
      line('p50', themeColour('--series-1')),
      line('p95', themeColour('--series-2'), [8, 4]),
      { label: 'slowest', stroke: themeColour('--series-3'), paths: () => null, points: { show: true, size: 8, width: 2 } },
    ],
    hooks: {
      draw: [targetLine(data.target)],
      setCursor: [(plot) => onHover(plot.cursor.idx)],
      ready: [(plot) => plot.over.addEventListener('click', () => ids[plot.cursor.idx] && go(`/requests/${encodeURIComponent(ids[plot.cursor.idx])}`))],
    },
  };
}

function Legend({ data, bucket }) {
  const word = (at) => {
    if (!bucket) return '';
    const value = bucket.of[at];
    return value === null ? ` — (n=${covered(bucket.of)})` : ` ${withUnit(data.metric, value)}`;
  };
  const thin = data.series.buckets.every((each) => each.of.p95 === null);
  return html`<p class="legend">
    <span class="key s1">p50${word('p50')}</span>
    <span class="key s2">p95${thin && !bucket ? ' — (too few in each slice)' : word('p95')}</span>
    <span class="key s3">slowest${word('largest')}</span>
    ${data.target !== null && html`<span class="quiet">target ${ms(data.target)}</span>`}
    <span class="quiet">${bucket ? `n=${covered(bucket.of)}, ${new Date(bucket.at * 1000).toLocaleTimeString('en-GB')}` : 'click a dot to see that request'}</span>
  </p>`;
}

export function TimeChart({ data, title, go }) {
  const [place, width, theme] = useSize();
  const [hovered, setHovered] = useState(null);
  useEffect(() => {
    if (!width) return undefined;
    const { columns: values, ids } = columns(data);
    // The first and the last column only hold the axis open.
    const onHover = (index) => setHovered(index > 0 && index < ids.length - 1 ? index - 1 : null);
    const plot = new window.uPlot(options(data, width, ids, { go, onHover }), values, place.current);
    return () => plot.destroy();
  }, [data, width, theme]);
  const of = data.cards[0].of;
  const said = `${title}: p50 ${of.p50 === null ? 'unknown' : withUnit(data.metric, of.p50)}, p95 ${of.p95 === null ? 'unknown' : withUnit(data.metric, of.p95)}, measured in ${covered(of)} requests`;
  return html`<div class="chart" role="img" aria-label=${said} style=${{ minHeight: `${CHART_HEIGHT}px` }} ref=${place}></div>
    <${Legend} data=${data} bucket=${hovered === null ? null : data.series.buckets[hovered]} />`;
}

const CELL_HEIGHT = 18;
const LABELS_WIDTH = 64;

/** Time across, milliseconds up (each row about 1.4 times the one below), the darker the more requests. */
export function Heatmap({ data, title }) {
  if (!data.heat.cells.length) return html`<p class="quiet">No request has a value.</p>`;
  return html`<${Cells} data=${data} title=${title} />`;
}

function Cells({ data, title }) {
  const [place, width] = useSize();
  const { cells, lowest, highest } = data.heat;
  const { series, begin, now } = data;
  const rows = highest - lowest + 1;
  const most = Math.max(...cells.map((cell) => cell.count));
  const across = (at) => LABELS_WIDTH + ((at - begin) / (now - begin)) * (width - LABELS_WIDTH);
  const edge = (row) => 2 ** (row / 2);
  return html`<div class="heatmap" ref=${place} style=${{ minHeight: `${rows * CELL_HEIGHT + 4}px` }}>
    ${width > 0 && html`<svg width=${width} height=${rows * CELL_HEIGHT + 4} role="group" aria-label=${`${title}: ${plotted(cells)} requests by time and duration`}>
      ${Array.from({ length: rows }, (_, index) => {
        const row = highest - index;
        return index % 2 === rows % 2 ? null : html`<text key=${row} x=${LABELS_WIDTH - 8} y=${(index + 1) * CELL_HEIGHT} class="tick" text-anchor="end">${ms(Number(edge(row).toPrecision(2)))}</text>`;
      })}
      ${cells.map((cell) => {
        const left = across(Math.max(cell.at, begin));
        const query = new URLSearchParams({ min_ms: edge(cell.row).toFixed(3), max_ms: edge(cell.row + 1).toFixed(3), since: cell.at, until: cell.at + series.width_s, metric: data.metric });
        const said = `${cell.count} of ${number(edge(cell.row))} to ${ms(edge(cell.row + 1))}, ${new Date(cell.at * 1000).toLocaleTimeString('en-GB')}`;
        return html`<a key=${`${cell.at} ${cell.row}`} href=${`/requests?${query}`} aria-label=${said}>
          <rect x=${left} y=${(highest - cell.row) * CELL_HEIGHT + 2} width=${Math.max(3, across(cell.at + series.width_s) - left - 1)} height=${CELL_HEIGHT - 2}
            class="cell" fill-opacity=${0.25 + (0.75 * Math.log(1 + cell.count)) / Math.log(1 + most)}><title>${said}</title></rect>
        </a>`;
      })}
    </svg>`}
  </div>
  <p class="quiet">The darker, the more requests (at most ${number(most)}). Click a cell to see them.</p>`;
}

const plotted = (cells) => cells.reduce((sum, cell) => sum + cell.count, 0);
