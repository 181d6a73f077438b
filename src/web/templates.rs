//! Pages and letters from templates that are compiled in.

use std::borrow::Cow;
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, TeraResult};

use super::assets;
use crate::catalogue::lists;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::money::{self, Cents};

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// The templates of the house.
#[derive(Clone)]
pub struct Templates(Arc<Tera>);

/// A letter's two parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    pub subject: String,
    pub text: String,
}

impl Templates {
    /// Reads all of them; the error names the one that is wrong. `currency` is what prices are shown in.
    pub fn new(currency: &str) -> Result<Templates> {
        let mut tera = Tera::new();
        helpers(&mut tera, currency);
        let mut all = vec![];
        walk(&FILES, &mut all);
        tera.add_raw_templates(all).map_err(|e| Error::internal(chain(&e)))?;
        Ok(Templates(Arc::new(tera)))
    }

    /// A page from a view, with what all pages share under `page`.
    pub fn page(&self, name: &str, view: &impl Serialize, page: &impl Serialize) -> Result<String> {
        self.page_of(name, self.values(view)?, page)
    }

    /// What a template takes of a view.
    pub fn values(&self, view: &impl Serialize) -> Result<Context> {
        Context::from_serialize(view).map_err(|e| Error::internal(chain(&e)))
    }

    /// A page from values that were taken before.
    pub fn page_of(&self, name: &str, mut values: Context, page: &impl Serialize) -> Result<String> {
        values.insert("page", page);
        self.render(name, &values)
    }

    /// A letter from its values. The template's first line is the subject.
    pub fn letter(&self, name: &str, values: &impl Serialize) -> Result<Words> {
        let context = Context::from_serialize(values).map_err(|e| Error::internal(chain(&e)))?;
        let text = self.render(&format!("mail/{name}.txt"), &context)?;
        let (subject, text) = text.split_once('\n').unwrap_or((text.as_str(), ""));
        Ok(Words { subject: subject.trim().to_owned(), text: format!("{}\n", text.trim()) })
    }

    /// The same letter as a page.
    pub fn letter_page(&self, name: &str, values: &impl Serialize) -> Result<String> {
        let context = Context::from_serialize(values).map_err(|e| Error::internal(chain(&e)))?;
        self.render(&format!("mail/{name}.html"), &context)
    }

    /// The names of all templates, pieces among them.
    pub fn names(&self) -> Vec<String> {
        self.0.get_template_names().map(str::to_owned).collect()
    }

    fn render(&self, name: &str, context: &Context) -> Result<String> {
        self.0.render(name, context).map_err(|e| Error::internal(format!("template {name}: {}", chain(&e))))
    }
}

fn walk(dir: &'static Dir<'static>, out: &mut Vec<(String, &'static str)>) {
    for file in dir.files() {
        if let Some(text) = file.contents_utf8() {
            out.push((file.path().to_string_lossy().into_owned(), text));
        }
    }
    for dir in dir.dirs() {
        walk(dir, out);
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text += &format!(" <- {error}");
        next = error.source();
    }
    text
}

fn helpers(tera: &mut Tera, currency: &str) {
    let shop = currency.to_owned();
    tera.register_filter("money", move |cents: i64, kw: Kwargs, _: &State| -> TeraResult<String> {
        let currency: Option<Cow<'_, str>> = kw.get::<String>("currency")?.map(Cow::Owned);
        Ok(Cents(cents).show(currency.as_deref().unwrap_or(&shop)))
    });
    tera.register_filter("day", |ms: i64, _: Kwargs, _: &State| Timestamp(ms).day());
    tera.register_filter("long_day", |ms: i64, _: Kwargs, _: &State| Timestamp(ms).long_day());
    tera.register_filter("rfc3339", |ms: i64, _: Kwargs, _: &State| Timestamp(ms).rfc3339());
    tera.register_filter("clock", |ms: i64, _: Kwargs, _: &State| clock(ms));
    tera.register_filter("grouped", |n: i64, _: Kwargs, _: &State| money::grouped(n.unsigned_abs()));
    tera.register_filter("wave", |bars: &str, kw: Kwargs, _: &State| -> TeraResult<String> {
        let height: i64 = kw.get("height")?.unwrap_or(36);
        let count: usize = kw.get::<i64>("bars")?.map_or(200, |n| n.clamp(8, 1000) as usize);
        Ok(wave(bars, height, count))
    });
    tera.register_filter("plural", |n: i64, kw: Kwargs, _: &State| -> TeraResult<String> {
        let one: String = kw.must_get("one")?;
        let many: String = kw.get("many")?.unwrap_or_else(|| format!("{one}s"));
        Ok(format!("{} {}", money::grouped(n.unsigned_abs()), if n == 1 { one } else { many }))
    });
    tera.register_filter("lines", |text: &str, _: Kwargs, _: &State| {
        text.lines().map(str::to_owned).collect::<Vec<String>>()
    });
    let named: [(&'static str, lists::Lookup); 7] = [
        ("key_short", lists::key_short),
        ("key_name", lists::key_name),
        ("kind_name", lists::kind_name),
        ("genre_name", lists::genre_name),
        ("mood_name", lists::mood_name),
        ("instrument_name", lists::instrument_name),
        ("vocals_name", lists::vocals_name),
    ];
    for (name, find) in named {
        tera.register_filter(name, move |slug: &str, _: Kwargs, _: &State| {
            find(slug).map_or_else(|| slug.to_owned(), str::to_owned)
        });
    }
    tera.register_function("asset", |kw: Kwargs, _: &State| -> TeraResult<String> {
        let path: String = kw.must_get("path")?;
        assets::address(&path).ok_or_else(|| tera::Error::message(format!("no static file {path}")))
    });
}

/// `2:34`, `1:02:03`; what is under a minute has its leading zero minute.
pub fn clock(ms: i64) -> String {
    let secs = (ms.max(0) + 500) / 1000;
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{secs:02}") } else { format!("{minutes}:{secs:02}") }
}

/// The path of a waveform: one upright stroke for each bar, `M0.5 17V19…`, in a box as wide as there are bars.
/// `hex` holds two digits a bar; when fewer bars are wanted each shows the highest it stands for.
///
/// Two dozen of them are on a page, so figures are counted in whole tenths and written digit by digit, as bytes: to write
/// floats took longer than all else that a page is made of, and letter by letter a sixth of it.
pub fn wave(hex: &str, height: i64, count: usize) -> String {
    let digit = |letter: u8| char::from(letter).to_digit(16).map(|digit| digit as u8);
    let bar = |two: &[u8; 2]| Some(digit(two[0])? << 4 | digit(two[1])?);
    let bars: Vec<u8> = hex.as_bytes().as_chunks::<2>().0.iter().filter_map(bar).collect();
    let count = count.min(bars.len());
    let mid = u64::try_from(height).unwrap_or_default().clamp(2, 10_000) * 5;
    let mut path = Vec::with_capacity(count * 18);
    let mut from = 0;
    for n in 0..count {
        let to = (n + 1) * bars.len() / count;
        let high = u64::from(bars[from..to].iter().copied().max().unwrap_or(0));
        let half = ((high * (mid - 5) + 127) / 255).max(5);
        path.push(b'M');
        figure(&mut path, n as u64);
        path.extend_from_slice(b".5 ");
        tenths(&mut path, mid - half);
        path.push(b'V');
        tenths(&mut path, mid + half);
        from = to;
    }
    String::from_utf8(path).unwrap_or_default()
}

/// Writes `92` as `9.2`.
fn tenths(out: &mut Vec<u8>, n: u64) {
    figure(out, n / 10);
    out.extend_from_slice(&[b'.', b'0' + (n % 10) as u8]);
}

/// Writes a figure in decimal digits.
fn figure(out: &mut Vec<u8>, n: u64) {
    let digit = |n: u64| b'0' + (n % 10) as u8;
    match n {
        0..10 => out.push(digit(n)),
        10..100 => out.extend_from_slice(&[digit(n / 10), digit(n)]),
        100..1000 => out.extend_from_slice(&[digit(n / 100), digit(n / 10), digit(n)]),
        _ => {
            figure(out, n / 1000);
            out.extend_from_slice(&[digit(n / 100), digit(n / 10), digit(n)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_on_a_record_sleeve() {
        for (ms, said) in
            [(0, "0:00"), (4_400, "0:04"), (154_000, "2:34"), (3_723_000, "1:02:03"), (-5, "0:00")]
        {
            assert_eq!(clock(ms), said);
        }
    }

    #[test]
    fn a_waveform_is_one_stroke_a_bar() {
        assert_eq!(wave("00ff", 36, 200), "M0.5 17.5V18.5M1.5 0.5V35.5");
        assert_eq!(wave("00ff8000", 36, 2), "M0.5 0.5V35.5M1.5 9.2V26.8");
        assert_eq!(wave("zz", 36, 200), "");
        let long = wave(&"10".repeat(1200), 4000, 1000);
        assert!(
            long.contains("M9.5 ") && long.contains("M99.5 ") && long.ends_with("M999.5 1874.5V2125.5"),
            "{long}"
        );
    }
}
