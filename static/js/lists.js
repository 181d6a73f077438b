// What one does to a track from wherever it stands: keep it, choose a licence, put it into the basket.

const said = document.getElementById('said');

// A line where notices stand, with a way on.
function notice(words, href, link) {
  const p = document.createElement('p');
  p.className = 'notice';
  p.setAttribute('role', 'status');
  p.append(`${words} `);
  if (href) {
    const a = document.createElement('a');
    a.href = href;
    a.textContent = link;
    p.append(a);
  }
  document.querySelector('.notice-place').replaceChildren(p);
}

async function post(form) {
  const body = new URLSearchParams(new FormData(form));
  return fetch(form.action, { method: 'POST', body, credentials: 'same-origin', headers: { Accept: 'text/html' } });
}

async function keep(form) {
  const button = form.querySelector('button');
  const field = form.elements.keep;
  const wanted = field.value;
  const set = (kept) => { button.setAttribute('aria-pressed', String(kept)); field.value = kept ? 'no' : 'yes'; };
  set(wanted === 'yes');
  try {
    const body = new URLSearchParams(new FormData(form));
    body.set('keep', wanted);
    const answer = await fetch(form.action, { method: 'POST', body, credentials: 'same-origin', redirect: 'manual' });
    if (answer.type !== 'opaqueredirect' && !answer.ok) throw new Error(String(answer.status));
    said.textContent = wanted === 'yes' ? 'Kept.' : 'Not kept any more.';
  } catch {
    set(wanted !== 'yes');
    notice('That could not be kept just now.');
  }
}

async function add(form) {
  const button = form.querySelector('button');
  button.disabled = true;
  try {
    const answer = await post(form);
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = page.querySelector('.basket');
    if (fresh) document.querySelector('.basket')?.replaceWith(document.adoptNode(fresh));
    const link = document.createElement('a');
    link.className = 'plain';
    link.href = '/cart';
    link.textContent = 'In basket';
    form.replaceWith(link);
    link.focus();
    document.getElementById('pick').close();
    notice('It is in your basket.', '/cart', 'Look at the basket');
  } catch {
    button.disabled = false;
    form.dataset.plain = '';
    form.submit();
  }
}

// The table of licences of a row's track, over the page one is on.
async function pick(link) {
  const sheet = document.getElementById('pick');
  const hold = sheet.querySelector('.holds');
  hold.replaceChildren();
  try {
    const answer = await fetch(link.href, { credentials: 'same-origin', headers: { Accept: 'text/html' } });
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const tiers = page.getElementById('licences');
    if (!answer.ok || !tiers) throw new Error('no table');
    const title = document.createElement('h2');
    title.textContent = page.querySelector('h1').textContent;
    tiers.removeAttribute('id');
    tiers.querySelector('h2')?.remove();
    hold.append(title, document.adoptNode(tiers));
    sheet.showModal();
  } catch {
    location.assign(link.href);
  }
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.dataset.plain !== undefined) return;
  if (form.dataset.keep !== undefined) { event.preventDefault(); keep(form); }
  if (form.dataset.add !== undefined) { event.preventDefault(); add(form); }
});
document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = event.target.closest('a[data-pick]');
  if (link) { event.preventDefault(); pick(link); }
}, true);
document.addEventListener('cuehouse:page', () => document.getElementById('pick').close());
