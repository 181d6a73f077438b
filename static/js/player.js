// The one player: rows and decks ask it with data-play and data-seek; it lives outside of <main> and so survives navigation.

const bar = document.getElementById('player');
const sound = document.getElementById('sound');
const said = document.getElementById('said');
const slider = bar.querySelector('.wave');
const part = (name) => bar.querySelector(name);
const act = (name) => bar.querySelector(`[data-act=${name}]`);
const KEEP = 'player';
const STEP = 5;

let list = [];
let index = -1;
let heard = 0;
let counted = false;
let last = null;
let wanted = false;
let pending = null;

const now = () => list[index];
const clock = (secs) => {
  const s = Math.max(0, Math.round(secs));
  const two = (n) => String(n).padStart(2, '0');
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
};
const icon = (button, name) => button.querySelector('use').setAttribute('href', `#i-${name}`);
const announce = (words) => { said.textContent = words; };

// What an element with data-track tells of its track.
function read(el) {
  const text = (name) => el.querySelector(name)?.textContent.trim() ?? '';
  const slug = el.dataset.track;
  const whole = el.dataset.whole ? el.dataset.whole === 'yes' : document.body.dataset.listen === 'preview';
  return {
    slug,
    title: text('.title'),
    by: text('a.by, .by a') || text('.by'),
    byHref: el.querySelector('a.by, .by a')?.getAttribute('href') ?? '',
    href: `/tracks/${slug}`,
    src: el.dataset.sound || `/tracks/${slug}/${whole ? 'preview' : 'sample'}.mp3`,
    art: el.querySelector('.art')?.getAttribute('src') ?? `/tracks/${slug}/artwork.svg`,
    secs: Number(el.dataset.ms) / 1000,
    from: whole ? 0 : Number(el.dataset.from) / 1000,
    whole,
    box: el.querySelector('.wave svg')?.getAttribute('viewBox') ?? '0 0 1 1',
    path: el.querySelector('.wave path')?.getAttribute('d') ?? '',
    price: text('.price').replace(/^from\s*/, ''),
  };
}

// The list an element stands in: its rows in order; a deck may open the list it names.
function listOf(el) {
  const rows = el.closest('[data-tracks]') ?? (el.dataset.list && document.getElementById(el.dataset.list));
  const all = rows ? [...rows.querySelectorAll('[data-track]')] : [];
  return el.dataset.list || !all.length ? [el, ...all] : all;
}

const atSecs = () => (now()?.from ?? 0) + (pending ?? sound.currentTime);
const endSecs = () => {
  const item = now();
  if (!item) return 0;
  return item.whole || !Number.isFinite(sound.duration) ? item.secs : Math.min(item.secs, item.from + sound.duration);
};

function load(at) {
  index = at;
  const item = now();
  heard = 0; counted = false; last = null; pending = null;
  sound.src = item.src;
  bar.hidden = false;
  part('.trouble').textContent = '';
  part('.now .art').src = item.art;
  const title = part('.now .title');
  title.textContent = item.title;
  title.href = item.href;
  const by = part('.now .by');
  by.textContent = item.by;
  item.byHref ? by.setAttribute('href', item.byHref) : by.removeAttribute('href');
  const license = part('.license');
  license.href = `${item.href}#licences`;
  license.setAttribute('aria-label', `License ${item.title}${item.price ? `, from ${item.price}` : ''}`);
  license.querySelector('span').textContent = item.price ? `from ${item.price}` : '';
  slider.replaceChildren(drawn(item), drawn(item, 'done'));
  slider.classList.remove('part');
  act('previous').disabled = index <= 0;
  act('next').disabled = index + 1 >= list.length;
  if ('mediaSession' in navigator) {
    navigator.mediaSession.metadata = new MediaMetadata({ title: item.title, artist: item.by, artwork: [{ src: item.art, type: 'image/svg+xml' }] });
  }
  paint();
}

function drawn(item, kind) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', item.box);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  if (kind) svg.classList.add(kind);
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', item.path);
  svg.append(path);
  return svg;
}

async function play() {
  wanted = true;
  try {
    await sound.play();
  } catch (error) {
    if (error.name === 'NotAllowedError') wanted = false;
    else if (error.name !== 'AbortError') failed();
  }
  paint();
}

function pause() {
  wanted = false;
  sound.pause();
}

const toggle = () => (sound.paused ? play() : pause());

function start(el, at) {
  const slug = el.dataset.track;
  if (now()?.slug === slug && !bar.classList.contains('failed')) {
    adopt(el);
    if (at === undefined) return toggle();
    seek(at * now().secs);
    return sound.paused ? play() : undefined;
  }
  const places = listOf(el);
  list = places.map(read);
  load(Math.max(0, places.indexOf(el)));
  if (at !== undefined) seek(at * now().secs);
  play();
}

// The same track on another page: what comes next is the list one looks at.
function adopt(el) {
  const places = listOf(el);
  if (places.length < 2) return;
  list = places.map((place) => (place === el ? now() : read(place)));
  index = places.indexOf(el);
  act('previous').disabled = index <= 0;
  act('next').disabled = index + 1 >= list.length;
}

function move(by) {
  if (!list[index + by]) return;
  load(index + by);
  announce(now().title);
  play();
}

function seek(secs) {
  const item = now();
  if (!item) return;
  const to = Math.min(Math.max(secs, item.from), Math.max(item.from, endSecs() - 0.25)) - item.from;
  if (sound.readyState > 0) sound.currentTime = to;
  else pending = to;
  last = null;
  paint();
}

function failed() {
  bar.classList.add('failed');
  bar.classList.remove('loading');
  part('.trouble').textContent = `“${now()?.title}” cannot be played just now. Press play to try again.`;
  paint();
}

// Everything that shows the playhead.
function paint() {
  const item = now();
  const playing = wanted && !sound.paused;
  const toggleButton = act('toggle');
  icon(toggleButton, playing ? 'pause' : 'play');
  toggleButton.setAttribute('aria-label', playing ? 'Pause' : 'Play');
  const at = atSecs();
  const begins = item ? `${((item.from / item.secs) * 100).toFixed(2)}%` : '0%';
  const share = item ? `${Math.min(100, (at / item.secs) * 100).toFixed(2)}%` : '0%';
  for (const el of document.querySelectorAll('[data-track]')) {
    const mine = item && el.dataset.track === item.slug;
    if (!mine && !el.classList.contains('playing')) continue;
    el.classList.toggle('playing', Boolean(mine));
    el.classList.toggle('broken', Boolean(mine && bar.classList.contains('failed')));
    const button = el.querySelector('[data-play]');
    if (button) {
      icon(button, mine && playing ? 'pause' : 'play');
      const title = el.querySelector('.title')?.textContent.trim() ?? '';
      button.setAttribute('aria-label', `${mine && playing ? 'Pause' : 'Play'} ${title}`);
    }
    const wave = el.querySelector('.wave');
    if (!wave) continue;
    if (mine && !wave.querySelector('.done') && wave.querySelector('svg')) {
      const done = wave.querySelector('svg').cloneNode(true);
      done.classList.add('done');
      wave.append(done);
    }
    wave.style.setProperty('--at', mine ? share : '0%');
    wave.style.setProperty('--from', mine ? begins : '0%');
    if (wave.dataset.slider !== undefined && mine) value(wave, item, at);
  }
  if (!item) return;
  slider.style.setProperty('--at', share);
  slider.style.setProperty('--from', begins);
  part('.at').textContent = clock(at);
  part('.whole').textContent = clock(item.secs);
  value(slider, item, at);
  if (!item.whole && Number.isFinite(sound.duration) && sound.duration + 1 < item.secs) {
    slider.classList.add('part');
    slider.style.setProperty('--to', `${(endSecs() / item.secs) * 100}%`);
  }
}

function value(el, item, at) {
  el.setAttribute('aria-valuemin', String(Math.round(item.from)));
  el.setAttribute('aria-valuemax', String(Math.round(endSecs())));
  el.setAttribute('aria-valuenow', String(Math.round(at)));
  el.setAttribute('aria-valuetext', `${clock(at)} of ${clock(item.secs)}`);
}

function keep() {
  const item = now();
  if (!item) return;
  const lists = list.length > 60 ? list.slice(Math.max(0, index - 20), index + 40) : list;
  const state = { list: lists, index: lists.indexOf(item), at: pending ?? sound.currentTime, on: wanted, volume: sound.volume, muted: sound.muted, when: Date.now() };
  try { sessionStorage.setItem(KEEP, JSON.stringify(state)); } catch { /* a full or closed store only costs the place */ }
}

function restore() {
  let state;
  try { state = JSON.parse(sessionStorage.getItem(KEEP)); } catch { return; }
  if (!state?.list?.[state.index]) return;
  list = state.list;
  loud(state.volume ?? 1, state.muted);
  load(state.index);
  pending = state.at || null;
  paint();
  // It goes on where it was when the next page came at once; a browser that does not allow it leaves it paused.
  if (state.on && Date.now() - state.when < 15000) play();
}

function loud(volume, muted) {
  sound.volume = volume;
  sound.muted = Boolean(muted);
  part('[data-volume]').value = String(Math.round(volume * 100));
  icon(act('mute'), sound.muted || volume === 0 ? 'mute' : 'volume');
  act('mute').setAttribute('aria-pressed', String(sound.muted));
}

function count() {
  if (counted) return;
  counted = true;
  const token = document.querySelector('meta[name=csrf-token]')?.content ?? '';
  fetch(`/tracks/${now().slug}/plays`, { method: 'POST', headers: { 'X-CSRF-Token': token }, keepalive: true }).catch(() => {});
}

sound.addEventListener('loadedmetadata', () => {
  if (pending !== null) { sound.currentTime = Math.min(pending, Math.max(0, sound.duration - 0.25)); pending = null; }
  paint();
});
sound.addEventListener('timeupdate', () => {
  if (last !== null && sound.currentTime > last && sound.currentTime - last < 1) heard += sound.currentTime - last;
  last = sound.currentTime;
  if (heard >= 5) count();
  paint();
});
for (const name of ['play', 'pause', 'seeked']) sound.addEventListener(name, () => { paint(); keep(); });
sound.addEventListener('waiting', () => bar.classList.add('loading'));
for (const name of ['playing', 'pause', 'canplay']) sound.addEventListener(name, () => { bar.classList.remove('loading'); });
sound.addEventListener('playing', () => { bar.classList.remove('failed'); part('.trouble').textContent = ''; paint(); });
sound.addEventListener('error', () => { if (sound.getAttribute('src')) failed(); });
sound.addEventListener('ended', () => {
  if (list[index + 1]) return move(1);
  wanted = false;
  sound.currentTime = 0;
  paint();
});
addEventListener('pagehide', keep);

// The playhead moves between the sound's own ticks; only where motion is welcome.
if (!matchMedia('(prefers-reduced-motion: reduce)').matches) {
  const step = () => {
    if (sound.paused) return;
    if (now()) {
      const share = `${Math.min(100, (atSecs() / now().secs) * 100).toFixed(2)}%`;
      slider.style.setProperty('--at', share);
      for (const wave of document.querySelectorAll('.playing .wave')) wave.style.setProperty('--at', share);
    }
    requestAnimationFrame(step);
  };
  sound.addEventListener('play', () => requestAnimationFrame(step));
}

document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const button = event.target.closest('[data-play]');
  const own = button?.closest('[data-track]');
  if (own) {
    event.preventDefault();
    if (bar.classList.contains('failed') && now()?.slug === own.dataset.track) retry();
    else start(own);
    return;
  }
  const wave = event.target.closest('[data-seek]');
  if (wave && !wave.classList.contains('seek')) {
    const box = wave.getBoundingClientRect();
    start(wave.closest('[data-track]'), (event.clientX - box.left) / box.width);
  }
});

function retry() {
  const at = sound.currentTime;
  bar.classList.remove('failed');
  load(index);
  pending = at || null;
  play();
}

bar.addEventListener('click', (event) => {
  const what = event.target.closest('[data-act]')?.dataset.act;
  if (what === 'toggle') bar.classList.contains('failed') ? retry() : toggle();
  if (what === 'previous') atSecs() - (now()?.from ?? 0) > 4 ? seek(now().from) : move(-1);
  if (what === 'next') move(1);
  if (what === 'mute') { loud(sound.volume, !sound.muted); keep(); }
  if (what === 'keys') document.getElementById('keys').showModal();
});
part('[data-volume]').addEventListener('input', (event) => { loud(Number(event.target.value) / 100, false); keep(); });

// The slider of the bar, and the large one of a track's page.
function slides(el, item) {
  const place = (event) => {
    const box = el.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  el.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || !item()) return;
    el.setPointerCapture(event.pointerId);
    seek(place(event) * now().secs);
  });
  el.addEventListener('pointermove', (event) => { if (el.hasPointerCapture(event.pointerId) && item()) seek(place(event) * now().secs); });
}
slides(slider, now);
document.addEventListener('keydown', (event) => {
  const el = event.target.closest?.('[role=slider].seek');
  if (!el || event.metaKey || event.ctrlKey || event.altKey) return;
  const own = el.closest('[data-track]');
  if (own && now()?.slug !== own.dataset.track) {
    if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); start(own); }
    return;
  }
  if (!now()) return;
  const to = { ArrowLeft: atSecs() - STEP, ArrowDown: atSecs() - STEP, ArrowRight: atSecs() + STEP, ArrowUp: atSecs() + STEP, PageDown: atSecs() - 30, PageUp: atSecs() + 30, Home: 0, End: endSecs() }[event.key];
  if (to !== undefined) { event.preventDefault(); event.stopImmediatePropagation(); seek(to); }
  if (event.key === 'Enter') toggle();
});

// Single keys switched off in this tab, by someone without an account.
const QUIET = 'quiet keys';
const quiet = () => { try { return sessionStorage.getItem(QUIET) === 'yes'; } catch { return false; } };
const quietButton = document.querySelector('[data-act=quiet]');
function hush(off) {
  try { sessionStorage.setItem(QUIET, off ? 'yes' : 'no'); } catch { /* then it holds until the next page */ }
  document.body.dataset.shortcuts = off ? 'off' : 'on';
  quietButton.textContent = off ? 'Switch single keys on' : 'Switch single keys off';
}
quietButton?.addEventListener('click', () => hush(document.body.dataset.shortcuts !== 'off'));
if (quietButton && quiet()) hush(true);

// A link that plays is a button here, and so answers to Space.
document.addEventListener('keydown', (event) => {
  const button = event.key === ' ' ? event.target.closest?.('a[data-play]') : null;
  if (button && !event.defaultPrevented) { event.preventDefault(); button.click(); }
});

// Single keys: off by wish, and never while typing.
document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || document.body.dataset.shortcuts === 'off') return;
  const el = event.target;
  if (el.closest('input, textarea, select, [contenteditable], dialog[open]')) return;
  // Space presses what stands under the focus; on a link, which it does not press, it plays.
  const pressed = el.closest('button, summary, [role=button]');
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const does = {
    ' ': () => (pressed || !(now() || document.querySelector('[data-play]')) ? false : now() ? toggle() : document.querySelector('[data-play]').click()),
    ArrowLeft: () => (now() ? seek(atSecs() - STEP) : false),
    ArrowRight: () => (now() ? seek(atSecs() + STEP) : false),
    j: () => (now() ? move(1) : document.querySelector('[data-play]')?.click()),
    k: () => move(-1),
    m: () => { loud(sound.volume, !sound.muted); announce(sound.muted ? 'Muted.' : 'Not muted.'); keep(); },
    '/': () => { const box = document.querySelector('.top input[name=q]'); box?.focus(); box?.select(); },
    '?': () => document.getElementById('keys').showModal(),
  }[key];
  const own = does ? null : document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (own) { event.preventDefault(); own.matches('input, textarea, select') ? own.focus() : own.click(); return; }
  if (does && does() !== false) event.preventDefault();
});

if ('mediaSession' in navigator) {
  const handle = (name, fn) => { try { navigator.mediaSession.setActionHandler(name, fn); } catch { /* not known here */ } };
  handle('play', play);
  handle('pause', pause);
  handle('previoustrack', () => move(-1));
  handle('nexttrack', () => move(1));
  handle('seekto', (event) => seek(event.seekTime + (now()?.from ?? 0)));
}

// A page has come: its plain players give way, its large waveform becomes a slider, what plays is marked.
function dress() {
  if (quietButton && quiet()) document.body.dataset.shortcuts = 'off';
  for (const button of document.querySelectorAll('a[data-play]')) button.setAttribute('role', 'button');
  for (const plain of document.querySelectorAll('.plain-audio')) plain.remove();
  for (const wave of document.querySelectorAll('[data-slider]')) {
    const own = wave.closest('[data-track]');
    const secs = Number(own.dataset.ms) / 1000;
    wave.classList.add('seek');
    wave.tabIndex = 0;
    for (const [name, text] of [['role', 'slider'], ['aria-label', 'Position'], ['aria-valuemin', '0'], ['aria-valuemax', String(Math.round(secs))], ['aria-valuenow', '0'], ['aria-valuetext', `0:00 of ${clock(secs)}`]]) wave.setAttribute(name, text);
    slides(wave, () => now()?.slug === own.dataset.track);
    wave.addEventListener('click', (event) => {
      if (now()?.slug === own.dataset.track) return;
      const box = wave.getBoundingClientRect();
      start(own, (event.clientX - box.left) / box.width);
    });
  }
  paint();
}
document.addEventListener('cuehouse:page', dress);
dress();
restore();
