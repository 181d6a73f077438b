// What `__tcfapi` and `__gpp` answer, asked outside a browser: `node tests/strings/scripts.mjs` (T-TC-1, R-TC-6).
//
// Whether a page carries the scripts at all is decided where pages are made, and tested there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import vm from 'node:vm';

// The window after a script of ours has run in a page whose element carries this data.
function page(name, dataset) {
  const window = {};
  const text = readFileSync(new URL(`../../static/js/${name}.js`, import.meta.url), 'utf8');
  vm.runInNewContext(text, { window, document: { currentScript: { dataset } } });
  return window;
}

// What the callback of a command is given, as plain values of this realm; null when it is not called.
function ask(api, before, ...after) {
  let heard = null;
  api(...before, (...said) => { heard = structuredClone(JSON.parse(JSON.stringify(said))); }, ...after);
  return heard;
}

const tc = { purpose: { consents: { 1: true } }, vendor: { consents: { 755: true } }, publisherCC: 'DE' };
const consent = {
  cmpId: '4000', cmpVersion: '7', listVersion: '150', policyVersion: '5', applies: 'yes',
  tcString: 'CQuFeUAQuFeUA-gABBENAREgALAAAAAAAAYgF5wAQF5gAAAA.IF5wAgAaALzA.YAAAAAAAAAAA',
  tc: JSON.stringify(tc), event: 'tcloaded', display: 'hidden',
};
const choice = {
  gpp: 'DBABBg~BUUAAACA.YA', sections: '8', supported: '7:usnat,8:usca', applicable: '8', signal: 'ready',
  parsed: JSON.stringify({ usca: [{ Version: 1, SaleOptOut: 1 }, { SubsectionType: 1, Gpc: true }] }),
};
const tcf = (changes) => page('tcf', { ...consent, ...changes }).__tcfapi;
const gpp = (changes) => page('gpp', { ...choice, ...changes }).__gpp;

const tests = {
  'without a registered id there is no __tcfapi'() {
    for (const cmpId of [undefined, '', '0', '1', 'yes', '-5', '2.5', '4096', ' 7', '1e3']) {
      assert.deepEqual(Object.keys(page('tcf', { ...consent, cmpId })), [], `id ${cmpId}`);
    }
    assert.equal(typeof tcf().valueOf(), 'function');
  },

  'ping answers at once and once'() {
    const calls = [];
    tcf()('ping', 2, (...said) => calls.push(said));
    assert.equal(calls.length, 1);
    assert.equal(calls[0].length, 1);
    assert.deepEqual(JSON.parse(JSON.stringify(calls[0][0])), {
      gdprApplies: true, cmpLoaded: true, cmpStatus: 'loaded', displayStatus: 'hidden', apiVersion: '2.2',
      cmpVersion: 7, cmpId: 4000, gvlVersion: 150, tcfPolicyVersion: 5,
    });
  },

  'a listener hears the string, what it says, and its own number'() {
    const api = tcf();
    const [data, success] = ask(api, ['addEventListener', 2]);
    assert.equal(success, true);
    assert.deepEqual(data, {
      cmpId: 4000, cmpVersion: 7, tcfPolicyVersion: 5, gdprApplies: true, listenerId: 1, eventStatus: 'tcloaded',
      cmpStatus: 'loaded', tcString: consent.tcString, ...tc,
    });
    assert.equal(ask(api, ['addEventListener', 2])[0].listenerId, 2);
  },

  'one caller cannot change what the next one hears'() {
    const api = tcf();
    api('addEventListener', 2, (data) => { data.purpose.consents[2] = true; data.tcString = ''; });
    const [data] = ask(api, ['addEventListener', 2]);
    assert.deepEqual([data.purpose, data.tcString], [tc.purpose, consent.tcString]);
  },

  'a listener is removed once'() {
    const api = tcf();
    const [{ listenerId }] = ask(api, ['addEventListener', 2]);
    assert.deepEqual(ask(api, ['removeEventListener', 2], listenerId), [true]);
    assert.deepEqual(ask(api, ['removeEventListener', 2], listenerId), [false]);
    assert.deepEqual(ask(api, ['removeEventListener', 2]), [false]);
  },

  'where the GDPR does not apply nothing of the string is told'() {
    const [data] = ask(tcf({ applies: 'no' }), ['addEventListener', 2]);
    assert.deepEqual([data.gdprApplies, 'tcString' in data, 'purpose' in data], [false, false, false]);
    assert.equal(ask(tcf({ applies: undefined }), ['addEventListener', 2]), null, 'not called before that is known');
  },

  'what is not a command is answered with no'() {
    for (const command of ['getTCData', 'getVendorList', 'toString', '__proto__', undefined, 7]) {
      assert.deepEqual(ask(tcf(), [command, 2]), [null, false], String(command));
    }
    assert.deepEqual(ask(tcf(), ['ping', 1]), [null, false]);
    tcf()('ping', 2);
  },

  'google is told first that everything is denied, then what was granted, then who counts (T-GCM-1, R-TC-8, T-GAD-1)'() {
    const start = (dataset) => {
      const window = {}, added = [];
      const text = readFileSync(new URL('../../static/js/vendors/ga4.js', import.meta.url), 'utf8');
      const document = { currentScript: { dataset }, createElement: () => ({}), head: { append: (el) => added.push(el) } };
      vm.runInNewContext(text, { window, document, encodeURIComponent, Date });
      assert.equal(added.length, 1);
      assert.match(added[0].src, /^https:\/\/www\.googletagmanager\.com\/gtag\/js\?id=G-TEST$/);
      return Array.from(window.dataLayer, (call) => JSON.parse(JSON.stringify([...call])));
    };
    const plain = start({ key: 'G-TEST', grants: 'analytics', npa: '1' });
    assert.deepEqual(plain.map(([command]) => command), ['consent', 'consent', 'js', 'config']);
    assert.deepEqual([plain[0][1], plain[1][1], plain[3][1]], ['default', 'update', 'G-TEST']);
    assert.equal(Object.values(plain[0][2]).length, 7);
    assert.ok(Object.values(plain[0][2]).every((word) => word === 'denied'));
    assert.deepEqual(Object.entries(plain[1][2]).filter(([, word]) => word === 'granted').map(([name]) => name),
      ['analytics_storage', 'security_storage']);
    const restricted = start({ key: 'G-TEST', grants: 'analytics', npa: '1', rdp: '1' });
    assert.deepEqual(restricted[2], ['set', 'restricted_data_processing', true]);
  },

  'without a string there is no __gpp'() {
    assert.deepEqual(Object.keys(page('gpp', {})), []);
  },

  'gpp: ping has every field of version 1.1'() {
    assert.deepEqual(ask(gpp(), ['ping']), [{
      gppVersion: '1.1', cmpStatus: 'loaded', cmpDisplayStatus: null, signalStatus: 'ready',
      supportedAPIs: ['7:usnat', '8:usca'], cmpId: 1, sectionList: [8], applicableSections: [8],
      gppString: choice.gpp, parsedSections: JSON.parse(choice.parsed),
    }, true]);
    const [bare] = ask(page('gpp', { gpp: 'DBAA' }).__gpp, ['ping']);
    assert.deepEqual(
      [bare.signalStatus, bare.sectionList, bare.applicableSections, bare.supportedAPIs, bare.parsedSections],
      ['not ready', [], [-1], [], {}],
    );
  },

  'gpp: a listener is registered and removed'() {
    const api = gpp();
    const [first, success] = ask(api, ['addEventListener']);
    assert.deepEqual([success, first.eventName, first.data, first.pingData.gppString],
      [true, 'listenerRegistered', true, choice.gpp]);
    assert.notEqual(ask(api, ['addEventListener'])[0].listenerId, first.listenerId);
    assert.deepEqual(ask(api, ['removeEventListener'], first.listenerId), [true, true]);
    assert.deepEqual(ask(api, ['removeEventListener'], first.listenerId), [false, true]);
  },

  'gpp: sections and fields'() {
    const check = (command, parameter, data, success = true) =>
      assert.deepEqual(ask(gpp(), [command], parameter), [data, success], `${command} ${parameter}`);
    check('hasSection', 'usca', true);
    check('hasSection', 'usnat', false);
    check('hasSection', 'toString', false);
    check('hasSection', undefined, null, false);
    check('getSection', 'usca', JSON.parse(choice.parsed).usca);
    check('getSection', 'tcfeuv2', null);
    check('getSection', undefined, null, false);
    check('getField', 'usca.SaleOptOut', 1);
    check('getField', 'usca.Gpc', true);
    check('getField', 'usca.Nothing', null);
    check('getField', 'usnat.SaleOptOut', null);
    check('getField', 'usca', null, false);
    check('getField', 'usca.Gpc.more', null, false);
    check('getGPPData', undefined, null, false);
    gpp()('ping');
  },
};

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    test();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\nerror: ${error.message}`);
  }
}
console.log(`scripts: ${Object.keys(tests).length - failed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed ? 1 : 0;
