//! The tree over the consent log: RFC 6962, section 2.1 (leaf and node hashes, proofs), with the algorithms of RFC 9162,
//! section 2.1 for checking them. Pure: whoever keeps the hashes is asked for whole subtrees by their place.

use std::ops::Range;

use sha2::{Digest, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// The most leaves a tree may have: places are kept as 64-bit numbers with a sign.
pub const MOST: u64 = 1 << 62;

/// The hash of a leaf: what it commits to behind a zero byte.
pub fn leaf(data: &[u8]) -> Hash {
    Sha256::new_with_prefix([0_u8]).chain_update(data).finalize().into()
}

/// The hash over two subtrees.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new_with_prefix([1_u8]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of a tree without leaves.
pub fn empty() -> Hash {
    Sha256::digest(b"").into()
}

/// The next link of the chain.
pub fn link(before: &Hash, leaf: &Hash) -> Hash {
    Sha256::new_with_prefix(before).chain_update(leaf).finalize().into()
}

/// A hash as 64 small hexadecimal digits.
pub fn hash_of(text: &str) -> Option<Hash> {
    let hash: Hash = hex::decode(text).ok()?.try_into().ok()?;
    (hex::encode(hash) == text).then_some(hash)
}

/// A whole subtree: the node over leaves `index · 2^level` to `(index + 1) · 2^level − 1`. Leaves are of level 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub level: u32,
    pub index: u64,
}

impl Place {
    /// Its number among all nodes, counted in order: leaves are even, the node over two of them stands between them.
    pub fn number(self) -> u64 {
        (self.index << (self.level + 1)) + (1 << self.level) - 1
    }

    fn beside(self) -> Place {
        Place { index: self.index ^ 1, ..self }
    }

    fn above(self) -> Place {
        Place { level: self.level + 1, index: self.index >> 1 }
    }
}

/// What becomes whole when the leaf of this index is added: each node above it with the subtree to its left, from the
/// bottom up.
pub fn completes(index: u64) -> impl Iterator<Item = (Place, Place)> {
    let start = Place { level: 0, index };
    std::iter::successors(Some(start), |place| Some(place.above()))
        .take_while(|place| place.index & 1 == 1)
        .map(|place| (place.beside(), place.above()))
}

/// The whole subtrees that a stretch of leaves is made of, from left to right. It begins where a tree of its length may.
pub fn whole(stretch: Range<u64>) -> Vec<Place> {
    let (mut from, mut all) = (stretch.start, vec![]);
    while from < stretch.end {
        let level = (stretch.end - from).ilog2();
        all.push(Place { level, index: from >> level });
        from += 1 << level;
    }
    all
}

/// The hash of a stretch from those of its whole subtrees; of none, the empty root.
pub fn joined(subtrees: &[Hash]) -> Hash {
    let mut rest = subtrees.iter().rev().copied();
    let Some(last) = rest.next() else { return empty() };
    rest.fold(last, |right, left| node(&left, &right))
}

/// The audit path of a leaf in a tree of that size (RFC 6962, 2.1.1): the stretches whose hashes it is made of, the
/// nearest first. Nothing for a leaf that is not in it.
pub fn inclusion(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size || size > MOST {
        return None;
    }
    let (mut all, mut from, mut to) = (vec![], 0, size);
    while to - from > 1 {
        let middle = from + half(to - from);
        if index < middle {
            all.push(middle..to);
            to = middle;
        } else {
            all.push(from..middle);
            from = middle;
        }
    }
    all.reverse();
    Some(all)
}

/// What shows that the tree of one size is the beginning of that of another (RFC 6962, 2.1.2). Nothing unless
/// 0 < `old` ≤ `new`.
pub fn consistency(old: u64, new: u64) -> Option<Vec<Range<u64>>> {
    if old == 0 || old > new || new > MOST {
        return None;
    }
    let (mut all, mut from, mut to, mut is_known) = (vec![], 0, new, true);
    while old != to {
        let middle = from + half(to - from);
        if old <= middle {
            all.push(middle..to);
            to = middle;
        } else {
            all.push(from..middle);
            from = middle;
            is_known = false;
        }
    }
    if !is_known {
        all.push(from..to);
    }
    all.reverse();
    Some(all)
}

/// The largest power of two below `count`, which is more than one.
fn half(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// Whether this path leads from the leaf to the root (RFC 9162, 2.1.3.2).
pub fn includes(index: u64, size: u64, leaf: &Hash, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for beside in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node(beside, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, beside);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether this path shows that the tree with the old root is the beginning of that with the new one (RFC 9162, 2.1.4.2).
pub fn extends(old: u64, new: u64, old_root: &Hash, new_root: &Hash, path: &[Hash]) -> bool {
    if old == 0 || old > new {
        return false;
    }
    if old == new {
        return path.is_empty() && old_root == new_root;
    }
    let mut path = path.iter();
    let first = if old.is_power_of_two() { Some(old_root) } else { path.next() };
    let Some(first) = first else { return false };
    let (mut at, mut last) = (old - 1, new - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut before, mut after) = (*first, *first);
    for beside in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            before = node(beside, &before);
            after = node(beside, &after);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            after = node(&after, beside);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && before == *old_root && after == *new_root
}

/// A tree that is built leaf by leaf and keeps a hash per level: for walking through a log of any length.
#[derive(Clone, Debug, Default)]
pub struct Growing {
    size: u64,
    peaks: Vec<Hash>,
}

impl Growing {
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn root(&self) -> Hash {
        joined(&self.peaks)
    }

    /// Adds a leaf; answers the nodes that became whole with it.
    pub fn add(&mut self, leaf: Hash) -> Vec<(Place, Hash)> {
        let (mut hash, mut made) = (leaf, vec![]);
        for (_, above) in completes(self.size) {
            let Some(left) = self.peaks.pop() else { break };
            hash = node(&left, &hash);
            made.push((above, hash));
        }
        self.peaks.push(hash);
        self.size += 1;
        made
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// MTH of RFC 6962 word for word.
    fn naive_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty(),
            [one] => *one,
            many => {
                let k = many.len().next_power_of_two() / 2;
                node(&naive_root(&many[..k]), &naive_root(&many[k..]))
            }
        }
    }

    /// PATH of RFC 6962 word for word.
    fn naive_path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return vec![];
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (mut path, other) = match m < k {
            true => (naive_path(m, &leaves[..k]), naive_root(&leaves[k..])),
            false => (naive_path(m - k, &leaves[k..]), naive_root(&leaves[..k])),
        };
        path.push(other);
        path
    }

    /// SUBPROOF of RFC 6962 word for word.
    fn naive_proof(m: usize, leaves: &[Hash], is_known: bool) -> Vec<Hash> {
        if m == leaves.len() {
            return if is_known { vec![] } else { vec![naive_root(leaves)] };
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (mut proof, other) = match m <= k {
            true => (naive_proof(m, &leaves[..k], is_known), naive_root(&leaves[k..])),
            false => (naive_proof(m - k, &leaves[k..], false), naive_root(&leaves[..k])),
        };
        proof.push(other);
        proof
    }

    /// A tree with every node kept, as the database keeps them.
    struct Kept {
        leaves: Vec<Hash>,
        nodes: HashMap<u64, Hash>,
        growing: Growing,
    }

    impl Kept {
        fn of(count: usize, salt: u8) -> Kept {
            let mut kept = Kept { leaves: vec![], nodes: HashMap::new(), growing: Growing::default() };
            for n in 0..count {
                let hash = leaf(&[&(n as u32).to_be_bytes()[..], &[salt]].concat());
                kept.nodes.insert(Place { level: 0, index: n as u64 }.number(), hash);
                for (place, hash) in kept.growing.add(hash) {
                    assert_eq!(kept.nodes.insert(place.number(), hash), None, "a node changed");
                }
                kept.leaves.push(hash);
            }
            kept
        }

        fn hashes(&self, stretches: &[Range<u64>]) -> Vec<Hash> {
            let hash = |s: &Range<u64>| {
                let parts: Vec<Hash> = whole(s.clone()).iter().map(|p| self.nodes[&p.number()]).collect();
                joined(&parts)
            };
            stretches.iter().map(hash).collect()
        }
    }

    #[test]
    fn the_roots_of_the_reference_implementation_come_out() {
        // The inputs and roots that Certificate Transparency's own tests use.
        let inputs: [&[u8]; 8] = [
            b"",
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
        ];
        let mut tree = Growing::default();
        let mut roots = vec![hex::encode(tree.root())];
        for input in inputs {
            tree.add(leaf(input));
            roots.push(hex::encode(tree.root()));
        }
        assert_eq!(roots[0], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(roots[1], "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(roots[8], "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn places_are_numbered_in_order() {
        for (level, index, number) in
            [(0, 0, 0), (1, 0, 1), (0, 1, 2), (2, 0, 3), (0, 2, 4), (1, 1, 5), (3, 0, 7)]
        {
            assert_eq!(Place { level, index }.number(), number);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn proofs_are_those_of_the_naive_tree_and_hold(count in 1usize..140, a in any::<u64>(), b in any::<u64>()) {
            let kept = Kept::of(count, 7);
            let new = 1 + (a % count as u64) as usize;
            let index = (b % new as u64) as usize;
            let root = naive_root(&kept.leaves[..new]);
            let tree = kept.hashes(std::slice::from_ref(&(0..new as u64)));
            prop_assert_eq!(tree[0], root);
            prop_assert_eq!(kept.growing.root(), naive_root(&kept.leaves));

            let path = kept.hashes(&inclusion(index as u64, new as u64).unwrap());
            prop_assert_eq!(&path, &naive_path(index, &kept.leaves[..new]));
            let holds = |i: usize, n: usize, l: &Hash, p: &[Hash]| includes(i as u64, n as u64, l, p, &root);
            prop_assert!(holds(index, new, &kept.leaves[index], &path));
            prop_assert!(!holds(index, new, &leaf(b"another"), &path));
            prop_assert!(new == 1 || !holds((index + 1) % new, new, &kept.leaves[index], &path));
            for n in 0..path.len() {
                let mut wrong = path.clone();
                wrong[n][31] ^= 1;
                prop_assert!(!holds(index, new, &kept.leaves[index], &wrong));
                prop_assert!(!holds(index, new, &kept.leaves[index], &path[..n]));
            }
            let longer = [&path[..], &[root]].concat();
            prop_assert!(!holds(index, new, &kept.leaves[index], &longer));

            let old = index + 1;
            let old_root = naive_root(&kept.leaves[..old]);
            let proof = kept.hashes(&consistency(old as u64, new as u64).unwrap());
            prop_assert_eq!(&proof, &naive_proof(old, &kept.leaves[..new], true));
            let grows = |o: &Hash, p: &[Hash]| extends(old as u64, new as u64, o, &root, p);
            prop_assert!(grows(&old_root, &proof));
            prop_assert!(!grows(&leaf(b"another"), &proof));
            prop_assert!(!grows(&old_root, &[&proof[..], &[root]].concat()));
            for n in 0..proof.len() {
                let mut wrong = proof.clone();
                wrong[n][0] ^= 1;
                prop_assert!(!grows(&old_root, &wrong));
                prop_assert!(!grows(&old_root, &proof[..n]));
            }
        }
    }

    #[test]
    fn what_is_not_in_a_tree_has_no_proof() {
        assert_eq!((inclusion(3, 3), inclusion(0, 0)), (None, None));
        assert_eq!((consistency(0, 3), consistency(4, 3)), (None, None));
        assert!(!includes(0, 0, &empty(), &[], &empty()) && !extends(0, 0, &empty(), &empty(), &[]));
        assert_eq!(hash_of(&"0".repeat(64)), Some([0; 32]));
        assert_eq!((hash_of(&"A".repeat(64)), hash_of("00"), hash_of("")), (None, None, None));
    }
}
