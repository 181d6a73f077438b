//! Passwords: Argon2id on a small pool of its own, so that a flood of logins stops neither pages nor itself for long.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::oneshot;

use crate::error::{Error, Result};

/// OWASP's minimum for Argon2id (Password Storage Cheat Sheet, 2025): 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Logins that may wait for a hash; the next is refused with 503.
const WAITING: usize = 32;
/// How long one may wait: then it is refused, too.
const PATIENCE: Duration = Duration::from_secs(1);

/// The shortest and the longest password (NIST SP 800-63B-4, 2025, section 3.1.1.2: at least 8; we ask 10).
pub const SHORTEST: usize = 10;
pub const LONGEST: usize = 200;

enum Work {
    Hash(String, oneshot::Sender<Result<String>>),
    Verify { password: String, hash: String, answer: oneshot::Sender<bool> },
}

/// The threads that hash.
#[derive(Clone)]
pub struct Hashing {
    queue: mpsc::SyncSender<Work>,
    /// A hash of nobody's password, so that an unknown address takes as long as a known one.
    nobody: Arc<str>,
}

impl Hashing {
    /// Starts the threads; they end with the last handle.
    pub fn start(threads: usize) -> Result<Hashing> {
        let (queue, waiting) = mpsc::sync_channel(WAITING);
        let waiting = Arc::new(std::sync::Mutex::new(waiting));
        for n in 0..threads.max(1) {
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new().name(format!("hashing-{n}")).spawn(move || work(&waiting))?;
        }
        Ok(Hashing { queue, nobody: hash(&crate::secrets::token()?)?.into() })
    }

    /// The PHC string to keep for a password. `Busy` when too many wait.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let (answer, hashed) = oneshot::channel();
        self.ask(Work::Hash(password.to_owned(), answer), hashed).await?
    }

    /// Whether a password is the one whose hash was kept; with no hash it takes as long and says no.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let (answer, fits) = oneshot::channel();
        let kept = hash.unwrap_or(&self.nobody).to_owned();
        let fits = self.ask(Work::Verify { password: password.to_owned(), hash: kept, answer }, fits).await?;
        Ok(fits && hash.is_some())
    }

    async fn ask<T>(&self, work: Work, answer: oneshot::Receiver<T>) -> Result<T> {
        self.queue.try_send(work).map_err(|_| Error::Busy(1))?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            _ => Err(Error::Busy(1)),
        }
    }
}

fn work(waiting: &std::sync::Mutex<mpsc::Receiver<Work>>) {
    loop {
        let Ok(next) = waiting.lock().map(|w| w.recv()) else { return };
        match next {
            // Whoever gave up waiting is not worth the work.
            Ok(Work::Hash(_, answer)) if answer.is_closed() => {}
            Ok(Work::Verify { answer, .. }) if answer.is_closed() => {}
            Ok(Work::Hash(password, answer)) => drop(answer.send(hash(&password))),
            Ok(Work::Verify { password, hash, answer }) => drop(answer.send(fits(&password, &hash))),
            Err(_) => return,
        }
    }
}

fn argon() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(Error::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str) -> Result<String> {
    Ok(argon()?.hash_password(password.as_bytes()).map_err(Error::internal)?.to_string())
}

fn fits(password: &str, hash: &str) -> bool {
    let (Ok(argon), Ok(hash)) = (argon(), PasswordHash::new(hash)) else { return false };
    argon.verify_password(password.as_bytes(), &hash).is_ok()
}

/// What is wrong with a password, if anything. Its own name or address inside is no secret.
pub fn fault(password: &str, name: &str, email: &str) -> Option<String> {
    let count = password.chars().count();
    let lower = password.to_lowercase();
    let own = |word: &str| word.chars().count() >= 4 && lower.contains(&word.to_lowercase());
    if count < SHORTEST {
        Some(format!("Use at least {SHORTEST} characters. A sentence is fine."))
    } else if count > LONGEST {
        Some(format!("Use at most {LONGEST} characters."))
    } else if password.chars().collect::<std::collections::BTreeSet<_>>().len() < 4 {
        Some("That repeats too few characters to be a secret.".into())
    } else if is_common(&lower) || own(name) || own(email.split('@').next().unwrap_or_default()) {
        Some("That is among the first that would be tried. Choose another.".into())
    } else {
        None
    }
}

/// What every list of guesses begins with, a word a line, in small letters: passwords, and words that people put digits
/// and signs behind.
const COMMON: &str = include_str!("common_passwords.txt");

/// Whether that is such a password, or such a word with nothing but digits and signs behind it.
fn is_common(lower: &str) -> bool {
    let bare = lower.trim_end_matches(|c: char| !c.is_alphabetic());
    COMMON.lines().any(|word| word == lower || (word == bare && !bare.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_fits() {
        let hashing = Hashing::start(2).unwrap();
        let kept = hashing.hash("nine lives and a half").await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hashing.verify("nine lives and a half", Some(&kept)).await.unwrap());
        assert!(!hashing.verify("nine lives and a hal", Some(&kept)).await.unwrap());
        assert!(!hashing.verify("anything", None).await.unwrap());
    }

    /// S4-11: what is among the first to be tried is refused, also with digits and signs behind it.
    #[test]
    fn weak_passwords_are_told_why() {
        for (password, fine) in [
            ("short", false),
            ("aaaaaaaaaaaa", false),
            ("Password123", false),
            ("Welcome2026!!", false),
            ("sunshine-2026", false),
            ("1q2w3e4r5t6y", false),
            ("ines-morrow-1", false),
            ("copper weather", true),
            ("sunshine on copper 7", true),
            ("3141592653589", true),
        ] {
            assert_eq!(fault(password, "Ines", "ines-morrow@example.com").is_none(), fine, "{password}");
        }
        let words: Vec<&str> = COMMON.lines().collect();
        assert!(words.len() > 150 && words.is_sorted(), "a word a line, in their order");
        for word in words {
            assert!(!word.is_empty() && word == word.to_lowercase() && word == word.trim(), "{word:?}");
        }
    }
}
