//! Stripe's form encoding: names with brackets make groups and lists, `line_items[0][price_data][currency]`.

use std::collections::BTreeMap;

use super::fault::Fault;

type Outcome<T> = std::result::Result<T, Fault>;

/// Groups inside groups a name may open, and parameters one call may bring.
const DEPTH: usize = 8;
const PARAMETERS: usize = 2_000;

/// The parameters of a call, or those of one group of it. Knows its own place, so that an error can name it.
#[derive(Clone, Debug, Default)]
pub struct Params {
    at: String,
    members: Vec<(String, Param)>,
}

#[derive(Clone, Debug)]
enum Param {
    Text(String),
    Group(Params),
}

impl Params {
    /// Reads a query or a body.
    pub fn read(encoded: &str) -> Outcome<Params> {
        let mut all = Params::default();
        for (count, (name, value)) in url::form_urlencoded::parse(encoded.as_bytes()).enumerate() {
            if count == PARAMETERS {
                return Err(Fault::invalid(None, "Too many parameters.", ""));
            }
            let broken = || Fault::invalid(None, format!("Invalid parameter name: {name}"), &name);
            let (first, rest) = name.split_at(name.find('[').unwrap_or(name.len()));
            let mut path = vec![first];
            if !rest.is_empty() {
                let inner =
                    rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).ok_or_else(broken)?;
                path.extend(inner.split("]["));
            }
            if first.is_empty() || path.len() > DEPTH || path.iter().any(|part| part.contains(['[', ']'])) {
                return Err(broken());
            }
            all.set(&path, value.into_owned()).map_err(|()| broken())?;
        }
        Ok(all)
    }

    fn set(&mut self, path: &[&str], value: String) -> std::result::Result<(), ()> {
        let [name, rest @ ..] = path else { return Err(()) };
        let name = if name.is_empty() { self.members.len().to_string() } else { (*name).to_owned() };
        let place = self.members.iter().position(|(known, _)| *known == name);
        if rest.is_empty() {
            match place {
                // The last one counts, as at Stripe.
                Some(place) if matches!(self.members[place].1, Param::Text(_)) => {
                    self.members[place].1 = Param::Text(value);
                }
                Some(_) => return Err(()),
                None => self.members.push((name, Param::Text(value))),
            }
            return Ok(());
        }
        let place = place.unwrap_or_else(|| {
            let at = if self.at.is_empty() { name.clone() } else { format!("{}[{name}]", self.at) };
            self.members.push((name, Param::Group(Params { at, members: Vec::new() })));
            self.members.len() - 1
        });
        match &mut self.members[place].1 {
            Param::Group(group) => group.set(rest, value),
            Param::Text(_) => Err(()),
        }
    }

    /// The full name of one of these, as an error says it.
    pub fn name(&self, member: &str) -> String {
        if self.at.is_empty() { member.to_owned() } else { format!("{}[{member}]", self.at) }
    }

    /// Refuses what is not in this list.
    pub fn only(&self, known: &[&str]) -> Outcome<()> {
        match self.members.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(Fault::unknown(&self.name(name))),
            None => Ok(()),
        }
    }

    fn get(&self, name: &str) -> Option<&Param> {
        self.members.iter().find(|(known, _)| known == name).map(|(_, param)| param)
    }

    /// A value that may be left out, but not be empty.
    pub fn text(&self, name: &str) -> Outcome<Option<String>> {
        match self.get(name) {
            None => Ok(None),
            Some(Param::Text(text)) if text.is_empty() => {
                let name = self.name(name);
                let message = format!(
                    "You passed an empty string for '{name}'. We assume empty values are an attempt to unset a \
                     parameter; however '{name}' cannot be unset. You should remove '{name}' from your request \
                     or supply a non-empty value."
                );
                Err(Fault::invalid(Some("parameter_invalid_empty"), message, &name))
            }
            Some(Param::Text(text)) => Ok(Some(text.clone())),
            Some(Param::Group(_)) => {
                Err(Fault::invalid(None, format!("Invalid string: {}", self.name(name)), &self.name(name)))
            }
        }
    }

    /// The text of this name; a fault that names it when it is missing.
    pub fn need(&self, name: &str) -> Outcome<String> {
        self.text(name)?.ok_or_else(|| Fault::lacks(&self.name(name)))
    }

    /// The whole number of this name; a fault when it is something else.
    pub fn number(&self, name: &str) -> Outcome<Option<i64>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let invalid = |_| {
            let message = format!("Invalid integer: {text}");
            Fault::invalid(Some("parameter_invalid_integer"), message, &self.name(name))
        };
        text.parse().map(Some).map_err(invalid)
    }

    /// One of a few words.
    pub fn one_of(&self, name: &str, words: &[&str]) -> Outcome<Option<String>> {
        match self.text(name)? {
            Some(word) if !words.contains(&word.as_str()) => {
                let message = format!("Invalid {name}: must be one of {}", words.join(", "));
                Err(Fault::invalid(None, message, &self.name(name)))
            }
            word => Ok(word),
        }
    }

    /// A group of parameters; an empty one where there is none.
    pub fn group(&self, name: &str) -> Outcome<Params> {
        match self.get(name) {
            None => Ok(Params { at: self.name(name), members: Vec::new() }),
            Some(Param::Group(group)) => Ok(group.clone()),
            Some(Param::Text(_)) => {
                Err(Fault::invalid(None, format!("Invalid object: {}", self.name(name)), &self.name(name)))
            }
        }
    }

    /// Whether there is anything under this name.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The groups of a list, in order of their numbers.
    pub fn list(&self, name: &str) -> Outcome<Vec<Params>> {
        let mut members = self.group(name)?.members;
        members.sort_by_key(|(number, _)| number.parse::<u32>().unwrap_or(u32::MAX));
        members
            .into_iter()
            .map(|(number, param)| match param {
                Param::Group(group) => Ok(group),
                Param::Text(_) => {
                    let name = format!("{}[{number}]", self.name(name));
                    Err(Fault::invalid(None, format!("Invalid object: {name}"), &name))
                }
            })
            .collect()
    }

    /// The texts of a list, in the order they came.
    pub fn texts(&self, name: &str) -> Outcome<Vec<String>> {
        let group = self.group(name)?;
        group.members.iter().map(|(number, _)| group.need(number)).collect()
    }

    /// Names and values of the caller's own, within Stripe's bounds.
    pub fn metadata(&self, name: &str) -> Outcome<BTreeMap<String, String>> {
        let group = self.group(name)?;
        if group.members.len() > 50 {
            let message = "You may only specify up to 50 metadata keys.";
            return Err(Fault::invalid(None, message, &self.name(name)));
        }
        let mut metadata = BTreeMap::new();
        for (key, param) in &group.members {
            let Param::Text(value) = param else {
                return Err(Fault::invalid(None, "Metadata values must be strings.", &group.name(key)));
            };
            if key.chars().count() > 40 || value.chars().count() > 500 {
                let message = "Metadata keys have up to 40 characters and metadata values up to 500.";
                return Err(Fault::invalid(None, message, &group.name(key)));
            }
            metadata.insert(key.clone(), value.clone());
        }
        Ok(metadata)
    }

    /// The same wish always in the same words, whatever order it was said in.
    pub fn canonical(&self) -> String {
        let mut members: Vec<String> = self
            .members
            .iter()
            .map(|(name, param)| match param {
                Param::Text(text) => format!("{name:?}:{text:?}"),
                Param::Group(group) => format!("{name:?}:{}", group.canonical()),
            })
            .collect();
        members.sort();
        format!("{{{}}}", members.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_make_groups_and_lists() {
        let params = Params::read(
            "mode=payment&line_items[10][quantity]=2&line_items[0][price_data][currency]=usd&expand[]=a&expand[]=b\
             &metadata%5Border%5D=x%26y",
        )
        .unwrap();
        assert_eq!(params.need("mode").unwrap(), "payment");
        let lines = params.list("line_items").unwrap();
        assert_eq!(lines[0].group("price_data").unwrap().need("currency").unwrap(), "usd");
        assert_eq!(lines[1].number("quantity").unwrap(), Some(2));
        assert_eq!(params.texts("expand").unwrap(), ["a", "b"]);
        assert_eq!(params.metadata("metadata").unwrap()["order"], "x&y");
    }

    #[test]
    fn a_fault_names_the_whole_parameter() {
        let params = Params::read("a[0][b]=x&c=").unwrap();
        let fault = params.list("a").unwrap()[0].number("b").unwrap_err();
        assert_eq!(
            (fault.param.as_deref(), fault.code),
            (Some("a[0][b]"), Some("parameter_invalid_integer"))
        );
        assert_eq!(params.list("a").unwrap()[0].need("z").unwrap_err().param.as_deref(), Some("a[0][z]"));
        assert_eq!(params.text("c").unwrap_err().code, Some("parameter_invalid_empty"));
        assert_eq!(params.only(&["a"]).unwrap_err().code, Some("parameter_unknown"));
    }

    #[test]
    fn names_that_make_no_sense_are_refused() {
        for broken in ["a[=1", "a[b=1", "a]b[=1", "[a]=1", "a[b]c=1", "a=1&a[b]=2", "a[b]=1&a=2", "a[[b]]=1"]
        {
            assert!(Params::read(broken).is_err(), "{broken}");
        }
        assert!(Params::read(&format!("a{}=1", "[x]".repeat(40))).is_err());
    }

    #[test]
    fn order_does_not_make_another_wish() {
        let canonical = |text: &str| Params::read(text).unwrap().canonical();
        assert_eq!(canonical("a=1&b[c]=2&b[d]=3"), canonical("b[d]=3&b[c]=2&a=1"));
        assert_ne!(canonical("a=1"), canonical("a=2"));
        assert_ne!(canonical("a[b]=1"), canonical("a=%7Bb%3A1%7D"));
    }
}
