// StatCounter, only in pages of people who granted it. The key is `project:security`.
(() => {
  const [project, security] = document.currentScript.dataset.key.split(':');
  window.sc_project = Number(project);
  window.sc_invisible = 1;
  window.sc_security = security;
  const script = document.createElement('script');
  script.async = true;
  script.src = 'https://www.statcounter.com/counter/counter.js';
  document.head.append(script);
})();
