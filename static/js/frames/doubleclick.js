// Google Ad Manager, once DoubleClick, by the Google Publisher Tag: in a frame of the ad origin and nowhere else, for people
// who granted advertisements to it. One slot of a fixed size, its creative in a frame of Google's own (SafeFrame), which a
// strict policy needs. What is said of the visitor: whether advertisements may be chosen by what they did before, whether the
// use of their data is restricted, and an age treatment where there is one. No age, no gender, no page, no targeting.
//
// Where advertisements may not be personal they are also limited: served without cookies or other identifiers. That works
// only with the tag from its second address, which keeps away from storage from the beginning. (Google's documentation of the
// tag: "Load GPT from an official source", "Display a limited ad", "Configure privacy settings", read on 2026-11-29.)
(() => {
  const { account, unit, width, height, npa, rdp, ageTreatment } = document.currentScript.dataset;
  const limited = npa === '1';
  document.body.style.margin = '0';
  document.documentElement.style.overflow = 'hidden';
  const place = document.createElement('div');
  place.id = 'place';
  place.style.cssText = `width:${width}px;height:${height}px`;
  document.body.append(place);
  window.googletag = window.googletag || { cmd: [] };
  window.googletag.cmd.push(() => {
    const { googletag } = window;
    const service = googletag.pubads();
    const settings = { nonPersonalizedAds: limited, limitedAds: limited, restrictDataProcessing: rdp === '1' };
    if (ageTreatment) {
      settings.tagForAgeTreatment = googletag.enums.TagForAgeTreatment[ageTreatment === '1' ? 'CHILD' : 'TEEN'];
    }
    // Before anything is asked for: what is set counts for every request.
    service.setPrivacySettings(settings);
    googletag.setConfig({ safeFrame: { forceSafeFrame: true } });
    googletag.defineSlot(`/${account}/${unit}`, [Number(width), Number(height)], place.id)?.addService(service);
    googletag.enableServices();
    googletag.display(place.id);
  });
  const script = document.createElement('script');
  script.async = true;
  if (limited) {
    script.src = 'https://pagead2.googlesyndication.com/tag/js/gpt.js';
  } else {
    script.crossOrigin = 'anonymous';
    script.src = 'https://securepubads.g.doubleclick.net/tag/js/gpt.js';
  }
  document.head.append(script);
})();
