//! What anybody can read about children here (16 CFR 312.4(d)): who runs the site, what is collected, who is given anything,
//! what identifiers are for, how long it is kept, and what a parent can do. Made from the settings of this shop as it runs,
//! its register of recipients and its retention policy; hashed, and kept under its hash while children are taken.

use serde::Serialize;

use super::notice::{Ground, LANGUAGE, Part};
use super::permission::Scope;
use super::ward::{ANSWER_MS, CHILD_EXPORT_MS, EXPORT_MS};
use crate::App;
use crate::clock::DAY;
use crate::consent::receipt::Notice;
use crate::consent::recipient::{Entry, Services, Use, register};
use crate::consent::retention::{Kept, Policy};
use crate::consent::routes::{OwnCookie, own_cookies};
use crate::error::{Error, Result};
use crate::web::Ours;

/// The edition of these words. A change of meaning is a new one.
pub const VERSION: &str = "2026-11-28";

/// Cookies that a child's browser can be given. The others belong to vendors and advertisements, which a child is not asked
/// about and not shown by.
const OF_CHILDREN: [Ours; 7] =
    [Ours::Session, Ours::Forms, Ours::Basket, Ours::Notice, Ours::Age, Ours::Ward, Ours::Remembered];

/// Tables in which there is never a row about a child.
const NEVER_OF_CHILDREN: [&str; 16] = [
    "user_links",
    "agreements",
    "policy_reports",
    "inquiries",
    "inquiry_answers",
    "account_choices",
    "account_letters",
    "ad_free",
    "ad_free_events",
    "ad_wishes",
    "ad_campaign_events",
    "child_pages",
    "ward_forms",
    "payout_holds",
    "shown_ages",
    "security_reviews",
];

/// Somebody who may be given something, as the notice tells it.
#[derive(Clone, Debug, Serialize)]
pub struct Given {
    /// `ga4 analytics`: who and what for, as the register knows it.
    pub key: String,
    pub name: String,
    pub what_for: String,
    pub what: String,
    /// Whether a child's data is ever among it, and when.
    pub of_children: &'static str,
}

/// A cookie of ours that a child's browser can be given.
#[derive(Clone, Debug, Serialize)]
pub struct Identifier {
    pub name: String,
    pub what: String,
    pub lasts: String,
}

/// The notice.
#[derive(Clone, Debug)]
pub struct Online {
    pub takes_children: bool,
    /// The whole of it where no children are taken.
    pub lead: String,
    /// The same for the child itself, in short sentences.
    pub young: Vec<Part>,
    pub before: Vec<Part>,
    pub given: Vec<Given>,
    pub identifiers: Vec<Identifier>,
    pub kept: Vec<Kept>,
    pub after: Vec<Part>,
}

impl Given {
    fn new(entry: &Entry) -> Given {
        let of_children = match (entry.is_vendor, Use::parse(&entry.purpose)) {
            (true, _) => "Never. Only of grown-up visitors who said yes to it.",
            (false, Some(Use::Payment)) => {
                "Only what a parent types who proves a card, and what a person pays who is no child."
            }
            (false, Some(Use::IdentityProof)) => {
                "Nothing about a child. Only what a parent shows it who goes there."
            }
            (false, Some(Use::TextMessages)) => {
                "Nothing about a child. Only the number of a parent who chose it, and what we write to it."
            }
            (false, Some(Use::VendorList)) => "Nothing about anybody.",
            (false, _) => "Yes: the service does not work without it. For nothing of its own.",
        };
        Given {
            key: format!("{} {}", entry.id, entry.purpose),
            name: entry.name.clone(),
            what_for: entry.what_for.clone(),
            what: if entry.kinds.is_empty() { "nothing".into() } else { entry.kinds.join(", ") },
            of_children,
        }
    }
}

impl Online {
    /// The notice of this application.
    pub fn of(app: &App) -> Result<Online> {
        let policy = Policy::shipped().map_err(|faults| Error::internal(faults.join("; ")))?;
        let cookies = own_cookies(app.config.is_https(), app.consent.choice_ms);
        Ok(Online::new(&Ground::of(app), &app.services, &cookies, policy))
    }

    pub fn new(ground: &Ground, services: &Services, cookies: &[OwnCookie], policy: &Policy) -> Online {
        let site = &ground.site_name;
        if !ground.book.child_mode {
            let at = ground.book.thresholds(None, &[]);
            return Online {
                takes_children: false,
                young: vec![],
                lead: format!(
                    "{site} takes no children. Who says at the age question that they are under {} gets no account, and \
                     nothing is kept about them: no row, no address, not even that they came. If you believe that a child \
                     has an account all the same, write to {}: it is frozen in that moment and deleted within {} days.",
                    at.minimum,
                    ground.contact,
                    ANSWER_MS / DAY
                ),
                before: vec![],
                given: vec![],
                identifiers: vec![],
                kept: vec![],
                after: vec![],
            };
        }
        Online {
            takes_children: true,
            lead: format!(
                "Children may have an account at {site} where a parent allows it. This is what is collected from them, what \
                 for, who is given anything of it, and what you can do as their parent."
            ),
            young: young(ground),
            before: before(ground),
            given: register(&ground.book, services).iter().map(Given::new).collect(),
            identifiers: cookies
                .iter()
                .filter(|cookie| OF_CHILDREN.contains(&cookie.ours))
                .map(|cookie| Identifier {
                    name: cookie.name.clone(),
                    what: cookie.what.to_owned(),
                    lasts: cookie.lasts.clone(),
                })
                .collect(),
            kept: policy
                .personal()
                .into_iter()
                .filter(|kept| !NEVER_OF_CHILDREN.contains(&kept.table.as_str()))
                .collect(),
            after: after(ground),
        }
    }

    /// The whole as one text, in the order in which it is shown: what is hashed and kept.
    pub fn notice(&self) -> Notice {
        let mut lines = vec![self.lead.clone()];
        let parts = |lines: &mut Vec<String>, parts: &[Part]| {
            for part in parts {
                lines.push(part.heading.to_owned());
                lines.extend(part.lines.iter().cloned());
            }
        };
        parts(&mut lines, &self.young);
        parts(&mut lines, &self.before);
        lines.extend(
            self.given
                .iter()
                .map(|g| format!("{}, for {}: {}. {}", g.name, g.what_for, g.what, g.of_children)),
        );
        lines.extend(self.identifiers.iter().map(|i| format!("{}: {} ({})", i.name, i.what, i.lasts)));
        lines.extend(self.kept.iter().map(|k| format!("{}: {}. {}", k.name, k.why, k.how_long)));
        parts(&mut lines, &self.after);
        Notice { version: VERSION.into(), language: LANGUAGE.into(), text: lines.join("\n") }
    }
}

/// Keeps the notice under its hash, where children are taken: what was public on a day can be read later.
pub(super) async fn keep(app: &App) {
    let kept = match Online::of(app) {
        Ok(online) if online.takes_children => {
            let notice = online.notice();
            app.db.write(move |conn| notice.keep(conn).map(drop)).await
        }
        other => other.map(drop),
    };
    if let Err(error) = kept {
        tracing::error!(%error, "the notice about children could not be kept");
    }
}

/// What a child reads itself: what is kept, who sees it, what it can do. No sentence has more than fifteen words.
fn young(ground: &Ground) -> Vec<Part> {
    let said = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    let mut can = said(&[
        "You can take your sounds away again.",
        "You can stop at any time. Ask your parent, or ask us.",
        "Your parent can have all of it deleted.",
        "You never have to tell us more to take part.",
    ]);
    let sounds = match ground.minimums.of(Scope::Upload) {
        Some(_) => "You cannot put sounds here yet.",
        None => "We keep the sounds you put here and the words you wrote about them.",
    };
    can.push(format!("Does something feel wrong? Tell your parent, or write to {}.", ground.contact));
    vec![
        Part {
            heading: "What we keep of you",
            lines: said(&[
                "We keep the name you made up for this site.",
                "We keep your password, but in a way that nobody can read.",
                sounds,
                "We keep what you marked as a favourite.",
                "We keep which age group you are in. We do not keep your birthday.",
            ]),
        },
        Part {
            heading: "Who sees it",
            lines: said(&[
                "You and your parent see all of it.",
                "People who work here look at it only when they have to.",
                "Some companies help us to run the site. They may not use what is yours.",
                "Nobody else hears your sounds, unless your parent says that they may.",
                "We show you no advertisements. We never sell what is yours.",
            ]),
        },
        Part { heading: "What you can do", lines: can },
    ]
}

fn before(ground: &Ground) -> Vec<Part> {
    let mut who = vec![match ground.country.as_str() {
        "" => format!("{}.", ground.operator),
        country => format!("{} ({country}).", ground.operator),
    }];
    if !ground.address.is_empty() {
        who.push(format!("By post: {}.", ground.address));
    }
    if !ground.phone.is_empty() {
        who.push(format!("By telephone: {}.", ground.phone));
    }
    who.push(format!("By e-mail: {}.", ground.contact));
    who.push(format!("Nobody else collects anything from children at {}.", ground.site_name));
    let sounds = match ground.minimums.of(Scope::Upload) {
        Some(age) => format!(
            "Nobody puts sounds here before the age of {age}, whatever a parent allows. What this notice says of the sounds of \
             a child is about those that were put here before that was so."
        ),
        None => "A sound holds a voice, and a recorded voice is personal information. It is kept for the child alone. It is \
                 measured once (length, loudness, tempo, key, and a print that finds the same recording again); nothing is \
                 made of it that would recognise a voice."
            .into(),
    };
    let number = match ground.carrier {
        Some(_) => {
            " A parent who chooses to answer with a text message gives a mobile number as well, for two messages and no longer."
        }
        None => "",
    };
    vec![
        Part { heading: "Who runs this site", lines: who },
        Part {
            heading: "What is collected from a child, and what for",
            lines: vec![
                format!(
                    "Before a parent answers: the parent's e-mail address and the name chosen for the account, to ask. Both \
                     are deleted after {} days without an answer.{number}",
                    ANSWER_MS / DAY
                ),
                "With the account: that name and a password that nobody can read, to sign in (no address: letters about it go \
                 to the parent); what the child keeps as a favourite; the sounds it puts here, with the titles and words it gives them. The band of \
                 its age and the month in which the next one begins, never a date of birth."
                    .into(),
                sounds,
                format!("Whether others hear it is a question of its own. {}", Scope::Publication.words()),
                "No child has a public profile, comments or messages. Nothing of a child is sold, advertised with, or used to \
                 train machines, whatever anybody agreed to. Taking part never depends on more than this."
                    .into(),
            ],
        },
    ]
}

fn after(ground: &Ground) -> Vec<Part> {
    let home = format!("{}/guardians", ground.site_url);
    vec![Part {
        heading: "What you can do as a parent",
        lines: vec![
            format!(
                "Review: at {home} you ask for a link to your page by e-mail. It shows what is held about your child, and \
                 you can download all of it."
            ),
            "Delete: on the same page you have the account deleted with everything in it, at once.".into(),
            format!(
                "Refuse: you take back one permission, or all of them, and nothing more is collected. It ends in that \
                 moment; what was published is taken down. The account is closed, and deleted after {} days at most, in \
                 which you can download what there is.",
                CHILD_EXPORT_MS / DAY
            ),
            format!(
                "When your child is no child any more by these rules, what you allowed ends, and so does your page: somebody \
                 who answers for them is asked anew, you for instance. Without an answer within {} days the account is \
                 deleted.",
                EXPORT_MS / DAY
            ),
            "You may allow that your child's data is collected and used without allowing that others are shown it.".into(),
            format!("For all of this a letter or a call is as good: {}.", ground.contact),
        ],
    }]
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::config::Config;
    use crate::guardians::notice::tests::ground;

    fn online(settings: &[(&str, &str)]) -> (Online, Ground, Services) {
        let env: BTreeMap<String, String> =
            settings.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let services = Services::new(&Config::read(None, &env).unwrap(), None);
        let ground = ground(settings);
        let cookies = own_cookies(true, DAY);
        let online = Online::new(&ground, &services, &cookies, Policy::shipped().unwrap());
        (online, ground, services)
    }

    const CHILDREN: (&str, &str) = ("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc");

    /// T-RT-3, R-RT-4: whoever stands in the register stands in the notice, for the same use, and nobody else; another setting
    /// is another notice.
    #[test]
    fn the_notice_equals_the_register() {
        let mut hashes = BTreeSet::new();
        for vendors in ["", "ga4=G-TEST", "statcounter=123:abc,histats=77"] {
            for mail in ["dir:letters", "smtps://user:pass@mail.example"] {
                let settings = [CHILDREN, ("CUEHOUSE_VENDORS", vendors), ("CUEHOUSE_MAIL_URL", mail)];
                let (online, ground, services) = online(&settings);
                let all = register(&ground.book, &services);
                let wanted: Vec<String> = all.iter().map(|e| format!("{} {}", e.id, e.purpose)).collect();
                let told: Vec<String> = online.given.iter().map(|g| g.key.clone()).collect();
                assert_eq!(told, wanted);
                let notice = online.notice();
                for entry in &all {
                    assert!(notice.text.contains(&format!("{}, for {}", entry.name, entry.what_for)));
                }
                for vendor in &ground.book.registry.vendors {
                    let is_on = ground.book.on().any(|on| on.id == vendor.id);
                    assert_eq!(
                        notice.text.contains(&format!("{}, for", vendor.name)),
                        is_on,
                        "{}",
                        vendor.id
                    );
                }
                assert!(!notice.text.contains("user:pass"));
                hashes.insert(notice.hash());
            }
        }
        assert_eq!(hashes.len(), 6);
    }

    /// R-RT-4: every element of 312.4(d), and of each table of the retention policy that can be about a child its time.
    #[test]
    fn the_notice_has_every_element() {
        let text = online(&[CHILDREN]).0.notice().text;
        for element in [
            "Cuehouse Ltd (DE)",
            "hello@shop.example",
            "What is collected from a child",
            "Review:",
            "Delete:",
            "Refuse:",
            "without allowing that others are shown it",
            "deleted after 14 days at most",
            "no child any more",
            "keeps you signed in",
            "People under age: ",
            "Whether somebody under age is heard",
            "What we keep of you",
        ] {
            assert!(text.contains(element), "{element}\n{text}");
        }
        let policy = Policy::shipped().unwrap();
        let names: Vec<&str> = policy.tables.iter().map(|t| t.table.as_str()).collect();
        assert!(NEVER_OF_CHILDREN.iter().all(|table| names.contains(table)));
    }

    /// R-UX-6: what a child reads itself is short: no sentence of more than fifteen words, no word that only lawyers use.
    #[test]
    fn a_child_reads_short_sentences() {
        let (online, ground, _) = online(&[CHILDREN]);
        assert_eq!(online.young.len(), 3);
        for part in &online.young {
            for line in &part.lines {
                // The address to write to has dots of its own.
                let line = line.replace(&ground.contact, "us");
                for sentence in line.split_inclusive(['.', '?', '!']) {
                    let words = sentence.split_whitespace().count();
                    assert!((3..=15).contains(&words), "{words}: {sentence}");
                }
                for hard in
                    ["personal", "data", "process", "consent", "collect", "third part", "pursuant", "identif"]
                {
                    assert!(!line.to_lowercase().contains(hard), "{hard}: {line}");
                }
            }
        }
    }

    /// R-RT-4: where no children are taken it says so in one paragraph.
    #[test]
    fn a_site_without_children_says_so_in_a_paragraph() {
        let (online, ..) = online(&[]);
        assert!(!online.takes_children && online.before.is_empty() && online.given.is_empty());
        let text = online.notice().text;
        assert!(text.contains("takes no children") && !text.contains('\n'), "{text}");
    }
}
