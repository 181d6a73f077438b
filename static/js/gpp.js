// `__gpp`: tells scripts of vendors what the visitor chose (IAB Tech Lab's Global Privacy Platform, CMP API 1.1).
//
// What the page must do. A classic script, not a module and not deferred, before the first script of any vendor. State
// comes from the element alone, and without `data-gpp` this file does nothing:
//
//   data-gpp         the GPP string, from `Gpp::encode`
//   data-parsed      JSON of its sections by API prefix, from `Gpp::parsed`
//   data-sections    ids of the sections in the string: "7" or "7,8"
//   data-supported   sections this shop can write: "7:usnat,8:usca"
//   data-applicable  the section in force here: "8"; "-1" for none; two where one cannot be told
//   data-signal      "ready", or "not ready" while the choice that applies is still open (the default)
//   data-display     "visible" with the banner, "hidden", or "disabled" where nothing is asked; absent: no display layer
//   data-cmp-id      a registered CMP id; absent: 1, which the specification gives to sites without one
//
// A change of choice is a full navigation, so a page's state never changes: a listener is called once, when it is added.
//
// Frames would ask by postMessage after finding a frame named `__gppLocator`. It cannot stand in a page under
// `frame-src 'none'`, and no frame asks without having found it; so there is neither (see tcf.js).
(() => {
  const { gpp, parsed, sections, supported, applicable, signal, display, cmpId } = document.currentScript.dataset;
  if (!gpp) return;

  const list = (text) => (text ? text.split(',').map((word) => word.trim()) : []);
  const listeners = new Set();
  let last = 0;

  // Read anew for each caller, so that none can change what the next one reads.
  const all = () => JSON.parse(parsed ?? '{}');
  const section = (name) => (Object.hasOwn(all(), name) ? all()[name] : null);
  const pingData = () => ({
    gppVersion: '1.1',
    cmpStatus: 'loaded',
    cmpDisplayStatus: display ?? null,
    signalStatus: signal ?? 'not ready',
    supportedAPIs: list(supported),
    cmpId: Number(cmpId ?? 1),
    sectionList: list(sections).map(Number),
    applicableSections: list(applicable ?? '-1').map(Number),
    gppString: gpp,
    parsedSections: all(),
  });

  // Each returns [data, success] for the callback.
  const commands = {
    ping: () => [pingData(), true],
    addEventListener() {
      last += 1;
      listeners.add(last);
      return [{ eventName: 'listenerRegistered', listenerId: last, data: true, pingData: pingData() }, true];
    },
    removeEventListener: (listenerId) => [listeners.delete(listenerId), true],
    hasSection: (name) => (typeof name === 'string' ? [section(name) !== null, true] : [null, false]),
    getSection: (name) => (typeof name === 'string' ? [section(name), true] : [null, false]),
    getField(path) {
      const [name, field, ...more] = typeof path === 'string' ? path.split('.') : [];
      if (!field || more.length) return [null, false];
      const part = (section(name) ?? []).find((fields) => Object.hasOwn(fields, field));
      return [part ? part[field] : null, true];
    },
  };

  window.__gpp = (command, callback, parameter) => {
    const run = Object.hasOwn(commands, command) && commands[command];
    const [data, success] = run ? run(parameter) : [null, false];
    if (typeof callback === 'function') callback(data, success);
  };
})();
