//! Where admins file what partners of advertising report, and read it by month.

use rocket::{State, get, post};
use serde::Serialize;

use super::partner::{self, KEPT_DAYS, Month};
use crate::App;
use crate::accounts::guards::Admin;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::money::Cents;
use crate::web::{Faults, Fields, FormView, Page, Posted, Reply, View};

/// A vendor whose advertisements may be on.
#[derive(Serialize)]
struct Partner {
    slug: String,
    name: String,
}

/// `/admin/ads/partners`.
#[derive(Serialize)]
pub struct PartnersPage {
    partners: Vec<Partner>,
    months: Vec<Month>,
    form: FormView,
    kept_days: i64,
}

impl PartnersPage {
    fn new(app: &App, mut months: Vec<Month>, form: FormView) -> PartnersPage {
        for month in &mut months {
            if let Some(known) = app.consent.registry.vendor(&month.vendor) {
                month.vendor.clone_from(&known.name);
            }
        }
        let partners = app.consent.on().filter(|vendor| vendor.is_ads());
        PartnersPage {
            partners: partners.map(|v| Partner { slug: v.id.clone(), name: v.name.clone() }).collect(),
            months,
            form,
            kept_days: KEPT_DAYS,
        }
    }
}

impl View for PartnersPage {
    const TEMPLATE: &'static str = "ads/partners.html";

    fn samples() -> Vec<PartnersPage> {
        let month = Month {
            month: "2026-11".into(),
            vendor: "Google AdSense".into(),
            placement: "front".into(),
            impressions: 1_200,
            clicks: 30,
            revenue: Cents(456),
        };
        let fields = Fields::parse("partner=adsense&report=day,visitor");
        let wrong = FormView::new(&fields, Faults::of("report", "The column “visitor” is not taken."));
        let page = |is_on: bool, months, form| PartnersPage {
            partners: is_on
                .then(|| Partner { slug: "adsense".into(), name: "Google AdSense".into() })
                .into_iter()
                .collect(),
            months,
            form,
            kept_days: KEPT_DAYS,
        };
        let none = FormView::default;
        vec![page(true, vec![month], wrong), page(true, vec![], none()), page(false, vec![], none())]
    }
}

/// What was reported so far, and the form.
#[get("/admin/ads/partners")]
pub async fn index(_who: Admin, page: Page, app: &State<App>) -> Result<Reply> {
    let months = app.db.read(partner::months).await?;
    page.show(&PartnersPage::new(app, months, FormView::default()))
}

/// Files a report. Of one that has a column too many, or says anything but counts, nothing is kept.
#[post("/admin/ads/partners", data = "<form>")]
pub async fn create(who: Admin, form: Posted, page: Page, app: &State<App>) -> Result<Reply> {
    let (fields, now) = (form.0, Timestamp::now());
    let vendor = app.consent.on().find(|v| v.is_ads() && v.id == fields.text("partner"));
    let read = match vendor {
        None => Err(Faults::of("partner", "Nobody by this name advertises here.")),
        Some(vendor) => partner::read(fields.raw("report"), now)
            .map(|lines| (vendor.id.clone(), lines))
            .map_err(|fault| Faults::of("report", fault)),
    };
    let faults = match read {
        Ok((vendor, lines)) => {
            match app.db.write(move |conn| partner::keep(conn, &vendor, &lines, &who.id, now)).await {
                Ok(()) => {
                    return Ok(Reply::go("/admin/ads/partners")
                        .notice("Filed. What was told before of the same days and places is replaced."));
                }
                Err(Error::Refused(why)) => Faults::of("report", why),
                Err(error) => return Err(error),
            }
        }
        Err(faults) => faults,
    };
    let months = app.db.read(partner::months).await?;
    page.show_as(422, &PartnersPage::new(app, months, FormView::new(&fields, faults)))
}
