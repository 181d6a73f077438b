//! As much of HTML as it takes to find a form and press its button: tags, their attributes, and what stands in a form.
//! For pages of ours; anything else may be misread, and is then a fault that somebody looks at.

/// A start tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// In small letters, as are the names of attributes.
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute; of one without a value, nothing between quotes.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// A form: where it goes, what it sends by itself, and its buttons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    pub action: String,
    pub hidden: Vec<(String, String)>,
    /// Name and value of each button that sends one.
    pub buttons: Vec<(String, String)>,
}

impl Form {
    /// What pressing a button sends, if there is such a button.
    pub fn press(&self, name: &str, value: &str) -> Option<Vec<(String, String)>> {
        let button = self.buttons.iter().find(|(n, v)| n == name && v == value)?;
        Some(self.hidden.iter().chain([button]).cloned().collect())
    }
}

/// Every start tag, in order; end tags come as tags whose name begins with a slash. Comments are left out.
pub fn tags(html: &str) -> Vec<Tag> {
    let mut all = vec![];
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some((tag, after)) = tag(rest) else { continue };
        all.push(tag);
        rest = after;
    }
    all
}

/// Every form with a place to go.
pub fn forms(html: &str) -> Vec<Form> {
    let (mut all, mut is_open): (Vec<Form>, bool) = (vec![], false);
    for tag in tags(html) {
        let text = |name: &str| tag.get(name).unwrap_or_default().to_owned();
        match (tag.name.as_str(), all.last_mut().filter(|_| is_open)) {
            ("form", _) => {
                is_open = true;
                all.push(Form { action: text("action"), ..Form::default() });
            }
            ("/form", _) => is_open = false,
            ("input", Some(form)) if tag.get("type") == Some("hidden") => {
                form.hidden.push((text("name"), text("value")));
            }
            ("button", Some(form)) if tag.get("type") != Some("button") && tag.get("name").is_some() => {
                form.buttons.push((text("name"), text("value")));
            }
            _ => {}
        }
    }
    all
}

/// The tag that begins here, behind its bracket, and what follows it.
fn tag(text: &str) -> Option<(Tag, &str)> {
    let is_name = |c: char| !c.is_whitespace() && !matches!(c, '>' | '/' | '=');
    let slash = text.starts_with('/');
    let body = &text[usize::from(slash)..];
    let end = body.find(|c| !is_name(c)).unwrap_or(body.len());
    let name = body[..end].to_ascii_lowercase();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let name = if slash { format!("/{name}") } else { name };
    let (mut attributes, mut rest) = (vec![], &body[end..]);
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return Some((Tag { name, attributes }, after));
        }
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        if end == 0 {
            // Nothing that could be a name: a stray sign, or the end of the page.
            let mut signs = rest.chars();
            signs.next()?;
            rest = signs.as_str();
            continue;
        }
        let key = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let value = match rest.strip_prefix('=').map(str::trim_start) {
            None => String::new(),
            Some(after) => {
                let (value, after) = match after.chars().next() {
                    Some(quote @ ('"' | '\'')) => after[1..].split_once(quote)?,
                    _ => after
                        .split_at(after.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(after.len())),
                };
                rest = after;
                unescaped(value)
            }
        };
        attributes.push((key, value));
    }
}

/// The five entities that our own pages write, and the two numbers their engine uses.
fn unescaped(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let plain = text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    plain.replace("&#x27;", "'").replace("&#39;", "'").replace("&#x2F;", "/").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_form_is_found_and_its_buttons_can_be_pressed() {
        let page = "<!doctype html><!-- <form action=/no> --><p>a < b<form method=\"post\" action='/privacy/choices'>\n\
                    <input type=hidden name=csrf value=\"a&amp;b\"><input name=typed value=x>\
                    <button class=\"even\" name=\"choice\" value=\"refuse\">Reject all</button>\
                    <button type=button name=choice value=never><button name=choice value=accept></form>\
                    <button name=choice value=outside>";
        let all = forms(page);
        assert_eq!(all.len(), 1);
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(all[0].action, "/privacy/choices");
        assert_eq!(all[0].hidden, [field("csrf", "a&b")]);
        assert_eq!(
            all[0].press("choice", "refuse").unwrap(),
            [field("csrf", "a&b"), field("choice", "refuse")]
        );
        assert!(all[0].press("choice", "accept").is_some());
        for missing in ["outside", "never", "later"] {
            assert_eq!(all[0].press("choice", missing), None);
        }
        let tag = &tags("<A HREF=/x data-a Title = 'y z'/>")[0];
        assert_eq!((tag.name.as_str(), tag.get("href"), tag.get("data-a")), ("a", Some("/x"), Some("")));
        assert_eq!(tag.get("title"), Some("y z"));
    }

    proptest! {
        /// Nothing that is served brings it down or keeps it busy.
        #[test]
        fn any_text_can_be_looked_through(text in "[<>/='\"a-z &;!é-]{0,200}") {
            let _ = (tags(&text).len(), forms(&text).len());
        }
    }
}
