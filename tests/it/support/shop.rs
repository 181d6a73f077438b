//! A shop in rows alone: people, published tracks and a till, for tests of what is true of orders without a server.

use cuehouse::accounts::user::User;
use cuehouse::catalogue::offer;
use cuehouse::catalogue::track::{Description, Kind, Recording, Track};
use cuehouse::clock::Timestamp;
use cuehouse::db::schema::uploads;
use cuehouse::db::{Conn, Db};
use cuehouse::error::Result;
use cuehouse::ids::{OrderId, Slug, TrackId, UploadId, UserId};
use cuehouse::money::Cents;
use cuehouse::proof::issuer::{Issuer, Operator};
use cuehouse::sales::basket::{self, Basket, Owner};
use cuehouse::sales::order::{Licensee, Order, Rules};
use cuehouse::sales::{edition, tier};
use diesel::prelude::*;

/// The moment at which these tests take place.
pub const NOW: Timestamp = Timestamp(1_795_000_000_000);
pub const SECRET: &[u8] = b"the secret of a shop in a test, long enough";

/// A shop with a till and nothing to sell yet.
pub struct Shop {
    pub db: Db,
    pub issuer: Issuer,
    pub rules: Rules,
}

pub fn operator() -> Operator {
    Operator {
        name: "Cuehouse Test Ltd".into(),
        country: "DE".into(),
        site_url: "https://shop.example".into(),
        indemnity: false,
    }
}

impl Shop {
    pub async fn new(db: &Db) -> Shop {
        let issuer = db
            .write(|conn| {
                edition::seed(conn, &tier::Catalogue::default(), NOW)?;
                Issuer::open(conn, SECRET, &operator(), NOW)
            })
            .await
            .unwrap();
        Shop { db: db.clone(), issuer, rules: Rules { currency: "usd".into(), share_bps: 3_500 } }
    }

    /// A confirmed person.
    pub async fn person(&self, name: &str) -> UserId {
        let name = name.to_owned();
        self.db
            .write(move |conn| {
                let email = format!("{}@example.org", Slug::from_title(&name));
                let mut user = User::new(conn, &email, &name, "no password", NOW)?;
                user.confirmed_at = Some(NOW);
                user.insert(conn)?;
                Ok(user.id)
            })
            .await
            .unwrap()
    }

    /// A published track at these prices by tier.
    pub async fn track(&self, uploader: &UserId, title: &str, prices: &[(&str, i64)]) -> (TrackId, Slug) {
        let (uploader, title) = (uploader.clone(), title.to_owned());
        let prices: Vec<(String, Cents)> = prices.iter().map(|(t, c)| ((*t).to_owned(), Cents(*c))).collect();
        self.db.write(move |conn| published(conn, &uploader, &title, &prices)).await.unwrap()
    }

    /// Sets what a track costs from now on; a tier that is not named is not offered any more.
    pub async fn reprice(&self, track: &TrackId, prices: &[(&str, i64)]) {
        let track = track.clone();
        let prices: Vec<(String, Cents)> = prices.iter().map(|(t, c)| ((*t).to_owned(), Cents(*c))).collect();
        self.db.write(move |conn| offer::replace(conn, &track, &prices, "usd")).await.unwrap();
    }

    /// Puts offers into somebody's basket.
    pub async fn puts(&self, owner: &Owner, offers: &[(&Slug, &str)]) {
        for (slug, tier) in offers {
            let (owner, slug, tier) = (owner.clone(), (*slug).clone(), (*tier).to_owned());
            self.db.write(move |conn| basket::put(conn, &owner, &slug, &tier, "usd", NOW)).await.unwrap();
        }
    }

    /// Opens an order from the buyer's basket.
    pub async fn orders(&self, buyer: &UserId) -> Result<Order> {
        let (buyer, rules) = (buyer.clone(), self.rules.clone());
        self.db
            .write(move |conn| {
                let basket = Basket::of(conn, &Owner::Account(buyer.clone()), &rules.currency)?;
                Order::open(conn, &buyer, &basket, &licensee(), &rules, NOW)
            })
            .await
    }

    pub async fn order(&self, id: &OrderId) -> Order {
        let id = id.clone();
        self.db.read(move |conn| Order::find(conn, &id)).await.unwrap()
    }
}

/// Who the licences of these tests are made out to.
pub fn licensee() -> Licensee {
    Licensee {
        name: "Ada Field".into(),
        company: "Field & Söhne GmbH".into(),
        project: "Harbour lights".into(),
        country: "DE".into(),
        territories: vec!["europe".into()],
    }
}

/// A master in storage, as its upload describes it.
pub struct Master {
    pub upload: UploadId,
    pub key: String,
    pub bytes: i64,
    pub sha256: String,
    pub container: &'static str,
}

/// A published track in rows, with the facts of a recording that nobody made.
pub fn published(
    conn: &mut Conn,
    uploader: &UserId,
    title: &str,
    prices: &[(String, Cents)],
) -> Result<(TrackId, Slug)> {
    let upload = UploadId::new();
    let master = Master {
        key: format!("masters/{upload}.wav"),
        bytes: 1_234_567,
        sha256: cuehouse::secrets::sha256(upload.as_str()),
        container: "WAV",
        upload,
    };
    published_of(conn, uploader, title, prices, &master)
}

/// A published track in rows whose master lies in storage.
pub fn published_of(
    conn: &mut Conn,
    uploader: &UserId,
    title: &str,
    prices: &[(String, Cents)],
    master: &Master,
) -> Result<(TrackId, Slug)> {
    let upload = master.upload.clone();
    diesel::insert_into(uploads::table)
        .values((
            uploads::id.eq(&upload),
            uploads::uploader_id.eq(uploader),
            uploads::filename.eq("master.wav"),
            uploads::bytes.eq(master.bytes),
            uploads::file_sha256.eq(&master.sha256),
            uploads::master_key.eq(&master.key),
            uploads::state.eq("ready"),
            uploads::created_at.eq(NOW),
            uploads::changed_at.eq(NOW),
        ))
        .execute(conn)?;
    let recording = Recording {
        upload_id: upload.clone(),
        container: master.container.into(),
        codec: "PCM".into(),
        frames: 44_100 * 90,
        duration_ms: 90_000,
        sample_rate: 44_100,
        channels: 2,
        bits: Some(24),
        loudness_lufs: Some(-14.0),
        loudness_range: Some(6.0),
        true_peak_dbtp: Some(-1.0),
        samples_sha256: cuehouse::secrets::sha256(format!("samples of {upload}")),
        bpm: Some(96.0),
        bpm_sure: 0.9,
        musical_key: Some("fsm".into()),
        key_sure: 0.8,
        bars: "40".repeat(200),
        peaks_key: format!("peaks/{upload}"),
        artwork_key: format!("artwork/{upload}"),
        preview_key: format!("previews/{upload}"),
        preview_bytes: 1,
        sample_key: format!("samples/{upload}"),
        sample_bytes: 1,
        sample_start_ms: 0,
        fingerprint_key: None,
        created_at: NOW,
    };
    recording.insert(conn)?;
    let track = Track::draft(conn, &upload, uploader, title, &recording, NOW)?;
    let said = Description {
        title: title.to_owned(),
        description: "A track of a test.".into(),
        kind: Kind::Music,
        genre: Some("ambient".into()),
        vocals: "none".into(),
        moods: vec![],
        instruments: vec![],
        tags: vec![],
        bpm: Some(96.0),
        musical_key: Some("fsm".into()),
        voices: Some(cuehouse::catalogue::voices::Voices::OfAge),
        prices: prices.to_vec(),
    };
    track.describe(conn, &said, "usd", uploader, NOW)?;
    let track = Track::find(conn, &track.id)?;
    track.submit(conn, uploader, NOW)?;
    track.publish(conn, uploader, NOW)?;
    Ok((track.id, track.slug))
}
