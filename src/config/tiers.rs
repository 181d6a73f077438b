//! The tiers among the settings: `[tiers.<slug>]` over the default catalogue, field by field. A tier that is not named stays as
//! it is there; a slug that it does not know is a new tier, which is then said whole.

use serde_json::{Map, Value, json};

use super::Said;
use crate::ids::Slug;
use crate::money::Cents;
use crate::sales::scope::{
    Alteration, Attribution, ClientPassing, Field, FileKind, Medium, PerformanceRight, ResultClaiming, Scope,
    Works,
};
use crate::sales::tier::{Catalogue, PriceBounds, REFUND_DAYS, Tier, default_catalogue};

/// What a tier says beside its scope.
const OTHERS: [&str; 7] =
    ["name", "summary", "price_cents", "seat_step_cents", "upgrades_to", "position", "on_sale"];
/// What a new tier must say of them.
const NEEDED: [&str; 3] = ["name", "summary", "price_cents"];

/// The catalogue of the settings; the default one when anything is wrong with it, which is a fault.
pub(super) fn catalogue(said: &mut Said) -> Catalogue {
    let usual = PriceBounds::default();
    let bounds = PriceBounds {
        low_percent: said.read(
            "prices.low_percent",
            usual.low_percent,
            "0 to 100 per cent of a tier's price",
            |text| text.parse().ok().filter(|n| (0..=100).contains(n)),
        ),
        high_percent: said.read(
            "prices.high_percent",
            usual.high_percent,
            "100 to 10000 per cent of a tier's price",
            |text| text.parse().ok().filter(|n| (100..=10_000).contains(n)),
        ),
    };
    let refund_days = said.read("refund_days", REFUND_DAYS, "1 to 365 days", |text| {
        text.parse().ok().filter(|n| (1..=365).contains(n))
    });
    let (tiers, mut faults) = match said.tiers.take() {
        None => (default_catalogue(), vec![]),
        Some(toml::Value::Table(table)) => read(&table),
        Some(_) => (default_catalogue(), vec!["tiers should be a table for each tier".to_owned()]),
    };
    let made = Catalogue::new(tiers, bounds, refund_days).unwrap_or_else(|mut found| {
        // Of a tier that could not be read nothing else is said: it would follow from that.
        found.retain(|fault| !faults.iter().any(|known| about(known) == about(fault)));
        faults.append(&mut found);
        Catalogue::default()
    });
    said.faults.extend(faults.into_iter().map(|fault| format!("cuehouse.toml: {fault}")));
    made
}

/// The slug of the tier a fault stands at: `tiers.<slug>` is how each begins.
fn about(fault: &str) -> Option<&str> {
    fault.split(['.', ' ']).nth(1)
}

/// The tiers on sale as the file says them, and what could not be read.
fn read(table: &toml::Table) -> (Vec<Tier>, Vec<String>) {
    let (mut all, mut off, mut faults) = (default_catalogue(), vec![], vec![]);
    for (slug, value) in table {
        let Some(fields) = value.as_table().filter(|_| Slug::parse(slug).is_some()) else {
            faults.push(format!(
                "tiers.{slug} should be a table under a name of small letters, figures and hyphens"
            ));
            continue;
        };
        let known = all.iter().position(|tier| tier.slug == *slug);
        let tier = match known {
            Some(at) => all.remove(at),
            None => blank(slug, &all),
        };
        let mut edited = Edit { tier, faults: vec![] };
        for (field, value) in fields {
            edited.take(field, value);
        }
        let needed = Field::ALL.iter().map(|field| field.as_str()).chain(NEEDED);
        let lacks: Vec<&str> =
            needed.filter(|field| known.is_none() && !fields.contains_key(*field)).collect();
        if !lacks.is_empty() {
            faults.push(format!("tiers.{slug} is new, and lacks {}", lacks.join(", ")));
        }
        faults.extend(edited.faults);
        if fields.get("on_sale") == Some(&toml::Value::Boolean(false)) {
            off.push(edited.tier);
        } else {
            all.push(edited.tier);
        }
    }
    all.sort_by(|a, b| (a.order, &a.slug).cmp(&(b.order, &b.slug)));
    // What led to a tier that was taken out leads on to where that one led, unless the file says where.
    for tier in &mut all {
        let is_said = table.get(&tier.slug).is_some_and(|fields| fields.get("upgrades_to").is_some());
        if !is_said {
            tier.upgrades_to = onward(&tier.upgrades_to, &off);
        }
    }
    (all, faults)
}

/// Where these steps lead without the tiers that are not on sale.
fn onward(steps: &[String], off: &[Tier]) -> Vec<String> {
    let (mut ahead, mut there, mut passed) = (steps.to_vec(), vec![], vec![]);
    while let Some(step) = ahead.pop() {
        match off.iter().find(|tier| tier.slug == step) {
            None if there.contains(&step) => {}
            None => there.push(step),
            Some(_) if passed.contains(&step) => {}
            Some(tier) => {
                ahead.extend(tier.upgrades_to.iter().cloned());
                passed.push(step);
            }
        }
    }
    there.sort();
    there
}

/// A new tier before anything was said of it: it grants nothing, and stands behind the others.
fn blank(slug: &str, others: &[Tier]) -> Tier {
    Tier {
        slug: slug.to_owned(),
        name: String::new(),
        summary: String::new(),
        scope: Scope::narrowest(Medium::Personal),
        quoted: Default::default(),
        price_cents: None,
        seat_step_cents: None,
        upgrades_to: vec![],
        on_request: true,
        order: others.iter().map(|tier| tier.order).max().unwrap_or(0) + 1,
    }
}

/// A tier while its fields are read.
struct Edit {
    tier: Tier,
    faults: Vec<String>,
}

impl Edit {
    fn take(&mut self, name: &str, value: &toml::Value) {
        let taken = match Field::parse(name) {
            Some(field) => self.take_scope(field, value).ok_or_else(|| wanted(field)),
            None if OTHERS.contains(&name) => self.take_other(name, value),
            None => {
                self.faults.push(format!("tiers.{}.{name}: there is no such setting", self.tier.slug));
                return;
            }
        };
        if let Err(wanted) = taken {
            self.faults.push(format!("tiers.{}.{name} is {value}, and should be {wanted}", self.tier.slug));
        }
    }

    fn take_scope(&mut self, field: Field, value: &toml::Value) -> Option<()> {
        if value.as_str() == Some("quote") {
            self.tier.quoted.insert(field);
            return Some(());
        }
        let mut scope = serde_json::to_value(&self.tier.scope).ok()?;
        scope[field.as_str()] = json_of(field, value)?;
        self.tier.scope = serde_json::from_value(scope).ok()?;
        self.tier.quoted.remove(&field);
        Some(())
    }

    fn take_other(&mut self, name: &str, value: &toml::Value) -> Result<(), String> {
        let tier = &mut self.tier;
        let (text, number) = (value.as_str(), value.as_integer());
        match (name, text, number) {
            ("name", Some(text), _) => tier.name = text.to_owned(),
            ("summary", Some(text), _) => tier.summary = text.to_owned(),
            ("price_cents", Some("quote"), _) => (tier.price_cents, tier.on_request) = (None, true),
            ("price_cents", _, Some(cents)) => {
                (tier.price_cents, tier.on_request) = (Some(Cents(cents)), false);
            }
            ("seat_step_cents", Some("none"), _) => tier.seat_step_cents = None,
            ("seat_step_cents", _, Some(cents)) => tier.seat_step_cents = Some(Cents(cents)),
            ("position", _, Some(place)) => tier.order = place,
            ("upgrades_to", ..) => {
                let next = value.as_array().map(|all| all.iter().map(|one| one.as_str().map(str::to_owned)));
                match next.and_then(Iterator::collect::<Option<Vec<String>>>) {
                    Some(next) => tier.upgrades_to = next,
                    None => return Err("a list of tiers, such as [\"business\"]".into()),
                }
            }
            ("on_sale", ..) if value.as_bool().is_some() => {}
            _ => {
                return Err(match name {
                    "price_cents" => "a number of cents, or \"quote\"",
                    "seat_step_cents" => "a number of cents, or \"none\"",
                    "position" => "a number",
                    "on_sale" => "true or false",
                    _ => "words",
                }
                .into());
            }
        }
        Ok(())
    }
}

/// A field's value as it stands in a scope's JSON; none when it is of another kind.
fn json_of(field: Field, value: &toml::Value) -> Option<Value> {
    match field {
        Field::Media | Field::Files => {
            let words: Option<Vec<&str>> = value.as_array()?.iter().map(toml::Value::as_str).collect();
            Some(json!(words?))
        }
        Field::IndemnityCents => Some(json!(value.as_integer()?)),
        Field::Exclusive => Some(json!(value.as_bool()?)),
        Field::Territory => counted(value.as_str()?, "groups"),
        Field::Term => counted(value.as_str()?, "months"),
        Field::Works
        | Field::ClientPassing
        | Field::Alteration
        | Field::Attribution
        | Field::ResultClaiming
        | Field::PerformanceRight => Some(json!(value.as_str()?)),
        _ if value.as_str() == Some("unlimited") => Some(Value::Null),
        _ => Some(json!(value.as_integer()?)),
    }
}

/// `groups(2)` as the object of one field that it is; another word as itself.
fn counted(word: &str, unit: &str) -> Option<Value> {
    let number = word.strip_prefix(unit).and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')'));
    match number {
        None => Some(json!(word)),
        Some(number) => {
            let number: u32 = number.trim().parse().ok()?;
            Some(Value::Object(Map::from_iter([(unit.to_owned(), json!(number))])))
        }
    }
}

fn wanted(field: Field) -> String {
    fn one_of<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> String {
        all.iter().map(|one| word(*one)).collect::<Vec<_>>().join(", ")
    }
    match field {
        Field::Media => format!("a list of one or more of {}", one_of(Medium::ALL, Medium::as_str)),
        Field::Files => format!("a list of some of {}", one_of(FileKind::ALL, FileKind::as_str)),
        Field::Works => one_of(Works::ALL, Works::as_str),
        Field::ClientPassing => one_of(ClientPassing::ALL, ClientPassing::as_str),
        Field::Alteration => one_of(Alteration::ALL, Alteration::as_str),
        Field::Attribution => one_of(Attribution::ALL, Attribution::as_str),
        Field::ResultClaiming => one_of(ResultClaiming::ALL, ResultClaiming::as_str),
        Field::PerformanceRight => one_of(PerformanceRight::ALL, PerformanceRight::as_str),
        Field::Territory => "none, groups(1) to groups(6), or worldwide".into(),
        Field::Term => "months(1) to months(1200), perpetual, or while_subscribed".into(),
        Field::Exclusive => "true or false".into(),
        Field::IndemnityCents => "a number of cents".into(),
        _ => "a number, or \"unlimited\"".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::Config;
    use crate::sales::scope::{Cap, Territory};

    fn read(file: &str) -> Result<Catalogue, Vec<String>> {
        Config::read(Some(file), &BTreeMap::new()).map(|config| config.catalogue)
    }

    fn tier<'a>(catalogue: &'a Catalogue, slug: &str) -> &'a Tier {
        catalogue.tiers().iter().find(|tier| tier.slug == slug).unwrap()
    }

    #[test]
    fn what_the_file_does_not_say_stays_as_the_default_has_it() {
        assert_eq!(read("port = 9000"), Ok(Catalogue::default()));
        // Listen needs no credit line: an upgrade would take that away.
        assert_eq!(
            read("[tiers.creator]\nattribution = \"required\"\n"),
            Err(vec![
                "cuehouse.toml: tiers.listen.upgrades_to names \"creator\", which does not cover it: attribution"
                    .to_owned()
            ])
        );
        let catalogue = read(
            "refund_days = 30\n[prices]\nlow_percent = 10\nhigh_percent = 1000\n\
             [tiers.listen]\nupgrades_to = [\"business\"]\n\
             [tiers.creator]\nprice_cents = 0\nattribution = \"required\"\nseats = 3\nstreams_max = 1000\n\
             [tiers.business]\nterritory = \"groups(2)\"\nname = \"Company\"\n\
             [tiers.broadcast]\nterritory = \"groups(3)\"\nposition = 9\nstreams_max = \"unlimited\"\n",
        )
        .unwrap();
        assert_eq!((catalogue.refund_days(), catalogue.bounds().low_percent), (30, 10));
        assert_eq!(catalogue.bounds().high_percent, 1000);
        let creator = tier(&catalogue, "creator");
        assert_eq!((creator.price_cents, creator.on_request), (Some(Cents(0)), false));
        assert_eq!((creator.scope.seats, creator.scope.streams_max), (Cap::up_to(3), Cap::up_to(1000)));
        assert_eq!(creator.scope.attribution, Attribution::Required);
        assert_eq!(creator.scope.staff_max, Cap::up_to(10), "not said, so as it was");
        assert_eq!(tier(&catalogue, "business").name, "Company");
        assert_eq!(tier(&catalogue, "broadcast").scope.territory, Territory::Groups(3));
        assert_eq!(catalogue.tiers().last().map(|tier| tier.slug.as_str()), Some("broadcast"));
        assert_eq!(tier(&catalogue, "film"), tier(&Catalogue::default(), "film"));
    }

    #[test]
    fn the_shipped_example_shows_creator_as_it_is() {
        let example = include_str!("../../cuehouse.example.toml");
        let from = example.find("# [tiers.creator]").unwrap();
        let tier = &example[from..from + example[from..].find("\n\n").unwrap()];
        let file: String =
            tier.lines().map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line))).collect();
        assert_eq!(read(&file), Ok(Catalogue::default()));
        let said: toml::Table = file.parse().unwrap();
        let fields = said["tiers"]["creator"].as_table().unwrap();
        let missing: Vec<&str> = Field::ALL
            .iter()
            .map(|f| f.as_str())
            .chain(OTHERS)
            .filter(|f| !fields.contains_key(*f))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn a_tier_is_taken_out_and_what_led_to_it_leads_on() {
        let catalogue =
            read("[tiers.business]\non_sale = false\n[tiers.exclusive]\non_sale = false\n").unwrap();
        assert!(
            catalogue.tiers().iter().all(|tier| !["business", "exclusive"].contains(&tier.slug.as_str()))
        );
        assert_eq!(tier(&catalogue, "creator").upgrades_to, ["broadcast"]);
        assert!(tier(&catalogue, "film").upgrades_to.is_empty());
        let all: String =
            default_catalogue().iter().map(|t| format!("[tiers.{}]\non_sale = false\n", t.slug)).collect();
        assert_eq!(read(&all), Err(vec!["cuehouse.toml: tiers: at least one must be on sale".to_owned()]));
    }

    /// Every field of a new tier, as LICENCES writes it.
    const STUDENT: &str = "[tiers.student]\nname = \"Student film\"\nsummary = \"films of film schools\"\nprice_cents = 500\n\
         media = [\"personal\", \"web\", \"festival\"]\nworks = \"one\"\nseries_episodes_max = 1\nseries_months_max = 1\n\
         copies_max = 0\nstreams_max = \"unlimited\"\naudience_max = 1000\nad_spend_cents_max = 0\n\
         budget_cents_max = 500000\nstaff_max = 10\nseats = 2\nchannels_max = 1\nterritory = \"worldwide\"\n\
         term = \"months(36)\"\nclient_passing = \"none\"\nalteration = \"edit\"\nattribution = \"required\"\n\
         result_claiming = \"forbidden\"\nperformance_right = \"excluded\"\nindemnity_cents = 0\n\
         files = [\"mp3\"]\nexclusive = false\n";

    #[test]
    fn a_new_tier_is_said_whole() {
        let catalogue = read(STUDENT).unwrap();
        let student = tier(&catalogue, "student");
        assert_eq!((student.order, student.price_cents, student.on_request), (9, Some(Cents(500)), false));
        assert_eq!(student.scope.term, crate::sales::scope::Term::Months(36));
        assert!(student.scope.media.has(Medium::Festival) && student.scope.streams_max == Cap::NO_LIMIT);
        assert_eq!(catalogue.tiers().len(), 9);
        let faults = read(&STUDENT.replace("seats = 2\n", "").replace("summary", "sumary")).unwrap_err();
        assert_eq!(
            faults,
            [
                "cuehouse.toml: tiers.student is new, and lacks seats, summary",
                "cuehouse.toml: tiers.student.sumary: there is no such setting"
            ]
        );
    }

    #[test]
    fn every_fault_is_said_at_once_and_names_its_field() {
        let file = "[tiers.creator]\nmedia = []\nseats = \"many\"\nterritory = \"groups\"\nterm = \"months(x)\"\nresale = true\n\
                    works = \"all\"\nfiles = [\"flac\"]\nprice_cents = \"free\"\non_sale = \"no\"\n[tiers.Gold]\n";
        let faults = read(file).unwrap_err();
        assert_eq!(faults.len(), 10, "{faults:#?}");
        for words in [
            "tiers.creator.media is [], and should be a list of one or more of personal, web",
            "tiers.creator.seats is \"many\", and should be a number, or \"unlimited\"",
            "tiers.creator.territory is \"groups\", and should be none, groups(1)",
            "tiers.creator.term is \"months(x)\", and should be months(1)",
            "tiers.creator.resale: there is no such setting",
            "tiers.creator.works is \"all\", and should be none, one, series, any",
            "tiers.creator.files is [\"flac\"], and should be a list of some of mp3",
            "tiers.creator.price_cents is \"free\", and should be a number of cents, or \"quote\"",
            "tiers.creator.on_sale is \"no\", and should be true or false",
            "tiers.Gold should be a table under a name",
        ] {
            assert!(faults.iter().any(|fault| fault.contains(words)), "{words}: {faults:#?}");
        }
        for (file, words) in [
            (
                "[tiers.film]\nseats = 9\n",
                "tiers.broadcast.upgrades_to names \"film\", which does not cover it: seats",
            ),
            ("[tiers.listen]\nprice_cents = 99\n", "tiers.listen.price_cents should be 0, or from 100"),
            ("[tiers.exclusive]\nprice_cents = 900000\n", "tiers.exclusive.price_cents should be \"quote\""),
            ("[tiers.creator]\nindemnity_cents = -1\n", "tiers.creator.indemnity_cents must not be below 0"),
            ("[tiers.creator]\nseats = -1\n", "tiers.creator.seats must not be below 0"),
            (
                "[tiers.business]\nterritory = \"groups(7)\"\n",
                "tiers.business.territory should name 1 to 6 groups",
            ),
            ("refund_days = 0\n", "CUEHOUSE_REFUND_DAYS"),
            ("[prices]\nlow_percent = 101\n", "CUEHOUSE_PRICES_LOW_PERCENT"),
            ("tiers = \"all\"\n", "tiers should be a table for each tier"),
            (
                "[tiers.creator]\nseats = \"x\"\n[tiers.film]\nname = \"\"\n",
                "tiers.film.name should be one line",
            ),
        ] {
            let faults = read(file).unwrap_err();
            assert!(faults.iter().any(|fault| fault.contains(words)), "{words}: {faults:?}");
        }
    }
}
