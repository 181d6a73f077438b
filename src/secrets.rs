//! Secrets: random tokens, what follows from the shop's one secret, and hashes of what we must not keep.

use std::io::{Read, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// So many bytes from the system's generator.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    Ok(bytes)
}

/// A token nobody can guess: 256 random bits in URL-safe base64 (43 characters).
pub fn token() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// SHA-256 in hexadecimal: how tokens and files are kept.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(Sha256::digest(bytes.as_ref()))
}

/// The same of a file, and how many bytes it has; a block at a time. Waits for the disk.
pub fn sha256_of(path: &Path) -> Result<(String, u64)> {
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let (mut file, mut block) = (std::fs::File::open(path)?, vec![0; 1 << 16]);
    loop {
        let n = file.read(&mut block)?;
        if n == 0 {
            return Ok((hex::encode(hash.finalize()), bytes));
        }
        hash.update(&block[..n]);
        bytes += n as u64;
    }
}

/// A key of its own for one purpose: HMAC-SHA-256 (RFC 2104) of its name under the shop's secret.
pub fn derive(secret: &[u8], purpose: &str) -> [u8; 32] {
    mac(secret, purpose.as_bytes())
}

/// HMAC-SHA-256 of a message.
pub fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of any length"),
    };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (x, y)| all | (x ^ y)) == 0
}

/// The secret kept in this file; made once, readable by its owner only. Two processes that start together agree.
pub fn kept_in(path: &Path) -> Result<Vec<u8>> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if !path.exists() {
        use std::os::unix::fs::OpenOptionsExt;
        let mine = path.with_extension(format!("{}.new", std::process::id()));
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&mine)?;
        file.write_all(STANDARD.encode(random::<64>()?).as_bytes())?;
        file.sync_all()?;
        // A link fails when the other process was first; its secret then holds.
        let _ = std::fs::hard_link(&mine, path);
        std::fs::remove_file(&mine)?;
    }
    let bytes = STANDARD.decode(std::fs::read_to_string(path)?.trim()).map_err(Error::internal)?;
    if bytes.len() < 64 { Err(Error::internal("the kept secret is too short")) } else { Ok(bytes) }
}
