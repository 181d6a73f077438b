// Moves within the site without a new document, so that what plays goes on. Whatever is unusual is left to the browser.

// Pages that must come whole: where one signs in, pays, decides about privacy, or sends files.
const WHOLE = /^\/(checkout|orders|sign-in|sign-up|sign-out|age|guardian|privacy|account|studio\/uploads|studio\/tracks\/[^/]+\/master|library\/.+|pay|confirm|stripe|static|leave|metrics|healthz|readyz|api|\.well-known|consent-log)(\/|$)|\.(mp3|wav|pdf|json|xml|svg|zip|txt)$/;
// What was loaded once came with a policy of its own, for this document alone.
const once = document.querySelector('meta[name=consent]')?.dataset.once !== undefined;
let policy = null;
let running = null;

let place = history.state?.place ?? Date.now();
let shown = location.pathname + location.search;
history.replaceState({ ...history.state, place }, '');
history.scrollRestoration = 'manual';
const remember = () => { try { sessionStorage.setItem(`scroll:${place}`, String(scrollY)); } catch { /* only the place on the page is lost */ } };
addEventListener('pagehide', remember);
if (performance.getEntriesByType('navigation')[0]?.type !== 'navigate' && !location.hash) scrollTo(0, Number(sessionStorage.getItem(`scroll:${place}`)) || 0);

// The policy this document came with: asked for once, and only when somebody moves on.
async function ownPolicy() {
  policy ??= fetch(location.href, { method: 'HEAD', credentials: 'same-origin' }).then((r) => r.headers.get('Content-Security-Policy')).catch(() => undefined);
  return policy;
}

function fits(url) {
  return !once && url.origin === location.origin && !WHOLE.test(url.pathname) && !WHOLE.test(location.pathname);
}

async function visit(url, { push = true, scroll = null, focus = true } = {}) {
  running?.abort();
  const mine = (running = new AbortController());
  document.documentElement.classList.add('going');
  try {
    const [own, answer] = await Promise.all([ownPolicy(), fetch(url, { credentials: 'same-origin', headers: { Accept: 'text/html' }, signal: mine.signal })]);
    const landed = new URL(answer.url);
    const html = answer.headers.get('Content-Type')?.startsWith('text/html');
    if (!html || own === undefined || answer.headers.get('Content-Security-Policy') !== own || !fits(landed)) throw new Error('whole');
    const text = await answer.text();
    if (mine.signal.aborted) return;
    landed.hash = url.hash;
    const next = new DOMParser().parseFromString(text, 'text/html');
    if (!next.querySelector('main[data-swap]') || !sameFiles(next)) throw new Error('whole');
    if (push) {
      remember();
      place = Date.now();
      history.pushState({ place }, '', landed);
    }
    shown = landed.pathname + landed.search;
    swap(next);
    const target = landed.hash.length > 1 && scroll === null && document.getElementById(decodeURIComponent(landed.hash.slice(1)));
    if (target) target.scrollIntoView(); else scrollTo(0, scroll ?? 0);
    if (focus && scroll === null) (target || document.getElementById('main')).focus?.({ preventScroll: true });
    document.getElementById('said').textContent = document.title;
  } catch (error) {
    if (error.name === 'AbortError') return;
    mine.abort();
    if (push) location.assign(url); else location.reload();
  } finally {
    if (running === mine) document.documentElement.classList.remove('going');
  }
}

// A new version of the site brings new files: then the whole page is loaded.
function sameFiles(next) {
  const names = (doc) => [...doc.querySelectorAll('head link[rel=stylesheet], head script[src]')].map((el) => el.getAttribute('href') ?? el.getAttribute('src')).join();
  return names(next) === names(document);
}

function swap(next) {
  document.title = next.title;
  const token = next.querySelector('meta[name=csrf-token]');
  if (token) document.querySelector('meta[name=csrf-token]').content = token.content;
  for (const name of ['listen', 'shortcuts']) document.body.dataset[name] = next.body.dataset[name] ?? '';
  for (const part of next.querySelectorAll('[data-swap]')) {
    const old = document.querySelector(`[data-swap="${part.dataset.swap}"]`);
    old?.replaceWith(document.adoptNode(part));
  }
  // Whoever goes on without an answer is not asked again.
  if (!next.getElementById('consent-banner')) document.getElementById('consent-banner')?.remove();
  document.dispatchEvent(new CustomEvent('cuehouse:page'));
}

document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest('a[href]');
  if (!link || link.target || link.hasAttribute('download') || link.dataset.whole !== undefined) return;
  const url = new URL(link.href, location.href);
  if (!fits(url)) return;
  if (url.pathname === location.pathname && url.search === location.search && url.hash) return;
  event.preventDefault();
  const facet = url.pathname === location.pathname && link.closest('#filters details') ? named(link) : null;
  if (!facet) { visit(url); return; }
  // One narrows further: the list of filters stays where it is, and the focus in it.
  if (location.hash === '#filters') url.hash = '#filters';
  const top = document.getElementById('filters').scrollTop;
  visit(url, { scroll: scrollY }).then(() => {
    const filters = document.getElementById('filters');
    if (filters) filters.scrollTop = top;
    [...document.querySelectorAll('#filters details a')].find((a) => named(a) === facet)?.focus({ preventScroll: true });
    document.getElementById('said').textContent = document.querySelector('#results [role=status]')?.textContent ?? document.title;
  });
});

// A value of a facet by its words: `Mood: Tense`.
const named = (link) => `${link.closest('details').querySelector('summary').firstChild.textContent}: ${(link.querySelector('span') ?? link).firstChild.textContent}`;

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== 'get' || form.target) return;
  const url = new URL(form.action, location.href);
  if (!fits(url)) return;
  event.preventDefault();
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form, event.submitter)) if (value !== '' || name === 'q') fields.append(name, value);
  if (fields.get('q') === '' && [...fields].length > 1) fields.delete('q');
  url.search = fields.toString();
  visit(url);
});

// Places that a link to a part of the page made have no number yet.
addEventListener('hashchange', () => { if (!history.state?.place) { place = Date.now(); history.replaceState({ place }, ''); } });
addEventListener('popstate', (event) => {
  if (location.pathname + location.search === shown) {
    if (event.state?.place) place = event.state.place;
    return;
  }
  remember();
  place = event.state?.place ?? Date.now();
  visit(new URL(location.href), { push: false, scroll: Number(sessionStorage.getItem(`scroll:${place}`)) || 0 });
});

// Filters as a sheet, on narrow screens: the rest of the page waits behind it.
const narrow = matchMedia('(width < 960px)');
function sheet() {
  const filters = document.getElementById('filters');
  const open = location.hash === '#filters' && narrow.matches && filters;
  filters?.classList.toggle('open', Boolean(open));
  const was = document.documentElement.classList.contains('sheet-open');
  document.documentElement.classList.toggle('sheet-open', Boolean(open));
  for (const el of document.querySelectorAll('.top, .foot, .player, #results')) el.inert = Boolean(open);
  if (open && !open.contains(document.activeElement)) open.querySelector('.close').focus();
  else if (was && !open) document.querySelector('.open-filters')?.focus({ preventScroll: true });
}
addEventListener('hashchange', sheet);
narrow.addEventListener('change', sheet);
document.addEventListener('cuehouse:page', sheet);
sheet();

// Menus close when one looks elsewhere.
document.addEventListener('click', (event) => {
  for (const menu of document.querySelectorAll('details[data-menu][open]')) if (!menu.contains(event.target) || event.target.closest('.sheet-menu a')) menu.open = false;
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  const menu = document.querySelector('details[data-menu][open]');
  if (menu) { menu.open = false; menu.querySelector('summary').focus(); }
  if (location.hash === '#filters') location.hash = '#results';
});
document.addEventListener('cuehouse:go', (event) => visit(new URL(event.detail, location.href), { push: false, scroll: scrollY }));
