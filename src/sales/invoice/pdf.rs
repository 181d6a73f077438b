//! A document on paper: who sold what to whom, line by line, and the sum.

use krilla::metadata::Metadata;

use super::{Bill, Kind};
use crate::error::Result;
use crate::money::Cents;
use crate::sales::letters::{Face, lacks};
use crate::sales::order::Line;
use crate::sales::paper::{self, ACCENT, BLACK, HEIGHT, INNER, MARGIN, SOFT, Sheet, WIDTH, date};
use crate::sales::places;

/// The right edge of what is printed.
const RIGHT: f32 = WIDTH - MARGIN;
/// Where the columns of the lines begin, behind the title.
const TIER: f32 = MARGIN + 262.0;
/// Below this no line and no sum begins.
const LAST: f32 = HEIGHT - MARGIN - 110.0;

/// What a sheet says that shows a name in part.
const IN_PART: &str = "A letter that this sheet cannot print stands as “?” here. The names in full are on the order's page, and that of the licensee in this file's description.";

/// The document as PDF/A. The same document gives the same bytes, however late it is asked for.
pub fn pdf(bill: &Bill) -> Result<Vec<u8>> {
    let (title, number) = (bill.invoice.kind.title(), bill.invoice.number());
    let mut pdf = paper::document()?;
    pdf.set_metadata(
        Metadata::new()
            .title(format!("{title} {number}"))
            // As it was given, in whatever script: the faces do not have every letter.
            .description(format!("{} · order {}", whom(bill).join(", "), bill.order.id))
            .authors(vec![bill.invoice.seller.clone()])
            .creator("Cuehouse".into())
            .language("en".into())
            .document_id(number.clone())
            .creation_date(date(bill.invoice.issued_at)),
    );
    let mut lines = bill.lines.iter().peekable();
    let mut nth = 0;
    let mut is_done = false;
    while !is_done {
        nth += 1;
        let mut page = paper::page(&mut pdf)?;
        let mut surface = page.surface();
        let mut sheet = Sheet::on(&mut surface);
        let mut y = if nth == 1 { head(&mut sheet, bill) } else { MARGIN + 24.0 };
        y = columns(&mut sheet, y);
        while let Some(line) = lines.next_if(|_| y < LAST) {
            y = row(&mut sheet, y, bill, line);
        }
        is_done = lines.peek().is_none() && y < LAST;
        if is_done {
            sum(&mut sheet, y, bill);
        }
        let foot = format!("{title} {number} · page {nth}");
        sheet.flush(Face::Sans, 7.6, SOFT, (RIGHT, HEIGHT - MARGIN + 16.0), &foot);
        surface.finish();
        page.finish();
    }
    paper::bytes(pdf)
}

/// Licensee, company and country, as far as they were stated.
fn whom(bill: &Bill) -> Vec<String> {
    let order = &bill.order;
    let all = [order.licensee.clone(), order.company.clone(), country(&order.country)];
    all.into_iter().filter(|words| !words.is_empty()).collect()
}

fn country(code: &str) -> String {
    places::country(code).map_or_else(String::new, |country| country.name.clone())
}

/// A sum with the sign of this document: a credit note takes back.
fn amount(bill: &Bill, cents: Cents) -> String {
    let signed = match bill.invoice.kind {
        Kind::Invoice => cents,
        Kind::CreditNote => -cents,
    };
    signed.exact(&bill.order.currency)
}

/// Who sells, to whom, which document and when. Answers where the lines may begin.
fn head(sheet: &mut Sheet<'_, '_>, bill: &Bill) -> f32 {
    let invoice = &bill.invoice;
    let half = INNER / 2.0 - 24.0;
    sheet.paragraph(Face::Bold, 11.0, BLACK, (MARGIN, 82.0), half - 20.0, &invoice.seller);
    sheet.flush(Face::Serif, 26.0, BLACK, (RIGHT, 88.0), invoice.kind.title());
    sheet.flush(Face::Bold, 12.0, ACCENT, (RIGHT, 110.0), &invoice.number());

    let mut left = 152.0;
    sheet.write(Face::Sans, 8.0, SOFT, (MARGIN, left), "For");
    left += 15.0;
    for words in whom(bill) {
        left = sheet.paragraph(Face::Sans, 10.5, BLACK, (MARGIN, left), half - 20.0, &words);
    }

    let mut facts = vec![("Issued", invoice.issued_at.long_day())];
    if let Some(credited) = &bill.credits {
        let words = format!("{} of {}", credited.number(), credited.issued_at.long_day());
        facts.push(("Takes back invoice", words));
    }
    facts.push(("Order", bill.order.id.to_string()));
    facts.push(("Ordered", bill.order.created_at.long_day()));
    if let Some(paid) = bill.order.paid_at {
        facts.push(("Paid", paid.long_day()));
    }
    let origin = country(&invoice.seller_country);
    facts.push(("Sold by", [invoice.seller.as_str(), &origin].join(", ").trim_end_matches(", ").to_owned()));
    let (x, mut right) = (MARGIN + half, 152.0);
    for (name, words) in facts {
        sheet.write(Face::Sans, 8.0, SOFT, (x, right), name);
        right = sheet.paragraph(Face::Sans, 8.0, BLACK, (x + 84.0, right), RIGHT - x - 84.0, &words) + 3.0;
    }
    left.max(right) + 28.0
}

fn columns(sheet: &mut Sheet<'_, '_>, y: f32) -> f32 {
    sheet.write(Face::Sans, 8.0, SOFT, (MARGIN, y), "Licence to");
    sheet.write(Face::Sans, 8.0, SOFT, (TIER, y), "Tier");
    sheet.flush(Face::Sans, 8.0, SOFT, (RIGHT, y), "Price");
    y + 8.0
}

/// One licence. Answers where the next line may begin.
fn row(sheet: &mut Sheet<'_, '_>, y: f32, bill: &Bill, line: &Line) -> f32 {
    sheet.rule(MARGIN, y, INNER);
    let y = y + 16.0;
    let width = TIER - MARGIN - 14.0;
    let tier = bill.tiers.get(&line.terms_hash).unwrap_or(&line.tier);
    sheet.write(Face::Sans, 10.0, BLACK, (TIER, y), tier);
    sheet.flush(Face::Sans, 10.0, BLACK, (RIGHT, y), &amount(bill, line.price_cents));
    let below = sheet.paragraph(Face::Sans, 10.0, BLACK, (MARGIN, y), width, &line.title);
    sheet.paragraph(
        Face::Sans,
        8.0,
        SOFT,
        (MARGIN, below - 1.0),
        width,
        &format!("by {}", line.uploader_name),
    ) + 1.0
}

/// The sum, and what it means.
fn sum(sheet: &mut Sheet<'_, '_>, y: f32, bill: &Bill) {
    sheet.rule(MARGIN, y, INNER);
    let y = y + 20.0;
    sheet.write(Face::Bold, 11.0, BLACK, (TIER, y), "Total");
    sheet.flush(Face::Bold, 11.0, BLACK, (RIGHT, y), &amount(bill, bill.order.total_cents));
    let words = match (bill.invoice.kind, bill.order.total_cents) {
        (Kind::CreditNote, _) => {
            "The payment was returned in full, and the licences of this order ended with that. No tax is stated."
        }
        (Kind::Invoice, Cents::ZERO) => "Nothing was to pay. No tax is stated.",
        (Kind::Invoice, _) => "Paid in full; nothing is owed. No tax is stated.",
    };
    let y = sheet.paragraph(Face::Sans, 8.0, SOFT, (MARGIN, y + 34.0), INNER, words);
    let mut names = bill.lines.iter().flat_map(|line| [&line.title, &line.uploader_name]);
    let is_in_part = |name: &String| lacks(name);
    if whom(bill).iter().chain([&bill.invoice.seller]).any(is_in_part) || names.any(is_in_part) {
        sheet.paragraph(Face::Sans, 8.0, SOFT, (MARGIN, y), INNER, IN_PART);
    }
}
