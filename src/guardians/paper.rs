//! The form on paper, made from the signed document and nothing else, with the document inside and signed as a whole. With
//! a code on it, it is also what is signed by hand and sent back.

use serde_json::Value;

use super::permission::Reach;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::proof::{Issuer, moment};
use crate::sales::certificate::Enclosed;
use crate::sales::letters::Face;
use crate::sales::paper::{self, ACCENT, BLACK, HEIGHT, INNER, MARGIN, SOFT, Sheet};

fn text(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The PDF of a signed form. The same document, code and moment give the same bytes.
pub fn pdf(
    document: &str,
    code: Option<&str>,
    contact: &str,
    issuer: &Issuer,
    now: Timestamp,
) -> Result<Vec<u8>> {
    let whole: Value = serde_json::from_str(document)?;
    let subject = &whole["credentialSubject"];
    let enclosed = Enclosed {
        title: text(subject, "/form"),
        description: format!("For the account {}", text(subject, "/minor/account")),
        author: text(&whole, "/issuer/name"),
        id: text(subject, "/formHash"),
        filename: "consent-form.json".into(),
        document,
        issued: moment(&text(&whole, "/validFrom")).unwrap_or(Timestamp(0)),
    };
    enclosed.signed(issuer, now, |pdf| {
        let mut page = paper::page(pdf)?;
        let mut surface = page.surface();
        let mut sheet = Sheet::on(&mut surface);
        sheet.frame();
        sheet.centred(Face::Sans, 9.5, SOFT, 76.0, &text(&whole, "/issuer/name"));
        sheet.centred(Face::Serif, 22.0, BLACK, 106.0, &text(subject, "/form"));
        let edition = format!("edition {}", text(subject, "/formVersion"));
        sheet.centred(Face::Sans, 8.0, SOFT, 122.0, &edition);
        let mut y = 150.0;
        let day = |path: &str| moment(&text(&whole, path)).map_or(String::new(), Timestamp::long_day);
        let messages = Reach::reads(&text(subject, "/messages")).to_owned();
        let facts = [
            ("Account", text(subject, "/minor/account")),
            ("Country", text(subject, "/minor/country")),
            ("Guardian", text(subject, "/guardian/name")),
            ("Relationship", text(subject, "/guardian/relationship")),
            ("E-mail", text(subject, "/guardian/email")),
            ("Telephone", text(subject, "/guardian/phone")),
            ("Messages", messages),
            ("Signed", day("/validFrom")),
            ("Holds until", day("/validUntil")),
        ];
        for (name, words) in facts.iter().filter(|(_, words)| !words.is_empty()) {
            sheet.write(Face::Sans, 8.4, SOFT, (MARGIN, y), name);
            y = sheet.paragraph(Face::Sans, 9.4, BLACK, (MARGIN + 96.0, y), INNER - 96.0, words) + 2.0;
        }
        y += 10.0;
        sheet.write(Face::Bold, 10.0, BLACK, (MARGIN, y), "Allowed");
        y += 16.0;
        for scope in subject["scopes"].as_array().into_iter().flatten() {
            sheet.rule(MARGIN, y - 10.0, INNER);
            sheet.write(Face::Bold, 8.6, BLACK, (MARGIN, y), &text(scope, "/name"));
            y = sheet.paragraph(Face::Sans, 8.4, SOFT, (MARGIN + 150.0, y), INNER - 150.0, &text(scope, "/words"))
                + 5.0;
        }
        let later = subject["servicesFrom"].as_array().into_iter().flatten();
        let later: Vec<String> =
            later.map(|service| format!("{} {}", text(service, "/name"), service["age"])).collect();
        if !later.is_empty() {
            let words = format!("Not to be allowed before an age of its own: {}.", later.join(", "));
            y = sheet.paragraph(Face::Sans, 8.4, SOFT, (MARGIN, y), INNER, &words) + 3.0;
        }
        y += 8.0;
        sheet.write(Face::Bold, 10.0, BLACK, (MARGIN, y), "Stated");
        y += 15.0;
        for (n, words) in subject["statements"].as_array().into_iter().flatten().enumerate() {
            let line = format!("{}. {}", n + 1, words.as_str().unwrap_or_default());
            y = sheet.paragraph(Face::Sans, 8.8, BLACK, (MARGIN, y), INNER, &line) + 3.0;
        }
        y += 14.0;
        sheet.write(Face::Sans, 8.4, SOFT, (MARGIN, y), "Signed by typing the name");
        sheet.write(Face::Serif, 17.0, BLACK, (MARGIN + 150.0, y + 3.0), &text(subject, "/signature/typed"));
        y += 22.0;
        sheet.write(Face::Sans, 7.4, SOFT, (MARGIN, y), "Form, SHA-256");
        sheet.write(Face::Sans, 7.4, BLACK, (MARGIN + 150.0, y), &text(subject, "/formHash"));
        if let Some(code) = code {
            let foot = HEIGHT - MARGIN - 76.0;
            sheet.rule(MARGIN, foot - 14.0, INNER);
            sheet.write(Face::Bold, 12.5, ACCENT, (MARGIN, foot), &format!("Code {code}"));
            let words = format!(
                "Some of what is allowed waits until this sheet, signed by hand, has reached us: {contact}. Two people look \
                 at it; then it is destroyed, and only the code and the day are kept."
            );
            sheet.paragraph(Face::Sans, 8.2, BLACK, (MARGIN, foot + 15.0), INNER, &words);
            sheet.rule(MARGIN, foot + 64.0, 220.0);
            sheet.write(Face::Sans, 7.4, SOFT, (MARGIN, foot + 74.0), "Signature by hand, and the day");
        }
        surface.finish();
        page.finish();
        Ok(())
    })
}
