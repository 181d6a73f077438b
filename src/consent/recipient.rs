//! Who may be given something about people, and what: the vendors that are on, and the services that the shop itself
//! needs. The notice, the ledger and the answers to people who ask are made of this one list.

use serde::Serialize;

use super::notice::VendorTold;
use super::purpose::Purpose;
use super::rulebook::Rulebook;
use super::vendor::Vendor;
use crate::config::Config;
use crate::storage::StorageUrl;
use crate::text_enum;
use crate::web::headers;

text_enum! {
    /// A kind of information about people.
    pub enum Category {
        Network = "network",
        Browser = "browser",
        Pages = "pages",
        Marks = "marks",
        Email = "email",
        Phone = "phone",
        Purchases = "purchases",
        Files = "files",
        Letters = "letters",
    }
}

impl Category {
    /// How people call it.
    pub fn words(self) -> &'static str {
        match self {
            Category::Network => "network address (IP address)",
            Category::Browser => "what a browser says about itself and the device",
            Category::Pages => "pages looked at, and when",
            Category::Marks => "cookies and other marks that recognise a browser",
            Category::Email => "e-mail address",
            Category::Phone => "telephone number",
            Category::Purchases => "what is bought, and for how much",
            Category::Files => "recordings and pictures that are uploaded",
            Category::Letters => "letters that we write to somebody",
        }
    }

    /// The words behind what [`joined`] wrote; a word of an earlier edition stands for itself.
    pub fn read(text: &str) -> Vec<String> {
        text.split(' ')
            .filter(|word| !word.is_empty())
            .map(|word| match Category::parse(word) {
                Some(category) => category.words().to_owned(),
                None => word.to_owned(),
            })
            .collect()
    }
}

/// What a browser hands to a vendor that it contacts for this purpose.
pub fn handed_over(purpose: Purpose) -> &'static [Category] {
    match purpose {
        Purpose::EmailMeasurement => &[Category::Network, Category::Browser, Category::Letters],
        _ => &[Category::Network, Category::Browser, Category::Pages, Category::Marks],
    }
}

/// What our own server tells Google Analytics when a checkout begins: a mark, and which page it was.
pub const CHECKOUT_TOLD: &[Category] = &[Category::Pages, Category::Marks];

/// Kinds as the ledger keeps them.
pub fn joined(categories: &[Category]) -> String {
    categories.iter().map(|c| c.as_str()).collect::<Vec<_>>().join(" ")
}

text_enum! {
    /// What the shop needs a service for.
    pub enum Use {
        /// Taking a buyer's money.
        Payment = "payment",
        /// Keeping the bytes of the shop.
        Keeping = "keeping",
        /// Sending sounds straight to a browser.
        Delivery = "delivery",
        /// Carrying letters.
        Letters = "letters",
        /// Asking for the list in which vendors are declared.
        VendorList = "vendor_list",
        /// Finding out whether somebody is of age who wants to prove it.
        AgeProof = "age_proof",
        /// Finding out whether a guardian is who they say, who wants to prove it so.
        IdentityProof = "identity_proof",
        /// Carrying text messages to parents who chose to answer by one.
        TextMessages = "text_messages",
    }
}

/// A service that the shop itself needs, for one use. It is asked of nobody and stands in the notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub id: &'static str,
    pub name: String,
    pub used_for: Use,
    pub what_for: &'static str,
    pub categories: &'static [Category],
}

/// The services that these settings make the shop need, and what our own server may tell vendors.
#[derive(Clone, Debug, Default)]
pub struct Services {
    all: Vec<Service>,
    calls: Vec<(&'static str, Purpose, &'static [Category])>,
}

impl Services {
    /// `media_origin` is where browsers fetch sounds that we do not send ourselves.
    pub fn new(config: &Config, media_origin: Option<&str>) -> Services {
        let mut all = vec![Service {
            id: "payment",
            name: if config.stripe.is_pretend() { "a pretend payment service" } else { "Stripe" }.into(),
            used_for: Use::Payment,
            what_for: "taking payment for an order",
            categories: &[Category::Email, Category::Purchases],
        }];
        if let StorageUrl::S3 { .. } = config.storage_url {
            let endpoint = config.s3.as_ref().and_then(|s3| s3.endpoint.as_deref());
            let name = endpoint.map_or_else(|| "Amazon S3".to_owned(), host);
            all.push(Service {
                id: "storage",
                name: name.clone(),
                used_for: Use::Keeping,
                what_for: "keeping recordings and pictures",
                categories: &[Category::Files],
            });
            if media_origin.is_some() {
                all.push(Service {
                    id: "storage",
                    name,
                    used_for: Use::Delivery,
                    what_for: "sending sounds to a browser",
                    categories: &[Category::Network, Category::Browser],
                });
            }
        }
        if config.mail_url.starts_with("smtp") {
            all.push(Service {
                id: "mail",
                name: host(&config.mail_url),
                used_for: Use::Letters,
                what_for: "carrying our letters",
                categories: &[Category::Email, Category::Letters],
            });
        }
        if let Some(file) = &config.vendor_list {
            all.push(Service {
                id: "vendor_list",
                name: file.host().to_owned(),
                used_for: Use::VendorList,
                what_for: "the list of vendors, which our server fetches",
                categories: &[],
            });
        }
        if let Some(provider) = &config.age.provider {
            all.push(Service {
                id: "age_proof",
                name: provider.name.clone(),
                used_for: Use::AgeProof,
                what_for: "finding out whether somebody is of age, when their account rests and they go there",
                categories: &[Category::Network, Category::Browser],
            });
        }
        if let Some(provider) = &config.age.identity {
            all.push(Service {
                id: "identity_proof",
                name: provider.name.clone(),
                used_for: Use::IdentityProof,
                what_for: "finding out whether a parent or guardian is who they say, when they go there to prove it",
                categories: &[Category::Network, Category::Browser],
            });
        }
        if let Some(carrier) = config.age.carrier() {
            all.push(Service {
                id: "text_messages",
                name: carrier.name.clone(),
                used_for: Use::TextMessages,
                what_for: "carrying text messages to a parent who chose to answer with one",
                categories: &[Category::Phone, Category::Letters],
            });
        }
        let calls = match config.ga4_api_secret {
            Some(_) => vec![("ga4", Purpose::Analytics, CHECKOUT_TOLD)],
            None => vec![],
        };
        Services { all, calls }
    }

    /// The service for a use, where the shop has one.
    pub fn of(&self, used_for: Use) -> Option<&Service> {
        self.all.iter().find(|s| s.used_for == used_for)
    }
}

/// The host of an address, without whatever signs in there.
fn host(address: &str) -> String {
    let known = url::Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned));
    known.unwrap_or_else(|| headers::origin(address).unwrap_or_else(|| "a service of ours".into()))
}

/// One recipient for one purpose, as people are told of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Entry {
    pub id: String,
    pub name: String,
    /// Its postal address, where it is known.
    pub address: Option<String>,
    pub purpose: String,
    pub what_for: String,
    /// As the ledger keeps them.
    pub categories: String,
    /// The same for people.
    pub kinds: Vec<String>,
    /// Asked about; else a service that the shop needs.
    pub is_vendor: bool,
    /// Whether it may use what it learns for its own marketing: nobody has shown that it does not.
    pub markets: bool,
}

impl Entry {
    fn of_vendor(vendor: &Vendor, purpose: Purpose) -> Entry {
        Entry {
            id: vendor.id.clone(),
            name: VendorTold::new(vendor).name,
            address: vendor.postal_address.clone(),
            purpose: purpose.slug().into(),
            what_for: purpose.name().to_lowercase(),
            categories: joined(handed_over(purpose)),
            kinds: handed_over(purpose).iter().map(|c| c.words().to_owned()).collect(),
            is_vendor: true,
            markets: vendor.trades(),
        }
    }

    fn of_service(service: &Service) -> Entry {
        Entry {
            id: service.id.into(),
            name: service.name.clone(),
            address: None,
            purpose: service.used_for.as_str().into(),
            what_for: service.what_for.into(),
            categories: joined(service.categories),
            kinds: service.categories.iter().map(|c| c.words().to_owned()).collect(),
            is_vendor: false,
            markets: false,
        }
    }

    /// Of whom a row of the ledger tells, whether or not they are on today.
    pub fn known(book: &Rulebook, services: &Services, id: &str, purpose: &str, categories: &str) -> Entry {
        let kinds = Category::read(categories);
        let found = match book.registry.vendor(id) {
            Some(vendor) => Purpose::parse(purpose).map(|purpose| Entry::of_vendor(vendor, purpose)),
            None => Use::parse(purpose).and_then(|u| services.of(u)).map(Entry::of_service),
        };
        let unknown = || Entry {
            id: id.into(),
            name: id.into(),
            address: None,
            purpose: purpose.into(),
            what_for: purpose.replace('_', " "),
            categories: String::new(),
            kinds: vec![],
            is_vendor: Use::parse(purpose).is_none(),
            markets: Use::parse(purpose).is_none(),
        };
        Entry { categories: categories.into(), kinds, ..found.unwrap_or_else(unknown) }
    }
}

/// Everyone who may be given something on this site, for each purpose.
pub fn register(book: &Rulebook, services: &Services) -> Vec<Entry> {
    let vendors = book.on().flat_map(|v| v.purposes.iter().map(move |p| Entry::of_vendor(v, *p)));
    let calls =
        services.calls.iter().filter(|(vendor, ..)| book.on().any(|v| v.id == *vendor)).map(
            |(vendor, purpose, told)| Entry::known(book, services, vendor, purpose.slug(), &joined(told)),
        );
    vendors.chain(calls).chain(services.all.iter().map(Entry::of_service)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn services_follow_from_the_settings_and_show_no_password() {
        let services = |pairs: &[(&str, &str)]| {
            let env: BTreeMap<String, String> =
                pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            Services::new(&Config::read(None, &env).unwrap(), None)
        };
        let names = |known: Services| known.all.into_iter().map(|s| (s.id, s.name)).collect::<Vec<_>>();
        assert_eq!(names(services(&[])), [("payment", "a pretend payment service".to_owned())]);
        let far = services(&[
            ("CUEHOUSE_STORAGE_URL", "s3://sounds"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL_S3", "https://objects.example:9000"),
            ("CUEHOUSE_MAIL_URL", "smtps://user:pass@mail.example"),
        ]);
        let named = names(far);
        assert_eq!(named[1], ("storage", "objects.example".to_owned()));
        assert_eq!(named[2], ("mail", "mail.example".to_owned()));
    }

    #[test]
    fn kinds_are_read_back_and_old_words_stay() {
        let all = joined(handed_over(Purpose::Analytics));
        assert_eq!(Category::read(&all).len(), 4);
        assert_eq!(Category::read("network shoe_size"), ["network address (IP address)", "shoe_size"]);
        assert!(Category::read("").is_empty());
    }
}
