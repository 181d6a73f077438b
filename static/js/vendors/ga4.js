// Google Analytics 4, only in pages of people who granted it (Consent Mode v2, basic form). The order matters: first
// everything denied, then what was granted, then the property.
(() => {
  const { key, grants, rdp } = document.currentScript.dataset;
  const granted = new Set(grants.split(' '));
  const say = (purpose) => (granted.has(purpose) ? 'granted' : 'denied');
  window.dataLayer = window.dataLayer || [];
  // Google's code reads the arguments object itself.
  function gtag() { window.dataLayer.push(arguments); }
  gtag('consent', 'default', {
    ad_storage: 'denied', ad_user_data: 'denied', ad_personalization: 'denied', analytics_storage: 'denied',
    functionality_storage: 'denied', personalization_storage: 'denied', security_storage: 'denied',
  });
  gtag('consent', 'update', {
    ad_storage: say('ads'), ad_user_data: say('ads'), ad_personalization: say('ads_personalised'), analytics_storage: say('analytics'),
    functionality_storage: say('preferences'), personalization_storage: say('preferences'), security_storage: 'granted',
  });
  if (rdp === '1') gtag('set', 'restricted_data_processing', true);
  gtag('js', new Date());
  gtag('config', key, { allow_google_signals: false, allow_ad_personalization_signals: false });
  const script = document.createElement('script');
  script.async = true;
  script.src = `https://www.googletagmanager.com/gtag/js?id=${encodeURIComponent(key)}`;
  document.head.append(script);
})();
