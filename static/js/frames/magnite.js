// Magnite, once the Rubicon Project: in a frame of the ad origin and nowhere else, for people who granted advertisements to it.
// One question to the exchange, of a fixed size, with the fields that its adapter for Prebid sends of a banner and no others:
// account, site and zone, the size, this frame's origin in place of a page, who asks, and where they are there the TC string
// and what restricts the use of data. No age, no gender, no page, no screen, no identifier. It has no field that would say
// that an advertisement may not be personal; then it is asked without cookies. Nothing is synchronised.
//
// The answer is a list of `ads`, each with a `status` and the text of a `script` to be written into a document. (Prebid.js,
// modules/rubiconBidAdapter.js, commit 8660b47 of 2026-08-20; the US Privacy String of IAB Tech Lab, version 1, which its makers
// gave up in January 2024 and the adapter still sends; both read on 2026-11-29.) That document is a frame below without an
// origin: it reads no cookie of the ad origin and nothing of this frame, and moves nobody.
(() => {
  const { account, unit, width, height, npa, rdp, ageTreatment } = document.currentScript.dataset;
  const [site, zone] = unit.split(':');
  // The number that the exchange has for a size.
  const size = { '300x250': 15 }[`${width}x${height}`];
  document.body.style.margin = '0';
  document.documentElement.style.overflow = 'hidden';

  const asked = new URLSearchParams({
    account_id: account,
    site_id: site,
    zone_id: zone,
    size_id: size,
    rf: `${window.location.origin}/`,
    tk_flint: 'cuehouse',
    rp_secure: 1,
    slots: 1,
    rand: Math.random(),
  });
  // Our own consent manager calls at once, and not at all where it does not know.
  window.__tcfapi?.('addEventListener', 2, ({ gdprApplies, tcString }) => {
    asked.set('gdpr', gdprApplies ? 1 : 0);
    if (tcString) asked.set('gdpr_consent', tcString);
  });
  // Told of it, opted out, no agreement that would limit what is done all the same.
  if (rdp === '1') asked.set('us_privacy', '1YYN');
  if (ageTreatment) asked.set('coppa', 1);

  function show({ script, impression_id: impression }) {
    const creative = document.createElement('iframe');
    creative.title = 'Advertisement';
    creative.width = width;
    creative.height = height;
    creative.style.cssText = 'display:block;border:0';
    creative.setAttribute('sandbox', 'allow-scripts allow-popups');
    const name = String(impression ?? '').replace(/[^\w-]/g, '');
    creative.srcdoc = `<!doctype html><html><head><script>window.inDapIF = true;</script></head>
<body style="margin:0"><div data-rp-impression-id="${name}"><script>${script}</script></div></body></html>`;
    document.body.append(creative);
  }

  // Without an answer, or with none that is an advertisement, the place stays empty.
  fetch(`https://fastlane.rubiconproject.com/a/api/fastlane.json?${asked}`, { credentials: npa === '1' ? 'omit' : 'include' })
    .then((answer) => (answer.ok ? answer.json() : {}))
    .then(({ ads }) => {
      const all = Array.isArray(ads) ? ads : [];
      const ad = all.find((one) => one.status === 'ok' && typeof one.script === 'string');
      if (ad) show(ad);
    })
    .catch(() => {});
})();
