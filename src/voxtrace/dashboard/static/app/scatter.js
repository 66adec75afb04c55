// The requests of a list as points: when they began, and how long until somebody heard something.
import { html, ms, requestAddress } from './ui.js';
import { useSize } from './charts.js';

const HEIGHT = 170;
const LEFT = 64;
const BOTTOM = 22;
const SHAPES = {
  ok: (x, y) => `M${x - 4} ${y}a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z`,
  error: (x, y) => `M${x - 4} ${y - 4}h8v8h-8Z`,
  other: (x, y) => `M${x} ${y - 5}l5 5-5 5-5-5Z`,
};
const COLOURS = 6; // of the series; a seventh engine shares the first one's

/** A moment at an end of the axis, with its day where the axis is longer than one. */
const moment = (at, length_s) => {
  const day = length_s > 86_400 ? `${new Date(at * 1000).toLocaleDateString('en-CA')} ` : '';
  return day + new Date(at * 1000).toLocaleTimeString('en-GB');
};

/** 1, 3, 10, 30, … between two values: where a logarithmic axis has its lines. Close values are lines themselves. */
function lines(low, high, values) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power += 1) found.push(10 ** power, 3 * 10 ** power);
  const inside = found.filter((each) => each >= low && each <= high);
  return inside.length > 1 ? inside : [...new Set([Math.min(...values), Math.max(...values)])];
}

function Axes({ y, low, high, values, width, first, last }) {
  return html`${lines(low, high, values).map((each) => html`<g key=${each}><path class="grid" d=${`M${LEFT} ${y(each)}H${width}`} />
      <text class="tick" x=${LEFT - 8} y=${y(each) + 4} text-anchor="end">${ms(each)}</text></g>`)}
    <text class="tick" x=${LEFT} y=${HEIGHT - 5}>${moment(first, last - first)}</text>
    <text class="tick" x=${width} y=${HEIGHT - 5} text-anchor="end">${moment(last, last - first)}</text>`;
}

/** The table below holds the same requests for those who can't see or point. */
export function Scatter({ rows, metric, go }) {
  const valued = rows.filter((row) => row.metrics?.[metric]?.value > 0);
  return valued.length < 2 ? null : html`<${Points} valued=${valued} metric=${metric} go=${go} />`;
}

function Points({ valued, metric, go }) {
  const [place, width] = useSize();
  const values = valued.map((row) => row.metrics[metric].value);
  const engines = [...new Set(valued.map((row) => row.labels.engine || 'unknown engine'))];
  const [low, high] = [Math.min(...values) / 1.3, Math.max(...values) * 1.3];
  const [first, last] = [valued.at(-1).started, valued[0].started];
  const x = (at) => LEFT + 6 + ((at - first) / (last - first || 1)) * (width - LEFT - 12);
  const y = (value) => 6 + (1 - Math.log(value / low) / Math.log(high / low)) * (HEIGHT - BOTTOM - 6);
  return html`<section class="panel scatter" aria-hidden="true">
    <div ref=${place}>${width > 0 && html`<svg width=${width} height=${HEIGHT}>
      <${Axes} y=${y} low=${low} high=${high} values=${values} width=${width} first=${first} last=${last} />
      ${valued.map((row) => {
        const shape = SHAPES[row.labels.outcome] || SHAPES.other;
        const colour = engines.indexOf(row.labels.engine || 'unknown engine') % COLOURS;
        const value = row.metrics[metric].value;
        return html`<path key=${row.request_id} class=${`point c${colour}`} d=${shape(x(row.started), y(value))} onClick=${() => go(requestAddress(row.request_id))}>
          <title>${ms(value)}, ${row.labels.outcome}, ${row.labels.voice || ''} ${row.request_id}</title></path>`;
      })}
    </svg>`}</div>
    <p class="legend"><span class="quiet">TTFA of the requests below: ● ok ■ error ◆ other; click a point to open it</span>
      ${engines.map((engine, index) => html`<span key=${engine} class=${`engine c${index % COLOURS}`}>${engine}</span>`)}</p>
  </section>`;
}
