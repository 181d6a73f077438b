//! Every choice has a receipt in a log to which is only ever added (promise 7): the chain and the tree are computed anew
//! from the leaves, and held against what is kept and what was signed. Walks the log a page at a time, with a hash per
//! level in memory.

use diesel::prelude::*;

use super::check::{Finding, Weight};
use super::rules::LISTED;
use crate::clock::Timestamp;
use crate::consent::log::head::Head;
use crate::consent::log::merkle::{self, Growing, Hash};
use crate::consent::log::{self, Leaf};
use crate::consent::receipt::{self, Notice, Receipt, Salt};
use crate::db::Conn;
use crate::db::schema::{consent_log, consent_nodes, consent_notices, consent_receipts};
use crate::error::Result;
use crate::proof::{Published, issuer};

/// Rows read at once.
const PAGE: i64 = 1_000;

/// What is wrong with the log, its heads, its receipts and its notices. `seen` hears how many rows were looked at.
pub(super) fn breaches(conn: &mut Conn, mut seen: impl FnMut(usize)) -> Result<Vec<Finding>> {
    let mut found = walk(conn, &mut seen)?;
    receipts(conn, &mut found, &mut seen)?;
    notices(conn, &mut found)?;
    Ok(found)
}

fn broken(rule: &'static str, about: String, words: impl Into<String>) -> Finding {
    Finding { rule, weight: Weight::Broken, about, words: words.into() }
}

/// The leaves in their order. Behind the first that is wrong nothing can be said of the rest, so it ends there.
fn walk(conn: &mut Conn, seen: &mut impl FnMut(usize)) -> Result<Vec<Finding>> {
    let keys = issuer::published(conn)?;
    let (mut tree, mut chain, mut found): (Growing, Hash, Vec<Finding>) =
        (Growing::default(), [0; 32], vec![]);
    let mut heads = Heads::begin(conn)?;
    let mut nodes = 0;
    loop {
        let next = tree.size() as i64 + 1;
        let page = log::entries(conn, next)?;
        if page.is_empty() {
            break;
        }
        seen(page.len());
        let mut made = vec![];
        for leaf in &page {
            let seq = tree.size() as i64 + 1;
            let about = |seq: i64| format!("leaf {seq}");
            if leaf.seq != seq {
                found.push(broken("consent-log-is-whole", about(seq), "this leaf is not there"));
                return Ok(found);
            }
            let Some(hash) = merkle::hash_of(&leaf.leaf) else {
                found.push(broken("consent-log-is-whole", about(seq), "this leaf is no hash"));
                return Ok(found);
            };
            let linked = merkle::link(&chain, &hash);
            if hex::encode(linked) != leaf.chain {
                let words = "this leaf does not follow from the chain: it, or the one before it, is another than was recorded";
                found.push(broken("consent-log-is-whole", about(seq), words));
                return Ok(found);
            }
            chain = linked;
            made.extend(tree.add(hash));
            if !heads.agree(conn, &tree, &chain, &keys, &mut found)? {
                return Ok(found);
            }
        }
        nodes += made.len() as i64;
        let numbers: Vec<i64> = made.iter().map(|(place, _)| place.number() as i64).collect();
        let kept: std::collections::BTreeMap<i64, String> = consent_nodes::table
            .filter(consent_nodes::place.eq_any(numbers))
            .select((consent_nodes::place, consent_nodes::hash))
            .load::<(i64, String)>(conn)?
            .into_iter()
            .collect();
        let wrong = made.iter().find(|(place, hash)| {
            kept.get(&(place.number() as i64)).is_none_or(|kept| *kept != hex::encode(hash))
        });
        if let Some((place, _)) = wrong {
            let first = (place.index << place.level) + 1;
            let about = format!("leaves {first} to {}", first + (1 << place.level) - 1);
            found.push(broken(
                "consent-tree-is-whole",
                about,
                "the node kept over these leaves is not the one that follows from them",
            ));
            return Ok(found);
        }
    }
    let kept: i64 = consent_nodes::table.count().get_result(conn)?;
    if kept != nodes {
        let words = format!("{kept} nodes are kept where {nodes} follow from the leaves");
        found.push(broken("consent-tree-is-whole", format!("{} leaves", tree.size()), words));
    }
    if let Some(head) = heads.next {
        let words = format!("a head was signed over {} leaves, and there are {}", head.size, tree.size());
        found.push(broken("consent-log-is-whole", format!("leaf {}", tree.size() + 1), words));
    }
    Ok(found)
}

/// The signed heads beside the leaves, in the order of their sizes.
struct Heads {
    next: Option<Head>,
    waiting: std::collections::VecDeque<Head>,
    /// The size up to which the last head agreed.
    agreed: i64,
}

impl Heads {
    fn begin(conn: &mut Conn) -> Result<Heads> {
        let mut heads = Heads { next: None, waiting: Default::default(), agreed: 0 };
        heads.advance(conn, 0, Timestamp(i64::MIN))?;
        Ok(heads)
    }

    fn advance(&mut self, conn: &mut Conn, size: i64, at: Timestamp) -> Result<()> {
        if self.waiting.is_empty() {
            self.waiting = Head::after(conn, size, at, PAGE)?.into();
        }
        self.next = self.waiting.pop_front();
        Ok(())
    }

    /// Holds every head of the size the tree has now against it. False: one was signed over other leaves.
    fn agree(
        &mut self,
        conn: &mut Conn,
        tree: &Growing,
        chain: &Hash,
        keys: &[Published],
        found: &mut Vec<Finding>,
    ) -> Result<bool> {
        while let Some(head) = self.next.clone().filter(|head| head.size <= tree.size() as i64) {
            let about = format!("head of {} leaves, {}", head.size, head.time);
            // Under which name we signed before names were kept nobody knows; the key must be ours.
            let signed = head.signer().filter(|signed| signed.is_with(keys));
            if signed.is_none() {
                found.push(broken(
                    "consent-head-is-signed",
                    about,
                    "this head is not signed by a key of this shop",
                ));
            } else if head.root != hex::encode(tree.root()) || head.chain_head != hex::encode(chain) {
                let words = format!(
                    "leaves {} to {} are not those over which a head was signed at {}",
                    self.agreed + 1,
                    head.size,
                    head.time
                );
                found.push(broken("consent-log-is-whole", format!("leaf {}", self.agreed + 1), words));
                return Ok(false);
            } else {
                self.agreed = head.size;
            }
            self.advance(conn, head.size, head.time)?;
        }
        Ok(true)
    }
}

/// What each receipt says against the leaf it stands for.
fn receipts(conn: &mut Conn, found: &mut Vec<Finding>, seen: &mut impl FnMut(usize)) -> Result<()> {
    let mut after = 0;
    loop {
        let page: Vec<(String, i64, String, String, Option<Leaf>)> = consent_receipts::table
            .left_join(consent_log::table)
            .filter(consent_receipts::seq.gt(after))
            .order(consent_receipts::seq)
            .limit(PAGE)
            .select((
                consent_receipts::id,
                consent_receipts::seq,
                consent_receipts::salt,
                consent_receipts::body,
                Option::<Leaf>::as_select(),
            ))
            .load(conn)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.1;
        seen(page.len());
        for (id, seq, salt, body, leaf) in &page {
            if found.len() > LISTED {
                return Ok(());
            }
            if let Some(words) = fault(conn, id, salt, body, leaf.as_ref())? {
                found.push(broken("receipt-equals-leaf", format!("leaf {seq} (receipt {id})"), words));
            }
        }
    }
}

fn fault(
    conn: &mut Conn,
    id: &str,
    salt: &str,
    body: &str,
    leaf: Option<&Leaf>,
) -> Result<Option<&'static str>> {
    let Some(leaf) = leaf else { return Ok(Some("its leaf is not there")) };
    let (Some(salt), Ok(said)) = (Salt::parse(salt), serde_json::from_str::<Receipt>(body)) else {
        return Ok(Some("it cannot be read"));
    };
    if hex::encode(receipt::leaf(&salt, body, &leaf.kind, &leaf.day)) != leaf.leaf {
        return Ok(Some("it is not what its leaf was made of"));
    }
    if said.id.as_str() != id || said.action.as_str() != leaf.kind || said.time.day() != leaf.day {
        return Ok(Some("it and its leaf differ in id, kind or day"));
    }
    let shown = Notice::by_hash(conn, &said.notice.hash).ok().filter(|notice| notice.named() == said.notice);
    Ok(shown.is_none().then_some("the text that it says was shown is not kept"))
}

/// Texts that are not those their hash was made of.
fn notices(conn: &mut Conn, found: &mut Vec<Finding>) -> Result<()> {
    let hashes: Vec<String> =
        consent_notices::table.select(consent_notices::hash).order(consent_notices::hash).load(conn)?;
    for hash in hashes {
        if Notice::by_hash(conn, &hash)?.hash() != hash {
            found.push(broken(
                "notice-is-kept",
                format!("notice {hash}"),
                "this text is not the one that was shown",
            ));
        }
    }
    Ok(())
}
