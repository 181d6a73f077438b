// <form data-check-receipt data-keys="…">: checks a consent receipt in the browser, with nothing but the file and the keys
// that came with the page. Where the browser cannot check signatures, the form is sent as it is.

const form = document.querySelector('[data-check-receipt]');
const words = new TextEncoder();
const DAY = 86_400_000;

const hex = (bytes) => [...new Uint8Array(bytes)].map((b) => b.toString(16).padStart(2, '0')).join('');
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest('SHA-256', await new Blob(parts).arrayBuffer()));

function unhex(text, length = 32) {
  if (typeof text !== 'string' || text.length !== 2 * length || !/^[0-9a-f]*$/.test(text)) throw new Error('no hash');
  return Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
}

// RFC 8785. ECMAScript's own order of strings and its own numbers are the ones it asks for.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

// The same with line breaks: the form in which files are given out.
function pretty(value, depth = '') {
  const inner = `${depth}  `;
  const block = (open, items, close) => (items.length ? `${open}\n${inner}${items.join(`,\n${inner}`)}\n${depth}${close}` : open + close);
  if (Array.isArray(value)) return block('[', value.map((item) => pretty(item, inner)), ']');
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return block('{', Object.keys(value).sort().map((name) => `${JSON.stringify(name)}: ${pretty(value[name], inner)}`), '}');
}

function base58(text) {
  const letters = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
  let number = 0n;
  for (const letter of text) {
    const digit = letters.indexOf(letter);
    if (digit < 0) throw new Error('no key');
    number = number * 58n + BigInt(digit);
  }
  const digits = number.toString(16);
  return unhex(digits.padStart(digits.length + (digits.length % 2), '0'), Math.ceil(digits.length / 2));
}

// The Ed25519 key in `z6Mk…`.
function publicKey(multibase) {
  const bytes = multibase?.startsWith('z') ? base58(multibase.slice(1)) : new Uint8Array();
  if (bytes.length !== 34 || bytes[0] !== 0xed || bytes[1] !== 1) throw new Error('no key');
  return bytes.slice(2);
}

const node = (left, right) => sha256(new Uint8Array([1]), left, right);

// RFC 9162, section 2.1.3.2. Sizes here are far below 2^53.
async function includes(index, size, leaf, path, root) {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  let [at, last, hash] = [BigInt(index), BigInt(size - 1), leaf];
  for (const beside of path) {
    if (last === 0n) return false;
    if (at & 1n || at === last) {
      hash = await node(beside, hash);
      while (!(at & 1n) && at !== 0n) { at >>= 1n; last >>= 1n; }
    } else {
      hash = await node(hash, beside);
    }
    at >>= 1n;
    last >>= 1n;
  }
  return last === 0n && hex(hash) === root;
}

const MEMBERS = 'format head inclusion leaf notice receipt salt seq type';

// What the file is: `intact`, `altered` or `unknown_issuer`, and its document.
export async function check(text, keys) {
  let bundle;
  try {
    bundle = JSON.parse(text);
    const { receipt, notice, head } = bundle;
    const given = text === `${pretty(bundle)}\n` || text.replace(/\n+$/, '') === canonical(bundle);
    const whole = given && bundle.type === 'ConsentReceipt' && bundle.format === 1 && Object.keys(bundle).sort().join(' ') === MEMBERS;
    const shown = hex(await sha256(canonical({ language: notice.language, text: notice.text, version: notice.version })));
    const named = shown === receipt.notice.hash && notice.version === receipt.notice.version && notice.language === receipt.notice.language
      && Object.keys(notice).length === 3;
    const sealed = await sha256(unhex(bundle.salt), canonical(receipt));
    const leaf = await sha256(new Uint8Array([0]), sealed, receipt.action, new Uint8Array([0]), receipt.time.slice(0, 10));
    const path = bundle.inclusion.map((hash) => unhex(hash));
    const held = hex(leaf) === bundle.leaf && (await includes(bundle.seq - 1, head.size, leaf, path, head.root));
    const { sig, ...signed } = head;
    const [did, multibase] = head.key_id.split('#');
    const key = await crypto.subtle.importKey('raw', publicKey(multibase), { name: 'Ed25519' }, false, ['verify']);
    const right = await crypto.subtle.verify({ name: 'Ed25519' }, key, unhex(sig, 64), words.encode(`cuehouse consent log head\n${canonical(signed)}`));
    if (!(whole && named && held && right)) return { is: 'altered' };
    // A key belongs to the name it signed under, which may be a former one of this shop's.
    const method = keys.verificationMethod.find((known) => known.publicKeyMultibase === multibase && known.controller === did);
    const inTime = method && (!method.until || Date.parse(head.time) <= Date.parse(method.until) + DAY);
    return { is: inTime ? 'intact' : 'unknown_issuer', bundle };
  } catch (error) {
    if (error.name === 'NotSupportedError') throw error;
    return { is: 'altered' };
  }
}

const TITLES = {
  intact: ['Intact', 'This choice is in the log that this shop signed.'],
  altered: ['Altered', 'This is not as it was given out, or it was never a receipt.'],
  unknown_issuer: ['Unknown issuer', 'This is as somebody signed it, but that was not this shop.'],
};

function show({ is, bundle }) {
  const [title, sentence] = TITLES[is];
  const element = (name, className, ...inside) => {
    const el = document.createElement(name);
    if (className) el.className = className;
    el.append(...inside);
    return el;
  };
  const picture = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  picture.setAttribute('class', 'icon');
  picture.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', is === 'intact' ? '#i-shield' : '#i-warn');
  picture.append(use);
  const finding = element('div', `finding ${is === 'intact' ? 'valid' : is}`, element('p', 'verdict', picture, title), element('p', '', sentence));
  if (bundle) {
    const { receipt, head } = bundle;
    const facts = [['Choice', receipt.action.replaceAll('_', ' ')], ['When', receipt.time], ['Entry', String(bundle.seq)], ['Signed', head.time], ['Receipt', receipt.id]];
    finding.append(element('dl', 'sheet-facts', ...facts.map(([name, value]) => element('div', '', element('dt', '', name), element('dd', '', value)))));
  }
  document.getElementById('found').replaceChildren(finding);
}

// Whether this browser can check Ed25519 at all.
async function able() {
  try {
    await crypto.subtle.importKey('raw', new Uint8Array(32).fill(1), { name: 'Ed25519' }, false, ['verify']);
    return true;
  } catch (error) {
    return error.name === 'DataError';
  }
}

async function begin() {
  if (!globalThis.crypto?.subtle || !(await able())) return;
  const keys = JSON.parse(form.dataset.keys);
  form.querySelector('[data-where]').textContent = 'It is checked here, in your browser, and sent nowhere.';
  const look = async (file) => show(file ? await check(await file.text(), keys) : { is: 'altered' });
  const chosen = () => form.querySelector('input[type=file]').files[0];
  form.addEventListener('submit', (event) => { event.preventDefault(); look(chosen()); });
  form.addEventListener('change', () => look(chosen()));
  addEventListener('dragover', (event) => { event.preventDefault(); form.classList.add('over'); });
  addEventListener('dragleave', (event) => { if (!event.relatedTarget) form.classList.remove('over'); });
  addEventListener('drop', (event) => {
    event.preventDefault();
    form.classList.remove('over');
    look(event.dataTransfer.files[0]);
  });
  form.dataset.ready = '';
}

if (form) begin();
