// The reference encoders of IAB Tech Lab, asked in one go: `node compare.mjs tcf|gpp FOLDER`, where FOLDER holds
// node_modules as package-lock.json says. A line of JSON in, `{model, text}`; a line out, `{text, read}`: the model as
// the reference writes it, and the given text as the reference reads it. tests/it/strings.rs compares.
import { createInterface } from 'node:readline';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [kind, folder] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(path.join(folder, 'node_modules', file)));

// Sets travel as rows of [first, last].
const spread = (rows) => rows.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, at) => first + at));
function rows(ids) {
  const out = [];
  for (const id of [...ids].sort((a, b) => a - b)) {
    const row = out.at(-1);
    if (row && row[1] + 1 === id) row[1] = id;
    else out.push([id, id]);
  }
  return out;
}

async function tcf() {
  const { GVL, PurposeRestriction, TCModel, TCString } = await load('@iabtechlabtcf/core/lib/mjs/index.js');
  // The reference drops what a vendor has not declared: every vendor there can be declares everything.
  const all = spread([[1, 24]]);
  const vendor = { purposes: all, legIntPurposes: all, flexiblePurposes: all, specialPurposes: [], features: [], specialFeatures: [] };
  const vendors = Object.fromEntries(spread([[1, 65535]]).map((id) => [id, { id, name: `${id}`, ...vendor }]));
  const named = (most) => Object.fromEntries(spread([[1, most]]).map((id) => [id, { id, name: `${id}` }]));
  const gvl = new GVL({
    gvlSpecificationVersion: 3, vendorListVersion: 1, tcfPolicyVersion: 4, lastUpdated: '2026-11-19T16:00:00Z',
    purposes: named(24), specialPurposes: {}, features: {}, specialFeatures: named(12), stacks: {}, dataCategories: {}, vendors,
  });
  // Each string would copy the whole list.
  gvl.clone = () => gvl;

  const sets = {
    special: 'specialFeatureOptins', purposes: 'purposeConsents', purposes_li: 'purposeLegitimateInterests',
    vendors: 'vendorConsents', vendors_li: 'vendorLegitimateInterests', disclosed: 'vendorsDisclosed',
    publisher: 'publisherConsents', publisher_li: 'publisherLegitimateInterests', custom: 'publisherCustomConsents',
    custom_li: 'publisherCustomLegitimateInterests',
  };
  const numbers = { cmp: 'cmpId', cmp_version: 'cmpVersion', screen: 'consentScreen', customs: 'numCustomPurposes' };
  const words = { own_texts: 'useNonStandardTexts', purpose_one: 'purposeOneTreatment', country: 'publisherCountryCode' };

  return ({ model, text }) => {
    gvl.vendorListVersion = model.list;
    gvl.tcfPolicyVersion = model.policy;
    gvl.lang_ = model.language;
    const tc = new TCModel(gvl);
    tc.created = new Date(model.day);
    tc.lastUpdated = new Date(model.day);
    for (const [ours, theirs] of Object.entries({ ...numbers, ...words })) tc[theirs] = model[ours];
    for (const [ours, theirs] of Object.entries(sets)) tc[theirs].set(spread(model[ours]));
    for (const [purpose, type, ids] of model.restrictions) {
      for (const id of spread(ids)) tc.publisherRestrictions.add(id, new PurposeRestriction(purpose, type));
    }
    const said = TCString.decode(text);
    const read = {
      day: said.lastUpdated.getTime(), created: said.created.getTime(), list: said.vendorListVersion,
      policy: said.policyVersion, language: said.consentLanguage, service_specific: said.isServiceSpecific,
    };
    for (const [ours, theirs] of Object.entries({ ...numbers, ...words })) read[ours] = said[theirs];
    for (const [ours, theirs] of Object.entries(sets)) read[ours] = rows(said[theirs].values());
    read.restrictions = said.publisherRestrictions.getRestrictions()
      .map((of) => [of.purposeId, of.restrictionType, rows(said.publisherRestrictions.getVendors(of))]);
    return { text: TCString.encode(tc), read };
  };
}

async function gpp() {
  const { GppModel } = await load('@iabgpp/cmpapi/lib/mjs/encoder/index.js');
  // The reference has another name for the kind of the part about GPC, and writes the second part unless told not to.
  const theirs = (name) => (name === 'SubsectionType' ? 'GpcSegmentType' : name);
  const second = (name) =>
    ['usin', 'usky', 'usri'].includes(name) ? 'SensitiveDataConsentSegmentIncluded' : 'GpcSegmentIncluded';

  return ({ model, text }) => {
    const all = new GppModel();
    for (const { name, parts } of model) {
      const fields = parts.flatMap(Object.entries);
      for (const [field, value] of fields) all.setFieldValue(name, theirs(field), value);
      if (parts.length === 1 && !['usva', 'usut', 'usfl', 'uspv1'].includes(name)) all.setFieldValue(name, second(name), false);
    }
    const said = new GppModel(text);
    const read = model.map(({ name, parts }) => ({
      name,
      parts: parts.map((part) =>
        Object.fromEntries(Object.keys(part).map((field) => [field, said.getFieldValue(name, theirs(field))]))),
    }));
    return { text: all.encode(), read };
  };
}

const answer = await { tcf, gpp }[kind]();
let out = [];
for await (const line of createInterface({ input: process.stdin })) {
  out.push(JSON.stringify(answer(JSON.parse(line))));
  if (out.length === 200) {
    process.stdout.write(`${out.join('\n')}\n`);
    out = [];
  }
}
if (out.length) process.stdout.write(`${out.join('\n')}\n`);
