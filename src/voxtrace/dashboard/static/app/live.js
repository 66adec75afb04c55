// The live connection: one WebSocket, and the truth about how fresh the page is.
import { useEffect, useRef, useState } from '../vendor/hooks.mjs';

const SILENCE_IS_STALE_MS = 1_700; // more than twice the server's heartbeat; with a tick it is seen within 2 s
const SILENCE_IS_DEAD_MS = 10_000;
const POLL_MS = 5_000;
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000];
const FULL_RETRY_MS = 30_000;
const TRY_AGAIN_LATER = 1013;

/** What is known; every change makes a new object, so that a hook can tell. */
let now = {
  state: 'connecting', // connecting | live | stale | reconnecting | polling
  paused: false,
  seq: null,
  serverId: null,
  silentSince: null, // unix seconds of the last word of the server
  retryAt: null, // performance.now() of the next attempt
  version: 0, // counts up whenever the pages should ask again
  accounts: null,
  conflated: 0,
  changed: [], // ids of the requests in the newest delta
  outdated: false, // the server was upgraded: this page belongs to an older one
};
const listeners = new Set();
let socket = null;
let heardAt = -Infinity;
let attempts = 0;
let ticker = null;

function update(change) {
  now = { ...now, ...change };
  listeners.forEach((listener) => listener(now));
}

/** Re-renders only when what `select` picks has changed. */
export function useLive(select) {
  const [value, setValue] = useState(() => select(now));
  const latest = useRef(select);
  latest.current = select; // what is picked may depend on the page's address, which changes
  useEffect(() => {
    const listener = (next) => setValue(() => latest.current(next));
    listeners.add(listener);
    listener(now);
    return () => listeners.delete(listener);
  }, []);
  return value;
}

export const togglePause = () => update({ paused: !now.paused, version: now.version + (now.paused ? 1 : 0) });

const bump = () => (now.paused ? now.version : now.version + 1);

/** The folder this script came from names the version of the page. */
const OWN_ASSETS = new URL(import.meta.url).pathname.split('/')[2];

const receive = {
  hello(message) {
    const same = message.server_id === now.serverId;
    update({ serverId: message.server_id, seq: same ? now.seq : null, outdated: message.assets !== OWN_ASSETS });
    ask();
  },
  snapshot(message) {
    update({ seq: message.seq, accounts: message.accounts, conflated: message.conflated, version: bump(), changed: [] });
  },
  delta(message) {
    if (now.seq === null) return; // a resume is under way
    if (message.from > now.seq) {
      ask();
      return;
    }
    if (message.seq <= now.seq) return;
    const something = message.changed.length > 0 || message.more > 0;
    update({
      seq: message.seq,
      accounts: message.accounts,
      conflated: message.conflated,
      ...(something && { version: bump(), changed: message.changed }),
    });
  },
  ping(message) {
    if (now.seq !== null && message.seq > now.seq) ask();
  },
};

/** Ask for what was missed; the server answers with a delta over the gap, or with a new snapshot. */
function ask() {
  socket.send(JSON.stringify({ type: 'resume', server_id: now.serverId, from: now.seq }));
}

function connect() {
  const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws';
  const own = new WebSocket(`${scheme}://${window.location.host}/ws`);
  socket = own;
  own.onmessage = (event) => {
    const message = JSON.parse(event.data);
    heardAt = performance.now();
    attempts = 0;
    update({ state: 'live', silentSince: Date.now() / 1000, retryAt: null });
    receive[message.type]?.(message);
  };
  own.onclose = (event) => {
    if (own !== socket) return;
    const full = event.code === TRY_AGAIN_LATER;
    const wait = full ? FULL_RETRY_MS : RETRY_MS[Math.min(attempts, RETRY_MS.length - 1)];
    attempts += 1;
    update({ state: full ? 'polling' : 'reconnecting', retryAt: performance.now() + wait });
    setTimeout(connect, wait);
  };
}

/** Once a quarter of a second: is the server still speaking, and is it time to poll? */
function tick() {
  const silence = performance.now() - heardAt;
  if (now.state === 'live' && silence > SILENCE_IS_STALE_MS) update({ state: 'stale' });
  if (now.state === 'stale' && silence > SILENCE_IS_DEAD_MS) socket.close();
}

export function start() {
  if (ticker) return;
  connect();
  ticker = setInterval(tick, 250);
  // The window of the Overview moves even when nothing happens, and polling has no other pulse.
  setInterval(() => {
    if (now.state === 'live' || now.state === 'polling') update({ version: bump() });
  }, POLL_MS);
}

/** What the chip says: text first, colour never alone. */
export function describe({ state, paused, silentSince, retryAt }) {
  const seconds = (from) => Math.max(0, Math.round(from));
  if (state === 'reconnecting') return `RECONNECTING (${seconds((retryAt - performance.now()) / 1000)} s)`;
  if (state === 'stale') return `STALE ${seconds(Date.now() / 1000 - silentSince)} s`;
  if (paused) return 'PAUSED';
  return { connecting: 'CONNECTING', live: 'LIVE', polling: 'POLLING' }[state];
}
