// `__tcfapi`: tells scripts of vendors what the visitor consented to (IAB Europe's framework 2.3, CMP API 2.2).
//
// What the page must do. A classic script, not a module and not deferred, before the first script of any vendor, on
// pages of operators with a registered CMP id and on no others: the page leaves the element out, and this file does
// nothing without a true id. An id is never made up. State comes from the element alone:
//
//   data-cmp-id          the registered id, a whole number from 2 on
//   data-cmp-version     version of this consent manager, a whole number
//   data-list-version    `vendorListVersion` of the list in use
//   data-policy-version  `tcfPolicyVersion` of that list
//   data-applies         "yes" or "no": whether the GDPR applies to this visitor; anything else is a no answer yet, and
//                        then listeners are kept and not called
//   data-tc-string       the TC string, a refusal as well as a consent
//   data-tc              JSON of the same string, from `TcString::tc_data`
//   data-event           "tcloaded" (a choice is recorded), "cmpuishown" (the banner stands in this page) or
//                        "useractioncomplete" (the first page after a choice)
//   data-display         "visible" with the banner, else "hidden"; "disabled" where nothing is ever asked
//
// A change of consent is a full navigation, so a page's state never changes: a listener is called once.
//
// Frames. The framework also has frames ask by postMessage, after they have found an ancestor with a child frame named
// `__tcfapiLocator`. That frame cannot stand in a page under `frame-src 'none'`, and no frame asks without having found
// it; so there is neither. Where frames of vendors are ever shown, both belong here.
(() => {
  const { cmpId, cmpVersion, listVersion, policyVersion, applies, tcString, tc, event, display } =
    document.currentScript.dataset;
  const id = Number(cmpId);
  if (!/^[0-9]+$/.test(cmpId ?? '') || id < 2 || id > 4095) return;

  const gdprApplies = { yes: true, no: false }[applies];
  const known = { cmpId: id, cmpVersion: Number(cmpVersion), tcfPolicyVersion: Number(policyVersion), gdprApplies };
  const listeners = new Map();
  let last = 0;

  // Each caller gets its own copy, so that none can change what the next one reads.
  function tcData(listenerId) {
    const state = { ...known, listenerId, eventStatus: event, cmpStatus: 'loaded' };
    return gdprApplies ? { ...state, tcString, ...JSON.parse(tc ?? '{}') } : state;
  }

  const commands = {
    ping(callback) {
      callback({
        ...known,
        cmpLoaded: true,
        cmpStatus: 'loaded',
        displayStatus: display ?? 'hidden',
        apiVersion: '2.2',
        gvlVersion: Number(listVersion),
      });
    },
    addEventListener(callback) {
      last += 1;
      listeners.set(last, callback);
      if (gdprApplies !== undefined) callback(tcData(last), true);
    },
    removeEventListener(callback, listenerId) {
      callback(listeners.delete(listenerId));
    },
  };

  window.__tcfapi = (command, version, callback, parameter) => {
    if (typeof callback !== 'function') return;
    const run = Object.hasOwn(commands, command) && commands[command];
    // Version 0 or none means the newest, as in the reference.
    if (!run || ![undefined, null, 0, 2].includes(version)) callback(null, false);
    else run(callback, parameter);
  };
})();
