// Pages that wait for something: <section id="state" data-refresh="2">…</section> is fetched again every so many seconds
// until the new page's section has no data-refresh any more. A page that leads elsewhere is followed.

let timer = null;

function wait() {
  clearTimeout(timer);
  const part = document.querySelector('[data-refresh]');
  if (!part) return;
  const secs = Math.max(1, Number(part.dataset.refresh) || 2);
  timer = setTimeout(() => look(part), secs * 1000);
}

async function look(part) {
  const here = location.href;
  if (document.hidden) { wait(); return; }
  try {
    const answer = await fetch(here, { credentials: 'same-origin', headers: { Accept: 'text/html' } });
    if (location.href !== here || !part.isConnected) return;
    if (answer.redirected) { location.assign(answer.url); return; }
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const fresh = page.getElementById(part.id);
    if (answer.ok && fresh) {
      const changed = fresh.innerHTML !== part.innerHTML;
      if (changed && !part.contains(document.activeElement)) {
        part.replaceWith(document.adoptNode(fresh));
        document.dispatchEvent(new CustomEvent('cuehouse:page'));
        return;
      }
      if (fresh.dataset.refresh === undefined && !changed) return;
    }
  } catch { /* the next look may fare better */ }
  wait();
}

document.addEventListener('cuehouse:page', wait);
document.addEventListener('visibilitychange', () => { if (!document.hidden) wait(); });
wait();
