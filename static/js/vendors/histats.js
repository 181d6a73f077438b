// HiStats, only in pages of people who granted it. The key is the counter's number.
(() => {
  const { key } = document.currentScript.dataset;
  window._Hasync = window._Hasync || [];
  window._Hasync.push(['Histats.start', `1,${key},4,0,0,0,00010000`], ['Histats.fasi', '1'], ['Histats.track_hits', '']);
  const script = document.createElement('script');
  script.async = true;
  script.src = 'https://s10.histats.com/js15_as.js';
  document.head.append(script);
})();
