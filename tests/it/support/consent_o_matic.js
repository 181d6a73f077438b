// A small interpreter of Consent-O-Matic's rules, as far as ours use them: `run(rules, wishes)` does on this page what the
// extension would, and answers which rule applied, or null. Anything it does not know is an error, so a rule that passes
// here keeps to the published schema (rules.schema.json, read November 2026).
(() => {
  const only = (of, ...names) => {
    for (const name of Object.keys(of)) if (!names.includes(name)) throw new Error(`unknown: ${name}`);
  };
  const shown = (el) => el.checkVisibility() && el.getClientRects().length > 0;
  const all = (selection, root) => {
    only(selection, 'selector', 'displayFilter');
    const found = [...root.querySelectorAll(selection.selector)];
    return selection.displayFilter === undefined ? found : found.filter((el) => shown(el) === selection.displayFilter);
  };
  const matches = (matcher, root) => {
    only(matcher, 'type', 'target');
    const [el] = all(matcher.target, root);
    if (matcher.type === 'css') return Boolean(el);
    if (matcher.type === 'checkbox') return el.checked;
    throw new Error(`unknown matcher: ${matcher.type}`);
  };
  const letters = ['D', 'A', 'B', 'E', 'F', 'X'];
  const act = (action, wishes, root) => {
    switch (action.type) {
      case 'click':
        only(action, 'type', 'target');
        all(action.target, root)[0].click();
        break;
      case 'list':
        only(action, 'type', 'actions');
        for (const one of action.actions) act(one, wishes, root);
        break;
      case 'foreach':
        only(action, 'type', 'target', 'action');
        for (const el of all(action.target, root)) act(action.action, wishes, el);
        break;
      case 'consent':
        only(action, 'type', 'consents');
        for (const consent of action.consents) {
          only(consent, 'type', 'matcher', 'toggleAction');
          if (!letters.includes(consent.type)) throw new Error(`unknown letter: ${consent.type}`);
          if (matches(consent.matcher, root) !== Boolean(wishes[consent.type])) act(consent.toggleAction, wishes, root);
        }
        break;
      default:
        throw new Error(`unknown action: ${action.type}`);
    }
  };
  const order = ['HIDE_CMP', 'OPEN_OPTIONS', 'HIDE_CMP', 'DO_CONSENT', 'SAVE_CONSENT'];
  window.consentOMatic = (rules, wishes) => {
    for (const [name, rule] of Object.entries(rules)) {
      if (name.startsWith('$')) continue;
      only(rule, 'detectors', 'methods');
      for (const method of rule.methods) {
        only(method, 'name', 'action');
        if (!order.includes(method.name)) throw new Error(`unknown method: ${method.name}`);
      }
      const is = rule.detectors.some((detector) => {
        only(detector, 'presentMatcher', 'showingMatcher');
        return [...detector.presentMatcher, ...detector.showingMatcher].every((matcher) => matches(matcher, document));
      });
      if (!is) continue;
      for (const step of order) for (const method of rule.methods) if (method.name === step) act(method.action, wishes, document);
      return name;
    }
    return null;
  };
})();
