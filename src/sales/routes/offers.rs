//! What a track is offered at, for programs.

use rocket::http::ContentType;
use rocket::{State, get};
use serde_json::json;

use crate::App;
use crate::catalogue::offer;
use crate::catalogue::track::Track;
use crate::error::Result;
use crate::ids::Slug;
use crate::sales::edition::Edition;
use crate::sales::odrl::{self, Offered};
use crate::web::Reply;

/// An ODRL offer for each tier at which a track can be bought just now, in our profile. 404 for what is not in the shop.
#[get("/tracks/<slug>/offers.jsonld")]
pub async fn index(slug: Slug, app: &State<App>) -> Result<Reply> {
    let target = app.issuer.address(&format!("/tracks/{slug}"));
    let (offers, editions) = app
        .db
        .read(move |conn| {
            let track = Track::live(conn, &slug)?.track;
            Ok((offer::of_track(conn, &track.id)?, Edition::on_sale(conn)?))
        })
        .await?;
    let policies = offers.iter().filter(|offer| offer.is_in(&app.config.currency)).filter_map(|offer| {
        let edition = editions.iter().find(|e| e.tier.slug == offer.tier && !e.tier.on_request)?;
        let offered = Offered {
            uid: format!("{target}/offers.jsonld#{}", offer.tier),
            assigner: app.issuer.did(),
            target: target.clone(),
            price: offer.price_cents,
            currency: &offer.currency,
        };
        Some(odrl::offer(&offered, &edition.tier.scope))
    });
    let document = json!({ "@context": odrl::CONTEXT, "@graph": policies.collect::<Vec<_>>() });
    Ok(Reply::bytes(ContentType::new("application", "ld+json"), document.to_string()).public(60))
}
