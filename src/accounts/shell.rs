//! Accounts from the shell: the first admin has nobody to ask. Works beside a running `serve`.

use super::password::{self, Hashing};
use super::session;
use super::user::{Role, User, is_email, name_fault};
use crate::clock::Timestamp;
use crate::db::{Conn, Db};
use crate::error::{Error, Result};
use crate::secrets;

/// Adds a confirmed, adult person with these roles. Without a password one is made up. Answers the password that was
/// made up. `Refused` says what is wrong with the address, the name or the password.
pub async fn add(
    db: &Db,
    hashing: &Hashing,
    email: &str,
    name: &str,
    roles: &[Role],
    password: Option<&str>,
) -> Result<Option<String>> {
    if !is_email(email) {
        return Err(Error::refused(format!("{email:?} is no e-mail address")));
    }
    if let Some(fault) = name_fault(name) {
        return Err(Error::refused(format!("{name:?}: {fault}")));
    }
    let made_up = match password {
        Some(given) => match password::fault(given, name, email) {
            Some(fault) => return Err(Error::refused(fault)),
            None => None,
        },
        None => Some(secrets::token()?[..20].to_owned()),
    };
    let hash = hashing.hash(made_up.as_deref().or(password).unwrap_or_default()).await?;
    let (email, name, roles) = (email.to_owned(), name.to_owned(), roles.to_vec());
    db.write(move |conn| {
        let now = Timestamp::now();
        if User::by_email(conn, &email)?.is_some() {
            return Err(Error::refused(format!("{email} has an account already")));
        }
        let user = User::new(conn, &email, &name, &hash, now)?;
        user.insert(conn)?;
        user.confirm(conn, now)?;
        roles.iter().try_for_each(|role| user.grant(conn, *role, now))
    })
    .await?;
    Ok(made_up)
}

/// Grants a role, or takes it back. `Refused` when nobody has this address.
pub async fn role(db: &Db, email: &str, role: Role, revoke: bool) -> Result<()> {
    let email = email.to_owned();
    db.write(move |conn| {
        let user = known(conn, &email)?;
        if revoke { user.revoke(conn, role) } else { user.grant(conn, role, Timestamp::now()) }
    })
    .await
}

/// Closes accounts and ends their sessions, all of them or, where nobody has one of the addresses, none. What they have in
/// the shop is neither found nor sold any more; what they licensed stays valid.
pub async fn disable(db: &Db, emails: &[String]) -> Result<()> {
    let emails = emails.to_vec();
    db.write(move |conn| {
        let now = Timestamp::now();
        for email in &emails {
            let user = known(conn, email)?;
            user.disable(conn, now)?;
            session::close_all(conn, &user.id, None)?;
        }
        Ok(())
    })
    .await
}

/// Opens a closed account again. What it has in the shop is back as it was, without a reviewer. `Refused` when nobody has this
/// address, or the account was deleted.
pub async fn enable(db: &Db, email: &str) -> Result<()> {
    let email = email.to_owned();
    db.write(move |conn| {
        let user = known(conn, &email)?;
        // What an erased account leaves for the books is nobody's.
        if user.password_hash.is_empty() {
            return Err(Error::refused(format!("{email} was deleted")));
        }
        user.enable(conn, Timestamp::now())
    })
    .await
}

fn known(conn: &mut Conn, email: &str) -> Result<User> {
    User::by_email(conn, email)?.ok_or_else(|| Error::refused(format!("nobody has the address {email}")))
}
