// Google AdSense, in a frame of the ad origin and nowhere else, for people who granted advertisements to it. One unit of a
// fixed size. What is said of the visitor: whether advertisements may be chosen by what they did before, whether the use
// of their data is restricted, and an age treatment where there is one. No age, no gender, no page.
(() => {
  const { account, unit, width, height, npa, rdp, ageTreatment } = document.currentScript.dataset;
  document.body.style.margin = '0';
  // The frame is as large as the unit; the line that an inline block stands on would be a few pixels more.
  document.documentElement.style.overflow = 'hidden';
  const place = document.createElement('ins');
  place.className = 'adsbygoogle';
  place.style.cssText = `display:inline-block;width:${width}px;height:${height}px`;
  place.dataset.adClient = account;
  place.dataset.adSlot = unit;
  if (rdp === '1') place.dataset.restrictDataProcessing = '1';
  if (ageTreatment) place.dataset.tagForAgeTreatment = ageTreatment;
  document.body.append(place);
  // Before anything is asked for: what the queue says counts for every request.
  window.adsbygoogle = window.adsbygoogle || [];
  window.adsbygoogle.requestNonPersonalizedAds = npa === '1' ? 1 : 0;
  window.adsbygoogle.push({});
  const script = document.createElement('script');
  script.async = true;
  script.crossOrigin = 'anonymous';
  script.src = `https://pagead2.googlesyndication.com/pagead/js/adsbygoogle.js?client=${encodeURIComponent(account)}`;
  document.head.append(script);
})();
