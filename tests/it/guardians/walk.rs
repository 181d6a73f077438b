//! Random walks over the table of states.

use cuehouse::guardians::moving::moved;
use cuehouse::guardians::showing;

use super::*;

#[derive(Clone, Debug)]
enum Op {
    Ask(Band),
    Permit(bool),
    Decline,
    Sign(Vec<Scope>),
    Prove(Method),
    Revoke(Option<Scope>),
    Lapse,
    Open,
    /// Names somebody from the account that is there.
    AskFor,
    /// Of age, and accepts the terms.
    Anew,
    /// The second question, answered later.
    Disclose,
    /// What its clock is about ends, if it is over.
    Over,
    Freeze(Band),
    Settle(Finding),
    Grow,
    /// What ran out by now ends.
    Expire,
    /// Says that they are here.
    Place(&'static str),
    Wait(i64),
}

fn any_op() -> impl Strategy<Value = Op> {
    let scopes = || prop::sample::subsequence(Scope::OF_MINORS.to_vec(), 1..=4);
    let young = || prop_oneof![Just(Band::Child), Just(Band::Minor)];
    prop_oneof![
        2 => young().prop_map(Op::Ask),
        3 => any::<bool>().prop_map(Op::Permit),
        1 => Just(Op::Decline),
        3 => scopes().prop_map(Op::Sign),
        3 => prop::sample::select(Method::ALL.to_vec()).prop_map(Op::Prove),
        3 => prop::option::of(prop::sample::select(Scope::ALL.to_vec())).prop_map(Op::Revoke),
        1 => Just(Op::Lapse),
        3 => Just(Op::Open),
        2 => Just(Op::AskFor),
        1 => Just(Op::Anew),
        1 => Just(Op::Disclose),
        1 => Just(Op::Over),
        1 => young().prop_map(Op::Freeze),
        1 => prop::sample::select(vec![Finding::Adult, Finding::Minor, Finding::Young]).prop_map(Op::Settle),
        1 => Just(Op::Grow),
        2 => Just(Op::Expire),
        1 => prop::sample::select(vec!["US", "CN", "DE"]).prop_map(Op::Place),
        2 => (1..400i64).prop_map(Op::Wait),
    ]
}

/// One step; whether it took an edge.
fn step(conn: &mut Conn, app: &Walk, op: &Op, stub: &Stub, now: Timestamp) -> Result<bool> {
    let ground = &app.ground;
    let ward: Option<Ward> =
        wards::table.order(wards::id.desc()).select(Ward::as_select()).first(conn).optional()?;
    let Some(ward) = ward else {
        let Op::Ask(band) = op else { return Ok(false) };
        let next = if *band == Band::Child { "2029-05" } else { "2031-02" };
        let name = format!("Kid {}", now.0);
        // Where thirteen is enough, so that there is a stricter place to go to.
        let asking = Asking { place: Some("US".into()), ..asking(&name, *band, next) };
        return passage::ask(conn, ground, &asking, stub, now).map(|_| true);
    };
    let word = Word { name: "Grace Field".into(), relationship: "mother".into() };
    match op {
        Op::Ask(_) | Op::Wait(_) => Ok(false),
        Op::Permit(disclose) => {
            let disclose = *disclose && ward.band == Band::Child;
            passage::permit(conn, ground, &ward, &word, disclose, stub, now).map(|()| true)
        }
        Op::Decline => passage::decline(conn, ground, &ward, stub, now).map(|()| true),
        Op::Sign(scopes) => {
            if ward.band != Band::Minor {
                return Ok(false);
            }
            let signing = Signing {
                name: "Grace Field".into(),
                relationship: "mother".into(),
                phone: String::new(),
                country: "DE".into(),
                scopes: scopes.clone(),
                reach: Reach::KnownContacts,
                signature: "Grace Field".into(),
            };
            passage::authorise(conn, ground, &app.issuer, &ward, &signing, stub, now).map(|_| true)
        }
        Op::Prove(method) => passage::prove(conn, ground, &ward, *method, stub, now).map(|s| !s.is_empty()),
        Op::Revoke(scope) => passage::revoke(conn, ground, &ward, *scope, stub, now),
        Op::Lapse => passage::lapse(conn, ground, &ward.id, stub, now),
        Op::Open => {
            let new = cuehouse::accounts::joining::Newcomer {
                email: format!("{}@example.com", ward.handle),
                name: ward.name.clone(),
                password_hash: "none".into(),
                token: secrets::token()?,
                site_url: "https://shop.example".into(),
            };
            passage::open_account(conn, &ward, &new, now).map(|_| false)
        }
        Op::AskFor => match &ward.account {
            Some(user) => {
                let (email, link) = ("mother@example.com", secrets::token()?);
                passage::ask_for(conn, ground, user, email, &link, stub, now).map(|()| true)
            }
            None => Ok(false),
        },
        Op::Anew => match &ward.account {
            Some(user) => growing::anew(conn, ground, user, stub, now).map(|()| true),
            None => Ok(false),
        },
        Op::Disclose => {
            showing::disclose(conn, ground, &ward, stub, now)?;
            Ok(Ward::find(conn, &ward.id)?.state != ward.state)
        }
        Op::Over => {
            // What ended already had its leaf then.
            let ended = matches!(ward.state, State::Ended | State::ChildEnded);
            growing::over(conn, ground, &ward.id, stub, now).map(|done| done && !ended)
        }
        Op::Freeze(band) => match &ward.account {
            Some(user) => knowledge::freeze(conn, ground, user, (Source::Staff, *band), None, stub, now),
            None => Ok(false),
        },
        Op::Settle(finding) => match &ward.account {
            Some(user) => knowledge::settle(conn, ground, user, *finding, user, stub, now).map(|()| true),
            None => Ok(false),
        },
        Op::Grow => growing::grow(conn, ground, &ward.id, stub, now),
        Op::Expire => growing::expire(conn, ground, &ward.id, stub, now),
        Op::Place(place) => match &ward.account {
            Some(user) => moved(conn, ground, user, place, stub, now),
            None => Ok(false),
        },
    }
}

#[derive(Clone)]
struct Walk {
    ground: Ground,
    issuer: cuehouse::proof::Issuer,
}

/// T-AGE-2: random walks over the table. Every edge from the seventh on has exactly one leaf, and what took none has none;
/// no child's permission to be heard by others rests on a letter; whoever is under age, found out or ended is under age or
/// held back in their account's row; nothing is kept in a state that is not to be kept.
#[tokio::test(flavor = "multi_thread")]
async fn random_walks_keep_what_must_be_true() {
    walks("guardian_under_18").await;
}

/// T-AGE-2: the same where parents of children are asked.
#[tokio::test(flavor = "multi_thread")]
async fn random_walks_where_parents_are_asked_keep_it_too() {
    walks("mixed_audience_vpc").await;
}

async fn walks(profile: &str) {
    let app = TestApp::with(&[("CUEHOUSE_AGE_PROFILE", profile)]).await;
    let walk = Walk { ground: ground(&app), issuer: app.app.issuer.clone() };
    let mut runner = TestRunner::new(Runs { failure_persistence: None, ..Runs::default() });
    let mut now = Timestamp::now();
    for _ in 0..16 {
        let ops = prop::collection::vec(any_op(), 14).new_tree(&mut runner).unwrap().current();
        let mut so_far = vec![];
        for op in ops {
            so_far.push(op.clone());
            now = now.plus(if let Op::Wait(days) = op { days * DAY } else { 1_000 });
            let before = leaves(&app).await;
            let (walk, stub, done) = (walk.clone(), draws(), op.clone());
            let taken = app.app.db.write(move |conn| step(conn, &walk, &done, &stub, now)).await;
            let taken = match taken {
                Ok(taken) => taken,
                Err(Error::Conflict(_) | Error::NotFound | Error::Refused(_)) => false,
                // A letter cannot prove enough: refused as a fault of whoever called it.
                Err(Error::Internal(_)) if matches!(op, Op::Prove(m) if !m.unlocks_disclosure()) => false,
                Err(error) => panic!("{error} after {so_far:?}"),
            };
            assert_eq!(leaves(&app).await, before + u64::from(taken), "{so_far:?}");
            holds(&app, now, &so_far).await;
        }
        // The next walk begins with nobody.
        app.app.db.write(|conn| Ok(diesel::delete(wards::table).execute(conn)?)).await.unwrap();
    }
}

async fn holds(app: &TestApp, now: Timestamp, so_far: &[Op]) {
    type Row = (WardId, State, Band, Option<UserId>);
    type Owner = (UserId, Band, Option<Hold>);
    let (all, open, owners): (Vec<Row>, Vec<Permission>, Vec<Owner>) = app
        .app
        .db
        .read(move |conn| {
            Ok((
                wards::table
                    .select((wards::id, wards::state, wards::band, wards::account))
                    .load::<Row>(conn)?,
                permissions::table.select(Permission::as_select()).load(conn)?,
                users::table.select((users::id, users::band, users::hold)).load(conn)?,
            ))
        })
        .await
        .unwrap();
    for (id, state, band, account) in &all {
        assert!(state.is_kept(), "{state} after {so_far:?}");
        let mine: Vec<&Permission> = open.iter().filter(|p| p.ward == *id && p.holds(now)).collect();
        for permission in mine.iter().filter(|p| p.scope == Scope::Publication) {
            assert!(permission.method.is_some_and(Method::unlocks_disclosure), "{so_far:?}");
        }
        if matches!(state, State::Ended | State::ChildEnded | State::Discovered | State::Conflict) {
            assert!(mine.is_empty(), "{state} holds {mine:?} after {so_far:?}");
        }
        if *state == State::Disclosing {
            assert!(*band == Band::Child, "{so_far:?}");
        }
        if let Some((_, known, hold)) =
            account.as_ref().and_then(|user| owners.iter().find(|(id, ..)| id == user))
        {
            assert_eq!(known, band, "{state} after {so_far:?}");
            assert!(*known < Band::Adult || hold.is_some(), "{state} after {so_far:?}");
            let shut = matches!(state, State::Pending | State::Waiting);
            assert_eq!(hold.is_some(), shut || state.hold().is_some(), "{state} after {so_far:?}");
        }
    }
}
