// When a choice is changed in one tab, the others follow: a policy is fixed when its document arrives, so they reload.

const said = document.querySelector('meta[name=consent]');
const own = said?.content ?? '';
const within = (now, then) => then.split(' ').filter(Boolean).every((id) => now.split(' ').includes(id));

try {
  const channel = new BroadcastChannel('consent-changed');
  // Only a page that still contacts somebody who may not be contacted any more has to go.
  channel.onmessage = ({ data }) => { if (typeof data === 'string' && !within(data, own)) location.reload(); };
  channel.postMessage(own);
  // A page from the back-forward cache has its old policy: it is fetched anew.
  addEventListener('pageshow', (event) => { if (event.persisted && (own || said?.dataset.once !== undefined)) location.reload(); });
} catch { /* without channels the next page of each tab is right all the same */ }
