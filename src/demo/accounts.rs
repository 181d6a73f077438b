//! Who may sign in to the demo: accounts with passwords nobody chose, kept where the operator finds them.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::catalogue::{PEOPLE, Person};
use crate::accounts::user::Role;
use crate::error::Result;
use crate::secrets;

/// The file below the data folder.
pub const FILE: &str = "demo-accounts.json";

/// An account of the demo with its password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub name: String,
    pub email: String,
    pub password: String,
    /// What it is there for: `buyer` where no role was granted.
    pub roles: Vec<String>,
}

impl Account {
    fn new(person: &Person) -> Result<Account> {
        Ok(Account {
            name: person.name.to_owned(),
            email: person.email.to_owned(),
            password: hex::encode(secrets::random::<10>()?),
            roles: vec![person.role.map_or("buyer", Role::as_str).to_owned()],
        })
    }
}

/// The accounts kept in this file, one for everyone of the demo in their order; made once, readable by its owner
/// only. Two processes that start together agree; a file that is something else gives way.
pub fn kept_in(path: &Path) -> Result<Vec<Account>> {
    if let Some(kept) = read(path) {
        return Ok(kept);
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let made = PEOPLE.iter().map(Account::new).collect::<Result<Vec<_>>>()?;
    let mine = path.with_extension(format!("{}.new", hex::encode(secrets::random::<6>()?)));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&mine)?;
    file.write_all(&serde_json::to_vec_pretty(&made)?)?;
    file.sync_all()?;
    // A link fails when the other process was first; its passwords then hold.
    let kept = match std::fs::hard_link(&mine, path) {
        Ok(()) => Some(made.clone()),
        Err(_) => read(path),
    };
    match kept {
        Some(kept) => {
            std::fs::remove_file(&mine)?;
            Ok(kept)
        }
        None => {
            std::fs::rename(&mine, path)?;
            Ok(made)
        }
    }
}

/// What the file holds, if it is this demo's.
pub fn read(path: &Path) -> Option<Vec<Account>> {
    let kept: Vec<Account> = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let fits = kept.len() == PEOPLE.len()
        && kept.iter().zip(PEOPLE).all(|(account, person)| account.email == person.email);
    fits.then_some(kept)
}

/// What tells one set of passwords from another, without saying any.
pub fn proof(accounts: &[Account]) -> String {
    let all: Vec<&str> = accounts.iter().map(|a| a.password.as_str()).collect();
    secrets::sha256(all.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn passwords_are_made_once_and_are_their_owners_alone() {
        let folder = std::env::temp_dir().join(format!("cuehouse-{}", secrets::token().unwrap()));
        let path = folder.join(FILE);
        let made = kept_in(&path).unwrap();
        assert!(made == kept_in(&path).unwrap(), "the second asking found others");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(made.iter().all(|a| a.password.len() == 20));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing else is left lying");
        for role in ["buyer", "uploader", "reviewer", "support", "admin"] {
            assert!(made.iter().any(|a| a.roles == [role]), "nobody is {role}");
        }
        std::fs::write(&path, "somebody's shopping list").unwrap();
        let again = kept_in(&path).unwrap();
        assert_ne!(proof(&again), proof(&made));
        assert!(again == kept_in(&path).unwrap());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
